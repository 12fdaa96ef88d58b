"""Socket Mode: several connections, each of which comes back by itself."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from chatbot.app import SlackApp
from chatbot.failures import failure
from core.config import Settings
from core.context import Context
from core.errors import Upstream
from core.texts import T

log = structlog.get_logger()

CONNECTIONS = 2
"""While Slack renews one, the other takes what comes (https://docs.slack.dev/apis/events-api/using-socket-mode)."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds until a connection is tried again; each wait is twice the one before."""
PING_SECONDS = 5.0
GRACE_SECONDS = 4.0
_UNREACHED = (aiohttp.ClientError, TimeoutError, OSError, ValueError, AttributeError)


def interactive(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Return a client for answers to people: it waits at a rate limit, and tries again where Slack has trouble."""
    assert settings.slack_bot_token is not None
    client = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url.rstrip("/") + "/",
        session=session,
        retry_handlers=[
            AsyncConnectionErrorRetryHandler(max_retry_count=2),
            AsyncRateLimitErrorRetryHandler(max_retry_count=5),
            AsyncServerErrorRetryHandler(max_retry_count=2),
        ],
    )
    client.proxy = None  # SLACK_API_URL is how a proxy is set
    return client


class Connection(SocketModeClient):
    """One connection. It asks for an address until it is given one, and says in the log what stands in the way."""

    def __init__(self, ctx: Context, app: SlackApp) -> None:
        assert ctx.settings.slack_app_token is not None
        super().__init__(
            app_token=ctx.settings.slack_app_token.get_secret_value(),
            web_client=app.client,
            ping_interval=PING_SECONDS,
        )
        self.proxy = None
        self._ctx, self._app = ctx, app
        self._stopping = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None
        self.socket_mode_request_listeners.append(self._handle)

    def begin(self) -> None:
        """Connect, however long it takes."""
        connecting = self.connect()  # type: ignore[no-untyped-call]  # slack_sdk says nothing of what it returns
        self._connecting = asyncio.create_task(connecting, name="slack-socket")

    async def end(self) -> None:
        """Close it, and leave nothing behind."""
        self._stopping.set()
        await self.close()  # type: ignore[no-untyped-call]  # as above
        tasks = [self._connecting, self.message_processor, self.current_session_monitor, self.message_receiver]
        left = [task for task in tasks if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def issue_new_wss_url(self) -> str:
        """Return an address, good for one connection."""
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            try:
                if not self._app.bot_user:
                    found = await self._asked("SLACK_BOT_TOKEN", self.web_client.auth_test())
                    self._app.bot_user = str(found["user_id"])
                opening = self.web_client.apps_connections_open(app_token=self.app_token)
                answer = await self._asked("SLACK_APP_TOKEN", opening)
                return str(answer["url"])
            except Upstream as error:
                pause = max(wait, error.retry_after or 0.0) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
                log.error("slack not connected", problem=str(error.message), again_in_seconds=round(pause))
                wait = min(2 * wait, LONGEST_WAIT)
                await self._pause(pause)
        raise ConnectionAbortedError("the engine stops")

    async def _asked(self, credential: str, asking: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        try:
            return await asking
        except SlackApiError as error:
            raise failure(error, credential=credential, now=self._ctx.clock.now()) from None
        except _UNREACHED as error:
            url = self._ctx.settings.slack_api_url
            raise Upstream(T("Slack cannot be reached at {url}: {reason}.", url=url, reason=str(error))) from None

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        began = time.time()
        answer = await run_async_bolt_app(self._app.bolt, request)
        await send_async_response(client, request, answer, began)
