"""Socket Mode: several connections, each of which is followed by the next one when it ends.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from chatbot.app import SlackApp
from chatbot.failures import failure
from core.context import Context
from core.errors import Upstream
from core.texts import T, Text

log = structlog.get_logger()

CONNECTIONS = 2
"""While Slack renews one, the other takes what comes."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds until a connection is tried again; each wait is twice the one before."""
OPEN_SECONDS = 15.0
"""How long a connection may take to be open and greeted."""
PING_SECONDS = 10.0
"""How often a silent connection is asked whether it lives; it is given half of that to answer."""
SETTLED_SECONDS = 30.0
"""A connection that lasted this long was a good one: the next is tried at once, however it ended."""
LINGER_SECONDS = 5.0
"""How long a connection that is to go waits for the next one, and then for what came over it to be acknowledged."""
STOP_SECONDS = 1.5
CLOSED = "closed"
"""It ended with no `disconnect` before."""
_UNREACHED = (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError)
_RENEWED = frozenset({"refresh_requested", "warning"})
"""Slack's reasons for a `disconnect` that mean nothing but that it renews the connection."""


class Connection:
    """One connection, and after its end the next: it says in the log, and to `/health`, what stands in the way."""

    def __init__(self, ctx: Context, app: SlackApp, session: aiohttp.ClientSession, number: int) -> None:
        self._log = log.bind(connection=number)
        self._ctx, self._app, self._session = ctx, app, session
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures = 0
        """How many in a row did not open, or did not last."""
        self._open = asyncio.Event()
        self.open_since: float | None = None
        """When it was opened, in seconds since the epoch; None while it is not."""
        self.problem: Text | None = None
        """What stood in the way the last time, and stays there when it is past."""
        self.problem_at = 0.0

    def begin(self) -> None:
        """Connect, and stay connected, however long it takes."""
        self._runner = asyncio.create_task(self._run(), name="slack-socket")

    async def end(self) -> None:
        """Let what came be acknowledged, close it, and leave nothing behind."""
        assert self._runner is not None
        self._runner.cancel()
        await asyncio.gather(self._runner, return_exceptions=True)
        self._open.set()  # there is no other to wait for
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                socket = await self._opened()
                await self._live(socket)
            except Upstream as error:
                await self._failed(error.message, at_least=error.retry_after or 0.0)
            except Exception:  # the border: without this loop nobody would be heard any more
                log.exception("slack connection failed")
                await self._failed(T("The connection to Slack failed; the log says why."))

    async def _live(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take what comes until it ends; raise `Upstream` unless the next one is to be opened at once."""
        began, works = time.monotonic(), set[asyncio.Task[None]]()
        try:
            reason = await self._read(socket, works)
        finally:
            self.open_since = None
            self._open.clear()
            self._start(self._leave(socket, works))
        lasted = time.monotonic() - began
        self._log.info("slack connection ends", reason=reason, after_seconds=round(lasted))
        if reason in _RENEWED or lasted >= SETTLED_SECONDS:
            self._failures = 0
        if reason in _RENEWED:
            return
        if reason == CLOSED and not self._failures:
            self._failures = 1
            self._note(_why(reason))  # a network hiccup; whoever types now need not wait
            return
        raise Upstream(_why(reason))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="slack-socket-work")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _note(self, problem: Text) -> None:
        self.problem, self.problem_at = problem, self._ctx.clock.now()

    async def _failed(self, problem: Text, *, at_least: float = 0.0) -> None:
        """Say what stands in the way, and wait before the next attempt, each time longer."""
        self._note(problem)
        wait = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT)
        self._failures = min(self._failures + 1, 20)
        pause = max(wait, at_least) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
        self._log.error("slack not connected", problem=str(problem), again_in_seconds=round(pause))
        await asyncio.sleep(pause)

    async def _opened(self) -> aiohttp.ClientWebSocketResponse:
        """Return an open connection that was greeted; raise `Upstream`."""
        if not self._app.bot_user:
            found = await asked(self._ctx, "SLACK_BOT_TOKEN", self._app.client.auth_test())
            self._app.bot_user = str(found["user_id"])
        app_token = self._ctx.settings.slack_app_token
        assert app_token is not None
        asking = self._app.client.apps_connections_open(app_token=app_token.get_secret_value())
        url = str((await asked(self._ctx, "SLACK_APP_TOKEN", asking))["url"])
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                socket = await self._session.ws_connect(
                    url, heartbeat=PING_SECONDS, timeout=aiohttp.ClientWSTimeout(ws_close=1.0)
                )
                await self._greeted(socket)
        except _UNREACHED as error:
            reason = str(error) or type(error).__name__
            raise Upstream(T("Slack's Socket Mode cannot be reached: {reason}.", reason=reason)) from None
        self.open_since = self._ctx.clock.now()
        self._open.set()
        self._log.info("slack connected")
        return socket

    async def _greeted(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Wait for its hello: before that, Slack sends nothing on it."""
        try:
            said = await socket.receive_json()
        except TypeError:  # it was closed instead
            await socket.close()
            raise ConnectionResetError("the connection was closed before its hello") from None
        if said.get("type") == "disconnect":
            await socket.close()
            raise Upstream(_why(str(said.get("reason"))))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, works: set[asyncio.Task[None]]) -> str:
        """Have everything that comes worked on; return why nothing more does."""
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            said = _object(message.data)
            if said.get("type") == "disconnect":
                return str(said.get("reason"))
            request = SocketModeRequest.from_dict(said)
            if request is not None:
                work = self._start(self._handle(socket, request))
                works.add(work)
                work.add_done_callback(works.discard)
        return CLOSED

    async def _handle(self, socket: aiohttp.ClientWebSocketResponse, request: SocketModeRequest) -> None:
        """Let the listeners acknowledge it, on the connection that it came over."""
        try:
            answer = await run_async_bolt_app(self._app.bolt, request)
        except Exception:  # the border: one request that cannot be read stops no other
            log.exception("slack request not understood", type=request.type)
            return
        if answer is None or answer.status != 200:
            log.warning("slack request not acknowledged", type=request.type, status=getattr(answer, "status", None))
            return
        said: dict[str, Any] = {"envelope_id": request.envelope_id}
        if answer.body:
            said["payload"] = orjson.loads(answer.body)
        try:
            await socket.send_str(orjson.dumps(said).decode())
        except ConnectionError:
            # Slack tells the person that we did not answer, or sends an event again; the work goes on.
            log.warning("slack acknowledgement not sent: its connection is gone", type=request.type)

    async def _leave(self, socket: aiohttp.ClientWebSocketResponse, works: set[asyncio.Task[None]]) -> None:
        """Close a connection once the next is open and all that came over it is acknowledged, what still comes too."""
        if not socket.closed:
            self._start(self._drain(socket, works))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._open.wait(), LINGER_SECONDS)
        if works:
            await asyncio.wait(works, timeout=LINGER_SECONDS)
        await socket.close()

    async def _drain(self, socket: aiohttp.ClientWebSocketResponse, works: set[asyncio.Task[None]]) -> None:
        while await self._read(socket, works) != CLOSED:
            pass


async def asked(ctx: Context, credential: str, asking: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Return what Slack answers; raise `Upstream` that names the `credential` where that is what is wrong."""
    try:
        return await asking
    except SlackApiError as error:
        raise failure(error, credential=credential, now=ctx.clock.now()) from None
    except _UNREACHED as error:
        url = ctx.settings.slack_api_url
        raise Upstream(T("Slack cannot be reached at {url}: {reason}.", url=url, reason=str(error))) from None


def _object(raw: str) -> dict[str, Any]:
    try:
        said = orjson.loads(raw)
    except ValueError:
        said = None
    if isinstance(said, dict):
        return said
    log.warning("slack sent something that is no JSON object", characters=len(raw))
    return {}


def _why(reason: str) -> Text:
    """Return what a `disconnect`, or an end without one, means and what mends it."""
    match reason:
        case "link_disabled":
            return T("Socket Mode is switched off in the Slack app. Switch it on: api.slack.com/apps → Socket Mode.")
        case "too_many_websockets":
            return T("Slack allows an app ten connections, and ten are open. Stop another engine that uses this app.")
        case "closed":
            return T("The connection to Slack broke.")
        case _:
            return T("Slack closed the connection ({reason}).", reason=reason)
