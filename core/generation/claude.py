"""The Claude API: a client of it, what goes wrong there in words, and whether it knows us and has our model."""

from __future__ import annotations

import time

import httpx2
from anthropic import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncAnthropic,
    AuthenticationError,
    DefaultAsyncHttpxClient,
    NotFoundError,
    PermissionDeniedError,
)

from core import retry_after
from core.config import Settings
from core.errors import RATE_LIMITED, NotConfigured, Upstream
from core.quotas import Quotas, fingerprint, of_claude
from core.texts import T, Text

OVERLOADED = 529
_OF_KIND = {"rate_limit_error": 429, "overloaded_error": OVERLOADED}
TIMEOUT = 15.0
"""Seconds for one answer of the models' list."""


def connect(settings: Settings, *, timeout: float, quotas: Quotas | None = None) -> AsyncAnthropic:
    """Return a client, to be closed by `async with`; raise `NotConfigured`. `timeout`: seconds without an answer.

    `quotas`: where what Claude says of them is kept.

    It does not repeat what failed: whoever asks waits durably.
    """

    key = settings.anthropic_api_key
    if key is None:
        raise NotConfigured(
            T("Claude is not connected: {setting} is not set. → ccb init claude", setting="ANTHROPIC_API_KEY"),
            service="claude",
            settings=("ANTHROPIC_API_KEY",),
        )
    whose = f"ANTHROPIC_API_KEY:{fingerprint(key.get_secret_value())}"

    async def remember(response: httpx2.Response) -> None:
        quota = of_claude(response.headers)
        if quotas is not None and quota is not None:
            quotas.hear("claude", whose, quota)

    return AsyncAnthropic(
        api_key=key.get_secret_value(),
        base_url=settings.anthropic_base_url,
        max_retries=0,
        timeout=timeout,
        http_client=DefaultAsyncHttpxClient(trust_env=False, event_hooks={"response": [remember]}),
    )


async def check(settings: Settings) -> Text:
    """Return that the model is available; raise `Upstream` that says what is wrong, or `NotConfigured`."""
    async with connect(settings, timeout=TIMEOUT) as client:
        try:
            model = await client.models.retrieve(settings.claude_model)
        except APIError as error:
            raise failure(error, settings) from None
    return T("{model} is available", model=model.id)


def failure(error: APIError, settings: Settings) -> Upstream:
    """Return what went wrong, in words; `permanent` where asking again cannot help.

    A limit (429) or overload (529) has the error `Rate limit exceeded`, and `retry_after` where Claude says it; it may
    also come in the middle of an answer (https://platform.claude.com/docs/en/build-with-claude/streaming#error-events).
    """
    if isinstance(error, APITimeoutError):
        return Upstream(T("Claude did not answer in time. Try again later."))
    if isinstance(error, APIConnectionError):
        return Upstream(T("Claude cannot be reached at {url}.", url=settings.anthropic_base_url))
    if not isinstance(error, APIStatusError):
        return Upstream(
            T(
                "What answers at {url} is not the Claude API. Check {setting}.",
                url=settings.anthropic_base_url,
                setting="ANTHROPIC_BASE_URL",
            )
        )
    status = _status(error)
    return Upstream(
        _reason(error, status, settings),
        error=RATE_LIMITED if status in (429, OVERLOADED) else None,
        retry_after=retry_after.seconds(error.response.headers.get("retry-after"), now=time.time()),
        permanent=400 <= status < 500 and status not in (408, 409, 429),
        status=status,
    )


def _status(error: APIStatusError) -> int:
    """Return an error's status; of one that comes in an answer's stream, whose status is 200, that of its kind."""
    if error.status_code >= 400:
        return error.status_code
    said = error.body.get("error") if isinstance(error.body, dict) else None
    return _OF_KIND.get(str(said.get("type")), 500) if isinstance(said, dict) else 500


def _reason(error: APIStatusError, status: int, settings: Settings) -> Text:
    if isinstance(error, AuthenticationError):
        return T("Claude refuses the key: ANTHROPIC_API_KEY is wrong or revoked. Set another: ccb init claude.")
    if isinstance(error, PermissionDeniedError):
        return T("ANTHROPIC_API_KEY may not use the Claude API: {reason}.", reason=_said(error))
    if isinstance(error, NotFoundError):
        return T(
            "There is no model {model} for this key. Check {setting}.",
            model=settings.claude_model,
            setting="CCB_CLAUDE_MODEL",
        )
    if status == OVERLOADED:
        return T("Claude is overloaded ({status}).", status=status)
    if status >= 500:
        return T("Claude has trouble itself ({status}). Try again later.", status=status)
    return T("Claude answers {status}: {reason}.", status=status, reason=_said(error))


def _said(error: APIStatusError) -> str:
    return (error.api_message or str(error.status_code)).rstrip(".")
