"""What lies around every handler: who asks, what they may do, what they sent, and what is said when it goes wrong.

It is wrapped around each handler when the application is built, not hung into aiohttp's chain of middlewares, so that a
`raw` route (webhooks) pays nothing for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from core import auth
from core.auth import ANONYMOUS, LOCAL, Actor
from core.context import Context
from core.errors import Malformed, NotFound, Unauthenticated
from core.http import errors, idempotency, parsing
from core.http.node import NODE, Node
from core.http.routes import ANY_KEY, Request, Route, json_response, template
from core.ids import new_id
from core.texts import T, preferred

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEADERS = {
    "Server": errors.SERVER,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def wrap(ctx: Context, route: Route, node: Node) -> Handler:
    """Return the aiohttp handler of a route."""
    return _measured(ctx, route, node, _raw(ctx, route) if route.raw else _typed(ctx, route, node))


async def caller(ctx: Context, raw: web.Request) -> Actor:
    """Return who sends this request: by the key they show, or as the local admin on the engine's own socket.

    Raises `TooMany` for an address that has shown too many wrong keys.
    """
    header = raw.headers.get("Authorization")
    if header is None and _came_by_socket(raw):
        return LOCAL
    limits, now = raw.app[NODE].limits, ctx.clock.now()
    limits.refuse_guessing(raw.remote, header, now)
    try:
        actor = await auth.authenticate(ctx, header)
    except (Malformed, Unauthenticated):
        limits.wrong(raw.remote, header, now)
        raise
    limits.right(header)
    return actor


def request_id(raw: web.BaseRequest) -> str:
    """Return the caller's own id for the request where it is safe to repeat, else a new one."""
    given = raw.headers.get("X-Request-Id", "")
    return given if _SAFE_ID.fullmatch(given) else new_id("req")


def language_of(raw: web.Request) -> str:
    """Return the language that the caller reads."""
    return preferred(raw.headers.get("Accept-Language", ""))


def _measured(ctx: Context, route: Route, node: Node, handler: Handler) -> Handler:
    """Count how long the answers take: two microseconds for each, so on the hottest path too."""
    latencies, clock = node.latencies, ctx.clock
    times = latencies.of(route.method, template(route.path))

    async def handle(raw: web.Request) -> web.StreamResponse:
        began, status = time.perf_counter(), 499  # as nginx counts a caller that has gone
        latencies.in_flight += 1
        try:
            response = await handler(raw)
            status = response.status
        finally:
            latencies.in_flight -= 1
            times.add(time.perf_counter() - began, status, clock.now())
        return response

    return handle


def _raw(ctx: Context, route: Route) -> Handler:
    handler = route.handler

    async def handle(raw: web.Request) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(ctx, raw)
        except Exception as error:  # noqa: BLE001 - the border: errors.answer logs what nobody foresaw
            return _answer(error, raw, request_id(raw))
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Server"] = errors.SERVER
        return response

    return handle


def _typed(ctx: Context, route: Route, node: Node) -> Handler:
    async def handle(raw: web.Request) -> web.StreamResponse:
        began, own_id = time.perf_counter(), request_id(raw)
        structlog.contextvars.bind_contextvars(request_id=own_id)
        headers = {"X-Request-Id": own_id}
        try:
            response = await _respond(ctx, route, raw, headers)
        except Exception as error:  # noqa: BLE001 - the border: errors.answer logs what nobody foresaw
            response = _answer(error, raw, own_id)
        if not response.prepared:
            response.headers.update(headers)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            node.cors.apply(response, raw)
        took = round((time.perf_counter() - began) * 1e3, 1)
        log.debug("request", method=raw.method, path=raw.path, status=response.status, milliseconds=took)
        return response

    return handle


async def _respond(ctx: Context, route: Route, raw: web.Request, headers: dict[str, str]) -> web.StreamResponse:
    """Answer a request; `headers` takes those that go with the answer, whatever it is."""
    if not all(part.isprintable() for part in raw.match_info.values()):  # no text of PostgreSQL's holds a NUL
        raise NotFound(T("There is nothing at {path}. /docs shows what there is.", path=ascii(raw.path)[1:-1][:200]))
    actor = ANONYMOUS
    if route.permission is not None:
        actor = await caller(ctx, raw)
        if actor is not LOCAL:
            raw.app[NODE].limits.take(actor.id, ctx.clock.now(), headers)
        if route.permission != ANY_KEY:
            actor.require(route.permission)
    query = parsing.query(route.query, raw)
    content = await parsing.content(raw) if route.request is not None else b""
    request = Request(
        id=headers["X-Request-Id"],
        actor=actor,
        path=raw.match_info,
        query=query,
        body=parsing.body(route.request, content) if route.request is not None else None,
        language=language_of(raw),
        raw=raw,
    )

    async def run() -> web.StreamResponse:
        result = await route.handler(ctx, request)
        return result if isinstance(result, web.StreamResponse) else json_response(result, status=route.status)

    key = idempotency.key_of(raw) if route.takes_idempotency_key else None
    if key is None:
        return await run()
    return await idempotency.once(ctx, raw, actor=actor, key=key, content=content, run=run)


def _answer(error: Exception, raw: web.Request, own_id: str) -> web.StreamResponse:
    if isinstance(error, ConnectionError) and raw.transport is None:
        raise error  # the caller has gone: there is nobody to answer
    if isinstance(error, web.HTTPException) and error.status < 400:
        return web.Response(status=error.status, headers={"Location": error.headers.get("Location", "/")})  # a redirect
    return errors.answer(error, request_id=own_id, language=language_of(raw), path=raw.path)


def _came_by_socket(raw: web.Request) -> bool:
    # A Unix socket's own name is its path, a TCP socket's is a pair.
    return raw.transport is not None and isinstance(raw.transport.get_extra_info("sockname"), str)
