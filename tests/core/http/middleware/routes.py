"""Routes on which a request goes wrong in every way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import errors
from core.auth import ANONYMOUS
from core.context import Context
from core.http.routes import ANY_KEY, Request, Routes
from core.texts import T

Keys = Callable[..., Awaitable[dict[str, str]]]


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    count: int = Field(1, ge=0)
    nested: dict[str, int] = Field(default_factory=dict)


class Easy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = "none"


class Which(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(10, ge=1)
    tag: list[str] = Field(default_factory=list)
    from_: str | None = Field(None, alias="from")


RAISED: dict[str, Exception] = {
    "malformed": errors.Malformed(T("m")),
    "unauthenticated": errors.Unauthenticated(T("m"), error="Invalid webhook signature"),
    "denied": errors.Denied(T("m")),
    "missing": errors.NotFound(T("m")),
    "conflict": errors.Conflict(T("m"), missing=["a"]),
    "large": errors.TooLarge(T("m")),
    "unsupported": errors.Unsupported(T("m")),
    "invalid": errors.Invalid(T("m"), path="a.b"),
    "upstream": errors.Upstream(T("m")),
    "upstream-later": errors.Upstream(T("m"), retry_after=2.2),
    "unavailable": errors.Unavailable(T("m"), retry_after=0),
    "unconfigured": errors.NotConfigured(T("m"), service="slack", settings=("SLACK_BOT_TOKEN",)),
    "bug": RuntimeError("password=hunter2"),
    "aiohttp": web.HTTPGone(),
}

mine = Routes()

plain: dict[str, Any] = {"summary": T("s"), "tag": "test"}


@mine.route("GET", "/v1/raise/{kind}", permission=None, open=True, **plain)
async def raising(ctx: Context, request: Request) -> None:
    assert request.actor == ANONYMOUS
    raise RAISED[request.path["kind"]]


@mine.route("POST", "/v1/raw/{kind}", permission=None, open=True, raw=True, **plain)
async def raw(ctx: Context, request: web.Request) -> web.Response:
    if request.match_info["kind"] == "echo":
        body = await request.read()
        return web.Response(body=body[:100], headers={"X-Size": str(len(body))})
    raise RAISED[request.match_info["kind"]]


@mine.route("POST", "/v1/wishes", permission="integrations.write", request=Wish, response=Wish, status=201, **plain)
async def wish(ctx: Context, request: Request) -> Wish:
    return request.body_as(Wish)


@mine.route("POST", "/v1/easy", permission=ANY_KEY, request=Easy, response=Easy, **plain)
async def easy(ctx: Context, request: Request) -> dict[str, Any]:
    return {"body": request.body, "by": request.actor.name, "granted": request.actor.permissions}


@mine.route("PATCH", "/v1/free", permission=None, open=True, request=dict[str, Any], **plain)
async def free(ctx: Context, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = request.body_as(dict)
    return body


@mine.route("GET", "/v1/which", permission=None, open=True, query=Which, **plain)
async def which(ctx: Context, request: Request) -> Which:
    return request.query_as(Which)


@mine.route("GET", "/v1/cached", permission=None, open=True, **plain)
async def cached(ctx: Context, request: Request) -> web.Response:
    return web.json_response([], headers={"Cache-Control": "private, no-cache"})


@mine.route("GET", "/v1/away", permission=None, open=True, **plain)
async def away(ctx: Context, request: Request) -> web.Response:
    raise web.HTTPFound("/v1/cached")


ENTERED, LEAVE = asyncio.Event(), asyncio.Event()


@mine.route("GET", "/v1/slow", permission=None, open=True, **plain)
async def slow(ctx: Context, request: Request) -> dict[str, str]:
    ENTERED.set()
    await LEAVE.wait()
    return {"done": "yes"}


@mine.route("GET", "/v1/one/{name}", permission=None, open=True, **plain)
async def one(ctx: Context, request: Request) -> dict[str, str]:
    return dict(request.path)
