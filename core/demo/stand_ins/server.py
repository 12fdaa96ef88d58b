"""What every stand-in is: an aiohttp server on a loopback port, in a test or as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler


class StandIn(ABC):
    """`async with SlackStandIn() as slack:` serves at `slack.url` and keeps what was asked in `slack.requests`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        """Method and path of every request, in order."""
        self.url = ""
        self.after: Callable[[web.Request], Awaitable[None]] | None = None
        """Called when something was asked and done, before the caller learns of it."""
        self.more_headers: dict[str, str] = {}
        """What every answer's headers have besides."""
        self._runner: web.AppRunner | None = None

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """Return the paths that the service has."""

    def address(self, base: str) -> str:
        """Return what a client is configured with, for a server at `base`."""
        return base

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one."""
        # A client that is told to hang up on us leaves nothing to wait for.
        app = web.Application(middlewares=[self._noted], client_max_size=2**26)
        app.add_routes(self.routes())
        app.on_response_prepare.append(self._prepared)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = self.address(f"http://127.0.0.1:{self._runner.addresses[0][1]}")

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _prepared(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self.more_headers)

    @web.middleware
    async def _noted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        response = await handler(request)
        if self.after is not None:
            await self.after(request)
        return response


def hang_up(request: web.Request) -> web.Response:
    """Break the connection before the answer: the caller never learns that it was done."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def main(stand_in: StandIn) -> None:
    """Serve until interrupted; the first line of stdout is the address."""
    parser = argparse.ArgumentParser(description=stand_in.__doc__)
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port

    async def serve() -> None:
        await stand_in.start(port)
        sys.stdout.write(stand_in.url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        sys.exit(0)
