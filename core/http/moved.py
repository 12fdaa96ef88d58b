"""Addresses without their version, as some guides print them."""

from __future__ import annotations

from aiohttp import web

from core.context import Context
from core.http.routes import route
from core.texts import T


@route(
    "GET", r"/integrations/{path:[\s\S]+}", permission=None, open=True, raw=True, tag="integrations", status=308,
    summary=T("Lead to the same address under /v1"),
)  # fmt: skip
async def integrations(ctx: Context, request: web.Request) -> web.Response:
    """Redirect to `/v1/integrations/…`, with the query. `curl -L` follows, and shows its key there again."""
    # The address as it was sent, percent signs and all; with its first part known, it cannot lead to another host.
    return web.Response(status=308, headers={"Location": f"/v1{request.rel_url.raw_path_qs}"})
