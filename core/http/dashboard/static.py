"""`/dashboard/static`: the style sheet and the scripts."""

from __future__ import annotations

import gzip

from aiohttp import web

from core.context import Context
from core.errors import NotFound
from core.http.dashboard import files
from core.http.dashboard.door import PAGES
from core.texts import T

_FOR_EVER = "public, max-age=31536000, immutable"


@PAGES.route(
    "GET", "/dashboard/static/{tag}/{name}", permission=None, open=True, raw=True, tag="dashboard",
    summary=T("A file that the dashboard's pages load"),
)  # fmt: skip
async def static(ctx: Context, raw: web.Request) -> web.Response:
    """Give a file. Under the tag of another version it is given too, and not kept: nodes may differ for a while."""
    name = raw.match_info["name"]
    if name != files.CHARTS and name not in files.KINDS:
        raise NotFound(T("There is no such file."))
    current = files.address(name) == raw.path
    tag = f'"{files.address(name).split("/")[-2]}"'
    headers = {"ETag": tag, "Cache-Control": _FOR_EVER if current else "no-cache"}
    if raw.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    if name != files.CHARTS:
        return web.Response(body=files.content(name), content_type=files.KINDS[name], charset="utf-8", headers=headers)
    packed, headers["Vary"] = await files.charts(ctx), "Accept-Encoding"
    if "gzip" in raw.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        packed = gzip.decompress(packed)
    return web.Response(body=packed, content_type="text/javascript", charset="utf-8", headers=headers)
