"""A server that does what a path says, names that lead where a test wants, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import socket

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from core.errors import CcbError
from core.outbound import Outbound

LOOPBACK = ("127.0.0.0/8", "::1/128")

SECRET = "hush-hush"


class Names(AbstractResolver):
    """Answers from a table; every other name does not exist."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self._table = table

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host not in self._table:
            raise OSError(None, "no such name")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._table[host]
        ]

    async def close(self) -> None:
        pass


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "path": request.path_qs,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": (await request.read()).decode(),
            "peer": request.transport.get_extra_info("peername")[1] if request.transport else None,
        },
        headers={"Set-Cookie": "a=b"},
    )


async def _redirect(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["status"]), headers={"Location": request.query["to"]})


async def _large(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * int(request.match_info["size"]))


async def _bomb(_: web.Request) -> web.Response:
    return web.Response(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})


async def _forever(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def _breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"only this")
    assert request.transport
    request.transport.abort()
    return response


def application() -> web.Application:
    """Return what echoes, redirects, sends much, never answers or breaks off."""
    app = web.Application()
    app.router.add_route("*", "/echo", _echo)
    app.router.add_route("*", "/redirect/{status}", _redirect)
    app.router.add_get("/large/{size}", _large)
    app.router.add_get("/bomb", _bomb)
    app.router.add_get("/forever", _forever)
    app.router.add_get("/breaks-off", _breaks_off)
    return app


async def refused(outbound: Outbound, url: str) -> CcbError:
    """Return why a request failed; fail if it did not."""
    with pytest.raises(CcbError) as raised:
        await outbound.request("GET", url)
    return raised.value
