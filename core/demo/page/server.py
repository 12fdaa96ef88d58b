"""The page's server on 127.0.0.1: files of our own, a stream of what is seen, and acts.

Who has no key sees nothing and does nothing: the address that is printed has it, and a cookie keeps it. Acts come from
the page alone (`Origin`), and names that lead here from elsewhere are refused (`Host`).
"""

from __future__ import annotations

import asyncio
import hmac
import mimetypes
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from core.demo.page import acts, seen
from core.demo.page.seen import Cast
from core.demo.stand_ins.server import StandIn
from core.demo.stand_ins.slack import Impossible, SlackStandIn

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_IMAGES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
HEARTBEAT_SECONDS = 15.0
_GATHER_SECONDS = 0.02
"""Changes that come within this are shown together."""


class SlackPage(StandIn):
    """A workspace in a browser, at `address_with_key`."""

    def __init__(self, slack: SlackStandIn, cast: Cast) -> None:
        super().__init__()
        self._slack = slack
        self._cast = cast
        self.key = secrets.token_urlsafe(16)

    @property
    def address_with_key(self) -> str:
        """What a browser is sent to."""
        return f"{self.url}/?key={self.key}"

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._guarded(self._shell, open_to_all=True)),
            web.get("/static/{name}", self._guarded(self._static, open_to_all=True)),
            web.get("/setting", self._guarded(self._setting)),
            web.get("/live", self._guarded(self._live)),
            web.get("/files/{id}", self._guarded(self._file)),
            web.post("/acts/{name}", self._guarded(self._act)),
        ]

    def _guarded(self, handler: _Handler, *, open_to_all: bool = False) -> _Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            own = self.url.partition("//")[2]
            if request.host not in (own, own.replace("127.0.0.1", "localhost")):
                return _refused("not this host")
            if request.method == "POST" and request.headers.get("Origin") != f"http://{request.host}":
                return _refused("not from this page")
            held = request.cookies.get(self._cookie, "")
            if not open_to_all and not self._is_key(held):
                return _refused("no key")
            return await handler(request)

        return guarded

    @property
    def _cookie(self) -> str:
        # Cookies know no ports, so two demonstrations need two names.
        return f"ccb-demo-{self.url.rpartition(':')[2]}"

    def _is_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.key.encode())

    async def _shell(self, request: web.Request) -> web.StreamResponse:
        given = request.query.get("key")
        if given is None:
            return _served("index.html")
        if not self._is_key(given):
            return _refused("not the key of this demonstration")
        response = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
        response.set_cookie(self._cookie, self.key, httponly=True, samesite="Strict")
        return response

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in _static():
            raise web.HTTPNotFound
        return _served(name)

    async def _setting(self, request: web.Request) -> web.StreamResponse:
        return _json(seen.setting(self._slack, self._cast, self._who(request)))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Send what is seen, again after each change."""
        user = self._who(request)
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        with suppress(ConnectionError), self._slack.changes.followed() as changed:  # the page was closed
            while True:
                await response.write(b"data: " + orjson.dumps(seen.state(self._slack, user)) + b"\n\n")
                while not await _happened(changed):
                    await response.write(b":\n\n")
        return response

    def _who(self, request: web.Request) -> str:
        asked = request.query.get("as", "")
        return asked if asked in self._cast.roles else next(iter(self._cast.roles))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        data = self._slack.files.get(request.match_info["id"], {}).get("data")
        kind = next((kind for begins, kind in _IMAGES.items() if data and data.startswith(begins)), None)
        if data is None or kind is None:
            raise web.HTTPNotFound
        return web.Response(body=data, content_type=kind, headers=_HEADERS)

    async def _act(self, request: web.Request) -> web.StreamResponse:
        act = acts.ACTS.get(request.match_info["name"])
        if act is None:
            raise web.HTTPNotFound
        if request.content_type != "application/json":
            return _json({"failed": "application/json is wanted"}, status=415)
        try:
            return _json(await acts.done(self._slack, act, await request.read(), self._cast.roles))
        except ValidationError as error:
            return _json({"failed": error.errors(include_url=False, include_input=False)[0]["msg"]}, status=422)
        except Impossible as impossible:
            return _json({"failed": str(impossible)}, status=409)


async def _happened(changed: asyncio.Queue[Any]) -> bool:
    """Wait for a change, and for those that come along with it; False when there is none for a while."""
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            await changed.get()
    except TimeoutError:
        return False
    await asyncio.sleep(_GATHER_SECONDS)
    while not changed.empty():
        changed.get_nowait()
    return True


@cache
def _static() -> dict[str, bytes]:
    """Return the page's files by name: they are few and small."""
    folder = files("core.demo.page") / "static"
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


def _served(name: str) -> web.Response:
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
    return web.Response(body=_static()[name], content_type=kind or "text/plain", charset="utf-8", headers=_HEADERS)


def _json(content: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json", headers=_HEADERS)


def _refused(why: str) -> web.Response:
    return _json({"failed": why}, status=403)
