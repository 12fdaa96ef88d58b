"""Slack's Web API for answers to people: rate limits delay an answer, and lose none.

https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import asyncio
import random
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from chatbot.turns import Turns
from core import retry_after
from core.clock import SystemClock
from core.config import Settings

RATE_LIMITS = 50
"""How often one call waits for Slack; at its one message a second for a channel that is minutes."""
LONGEST_WAIT = 300.0
NAMELESS_WAIT = 1.0
"""Seconds to wait where Slack asks to slow down and does not say for how long."""
_OPENING = ("/views.open", "/views.push")


class Client(AsyncWebClient):
    """What is said in one channel is said in its order, one after the other: Slack takes one message a second."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.proxy = None  # SLACK_API_URL is how a proxy is set
        self._channels: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def api_call(self, api_method: str, **more: Any) -> AsyncSlackResponse:
        """Call a method; those of one channel's messages wait for one another."""
        given = more.get("json") or more.get("params") or more.get("data") or {}
        if not api_method.startswith("chat.") or "channel" not in given:
            return await super().api_call(api_method, **more)
        lock = self._channels.setdefault(str(given["channel"]), asyncio.Lock())
        if lock.locked():
            async with Turns.lent():
                await lock.acquire()
        else:
            await lock.acquire()
        try:
            return await super().api_call(api_method, **more)
        finally:
            lock.release()


class RateLimitHandler(AsyncRateLimitErrorRetryHandler):
    """Waits as long as Slack says, but not with a modal: what opens it is good for three seconds."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        return response is not None and response.status_code == 429 and not request.url.endswith(_OPENING)

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        assert response is not None
        said = next((value[0] for name, value in response.headers.items() if name.lower() == "retry-after"), None)
        wait = retry_after.seconds(said, now=SystemClock().now())
        wait = NAMELESS_WAIT if wait is None else min(wait, LONGEST_WAIT)
        async with Turns.lent():
            await asyncio.sleep(wait + random.uniform(0, 0.2))  # noqa: S311 - spreads, hides nothing
        state.next_attempt_requested = True
        state.increment_current_attempt()


def handlers() -> list[AsyncRetryHandler]:
    """Return what tries a call again."""
    return [
        AsyncConnectionErrorRetryHandler(max_retry_count=2),
        RateLimitHandler(max_retry_count=RATE_LIMITS),
        AsyncServerErrorRetryHandler(max_retry_count=2),
    ]


def interactive(settings: Settings, session: aiohttp.ClientSession) -> Client:
    """Return a client for answers to people: it waits at a rate limit, and tries again where Slack has trouble."""
    assert settings.slack_bot_token is not None
    return Client(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url.rstrip("/") + "/",
        session=session,
        retry_handlers=handlers(),
    )
