"""Links that sign in to the dashboard once, so that whoever has a key or the machine need not paste one."""

from __future__ import annotations

from pydantic import BaseModel, Field

from core import sessions
from core.context import Context
from core.http.node import NODE
from core.http.routes import ANY_KEY, Request, moment, route
from core.texts import T


class LinkOut(BaseModel):
    """A link; what signs in stands behind its `#`, which no server and no log ever sees."""

    url: str = Field(description="The page, at the address by which this engine is reached from outside.")
    local_url: str = Field(description="The same on this engine's own address.")
    expires_at: str


@route(
    "POST", "/v1/dashboard/links", permission=ANY_KEY, tag="keys", response=LinkOut, status=201,
    summary=T("Make a link that signs in to the dashboard, once and within five minutes"),
)  # fmt: skip
async def make(ctx: Context, request: Request) -> LinkOut:
    """Make a link. Who follows it is signed in as whoever asked; opening the page alone does not use it up."""
    header = request.raw.headers.get("Authorization")
    key = header.strip().partition(" ")[2].strip() if header is not None else None
    secret, expires_at = await sessions.offer_link(ctx, actor=request.actor, key=key)
    local = request.raw.app[NODE].address or ctx.settings.base_url
    base = ctx.settings.public_url or local
    return LinkOut(
        url=f"{base.rstrip('/')}/dashboard/link#{secret}",
        local_url=f"{local.rstrip('/')}/dashboard/link#{secret}",
        expires_at=moment(expires_at),
    )
