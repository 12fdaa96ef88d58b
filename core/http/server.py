"""The server: every route on one port, and on a socket of the engine's own for the user it runs as."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from itertools import chain, groupby
from pathlib import Path

import structlog
from aiohttp import web

from core.config import MAX_BODY
from core.context import Context
from core.errors import Conflict
from core.http import dashboard, errors, protocol
from core.http.cors import Cors
from core.http.middleware import Handler, language_of, request_id, wrap
from core.http.node import NODE, Node
from core.http.rate_limit import Limits
from core.http.routes import Routes, load
from core.texts import T

log = structlog.get_logger()

GRACE_SECONDS = 5.0
"""How long requests in hand may take to finish at a stop."""
SOCKET = "ccb.sock"
BACKLOG = 1024


def build(ctx: Context, found: Routes | None = None) -> web.Application:
    """Return the application with all routes (or those `found`), behind permissions, parsing and error answers."""
    app = web.Application(client_max_size=MAX_BODY)
    node = app[NODE] = Node(limits=Limits(ctx.settings.rate_limit), cors=Cors(ctx.settings.cors_origins))
    for path, routes in groupby(found or chain(load(), dashboard.load()), key=lambda route: route.path):
        allowed: set[str] = set()
        for route in routes:
            handler = wrap(ctx, route, node)
            if route.method == "GET":
                app.router.add_get(path, handler)  # takes HEAD as well
            else:
                app.router.add_route(route.method, path, handler)
            allowed |= {"GET", "HEAD"} if route.method == "GET" else {route.method}
        app.router.add_route("*", path, _elsewhere(sorted(allowed)))
    # Found last, for aiohttp looks for the longest prefix first; a path may hold a line feed, which `.` does not match.
    app.router.add_route("*", r"/{path:[\s\S]*}", _elsewhere([]))
    return app


class Server:
    """The running server of one node."""

    def __init__(self, ctx: Context) -> None:
        self._settings = ctx.settings
        self._app = build(ctx)
        self._runner: web.AppRunner | None = None
        self._socket: Path | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def node(self) -> Node:
        """What it knows of itself."""
        return self._app[NODE]

    @property
    def address(self) -> str:
        """Where it is reached on this machine, such as `http://127.0.0.1:8080`; empty before the start."""
        return self._app[NODE].address

    @property
    def socket_path(self) -> Path | None:
        """The engine's own socket, while it is open."""
        return self._socket

    async def start(self) -> str:
        """Begin to listen; return the address. Raises `Conflict` when the port is taken."""
        host, port = self._settings.host, self._settings.port
        self._runner = protocol.Runner(
            self._app, access_log=None, auto_decompress=False, shutdown_timeout=GRACE_SECONDS
        )
        await self._runner.setup()
        serving = self._runner.server
        assert serving is not None
        self._app[NODE].connections = lambda: len(serving.connections)
        site = web.TCPSite(self._runner, host, port, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            if error.errno != errno.EADDRINUSE:
                raise
            raise Conflict(
                T("Port {port} on {host} is taken by another program. Stop it, or set CCB_PORT.", port=port, host=host)
            ) from None
        self._app[NODE].address = f"http://{_reachable(host)}:{site.port}"
        await self._open_socket(self._settings.data_dir / SOCKET)
        self._watching = asyncio.create_task(self.node.latencies.watch_the_loop(), name="event-loop-lag")
        return self.address

    async def stop(self) -> None:
        """Take no more, let what is in hand finish (`GRACE_SECONDS`), close."""
        self._app[NODE].stopping = True
        if self._watching is not None:
            self._watching.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            self._socket = None

    async def _open_socket(self, path: Path) -> None:
        """Listen on a Unix socket that only our own user may open: who comes by it is the local admin."""
        assert self._runner is not None
        if not await asyncio.to_thread(_make_room, path):
            log.warning("another engine has the socket; commands go to that one", path=str(path))
            return
        # The mode comes from the mask, so that there is no moment at which others could open it.
        mask = os.umask(0o177)
        try:
            await web.UnixSite(self._runner, path, backlog=BACKLOG).start()
        except OSError as error:  # such as a path of more than 107 bytes; everything but the command line works without
            log.warning("no socket for the command line", path=str(path), reason=str(error))
            return
        finally:
            os.umask(mask)
        self._socket = path


def _elsewhere(allowed: list[str]) -> Handler:
    """Return what answers for a path that takes only these methods, or that nothing is at."""

    async def handle(raw: web.Request) -> web.StreamResponse:
        own_id, language, cors = request_id(raw), language_of(raw), raw.app[NODE].cors
        answer = cors.preflight(raw, allowed) if allowed else None
        if answer is not None:
            return answer
        if allowed:
            answer = errors.not_allowed(raw.method, allowed, request_id=own_id, language=language)
        else:
            answer = errors.not_found(raw.path, request_id=own_id, language=language)
        cors.apply(answer, raw)
        return answer

    return handle


def _reachable(host: str) -> str:
    """Return the host that a program on this machine uses for one that may mean every address."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host


def _make_room(path: Path) -> bool:
    """Clear away a socket that a killed process left behind; return False when a living one has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_socket():
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return True
        return False
