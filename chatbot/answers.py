"""How an answer gets to whom it is for, and what an error says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from chatbot import blocks
from chatbot.asked import Asked, Reply
from chatbot.failures import data, failure
from chatbot.late_answers import LateAnswer
from chatbot.people import denied
from core.actors import Actor
from core.context import Context
from core.errors import CcbError, Denied, NotFound, Upstream
from core.texts import T

log = structlog.get_logger()

_NOT_IN_THERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel"})
EXPECTED = (CcbError, SlackApiError, aiohttp.ClientError, TimeoutError)
"""What may go wrong and can be explained."""
_IDS = ("event", "event_id", "integration", "request", "job", "rule", "token", "alert")
"""Those members of an error's details that are an id to quote."""
SOUGHT: frozenset[str] = frozenset({"integration", "event", "alert"})
"""Those that `NotFound` has for what a command was to look for."""


async def deliver(asked: Asked, reply: Reply) -> str | None:
    """Send one message; return its `ts` where it has one that can be edited (a message in a channel)."""
    said = blocks.text_of(asked.say(reply.text))
    more = asked.say(T("There is more than fits into a message."))
    shown = blocks.fitting(reply.blocks, more=more) or [blocks.section(said)]
    message: dict[str, Any] = {"text": said, "blocks": shown}
    try:
        return await _sent(asked, message, reply.to)
    except asyncio.CancelledError:  # the engine stops, and this has waited at Slack's rate limit until now
        where = {name: getattr(asked, name) for name in ("channel", "thread", "response_url", "ephemeral", "direct")}
        ts = str(asked.message.get("ts", ""))
        asked.left.append(LateAnswer(reply.to, message, asked.user, asked.language, ts=ts, **where))
        raise


async def deliver_late(slack: AsyncWebClient, late: LateAnswer) -> None:
    """Send what an earlier process could not."""
    asked = Asked(
        Actor("slack", late.user, late.user, frozenset()), late.language, slack, channel=late.channel,
        thread=late.thread, message={"ts": late.ts} if late.ts else {}, response_url=late.response_url,
        ephemeral=late.ephemeral, direct=late.direct,
    )  # fmt: skip
    await _sent(asked, dict(late.message), late.to)


async def _sent(asked: Asked, message: dict[str, Any], to: str) -> str | None:
    match to:
        case "pressed":
            return await _replace(asked, message)
        case "channel" | "thread":
            return await _public(asked, message, in_thread=to == "thread")
        case _:
            return await _private(asked, message)


async def deliver_all(asked: Asked, replies: Sequence[Reply]) -> None:
    """Send messages in their order."""
    for reply in replies:
        await deliver(asked, reply)


def expected(ctx: Context, asked: Asked, error: Exception) -> Reply:
    """Return what an error of `EXPECTED` says: what, why, what to do, which id to quote."""
    found = _as_ours(ctx, asked, error)
    said = asked.say(found.message)
    named = (found.details.get(name) for name in _IDS)
    ids = [one for one in named if isinstance(one, str) and one not in said]
    quoted = [blocks.context(" · ".join(blocks.code(one) for one in ids))] if ids else []
    return Reply(said, [blocks.section(blocks.plain(said)), *quoted])


def unexpected(reference: str) -> Reply:
    """Return what is said of an error that nobody foresaw; `reference`: what the log has it under."""
    return Reply(
        T(
            "This failed by a fault of the engine, which its log has in full. Try it again; if it fails again, show "
            "{reference} to whoever runs the engine.",
            reference=f"`{reference}`",
        )
    )


def _as_ours(ctx: Context, asked: Asked, error: Exception) -> CcbError:
    match error:
        case SlackApiError():
            place = f"<#{asked.channel}>" if asked.channel else ""
            return failure(error, credential="SLACK_BOT_TOKEN", channel=place, now=ctx.clock.now())
        case Denied() if "required" in error.details:
            return denied(error.details["required"])
        case NotFound():
            return _without_terminal(error)
        case CcbError():
            return error
        case _:
            return Upstream(T("Slack did not answer in time. Try again later."))


def _without_terminal(error: NotFound) -> NotFound:
    """Leave out what to type in a terminal or to ask by REST: here a button does it."""
    details = error.details
    match details:
        case {"integration": str(sought)}:
            return NotFound(T("There is no integration {reference}.", reference=sought), **details)
        case {"event": str(sought)} if sought in error.message.render("en"):
            return NotFound(T("There is no event {event}.", event=sought), **details)
        case {"alert": str(sought)}:
            return NotFound(T("There is no alert {id}.", id=sought), **details)
        case _:
            return error


async def _replace(asked: Asked, message: dict[str, Any]) -> str | None:
    """Put a message in the place of the pressed one; an ephemeral one has no other address than its response_url."""
    ts = str(asked.message.get("ts", ""))
    if asked.channel and ts and not asked.ephemeral:
        await asked.slack.chat_update(channel=asked.channel, ts=ts, **message)
        return ts
    if asked.response_url:
        await _respond(asked, message, replace_original=True)
        return None
    return await _private(asked, message)


async def _public(asked: Asked, message: dict[str, Any], *, in_thread: bool) -> str | None:
    thread = asked.thread or (str(asked.message.get("ts") or "") or None) if in_thread else None
    try:
        answer = await asked.slack.chat_postMessage(channel=asked.channel or asked.user, thread_ts=thread, **message)
    except SlackApiError as error:
        if data(error).get("error") not in _NOT_IN_THERE or asked.response_url is None:
            raise
        await _respond(asked, message, response_type="in_channel", thread_ts=thread)
        return None
    return str(answer["ts"])


async def _private(asked: Asked, message: dict[str, Any]) -> str | None:
    if asked.response_url:
        await _respond(asked, message, response_type="ephemeral", replace_original=False, thread_ts=asked.thread)
        return None
    if asked.channel and not asked.direct:
        try:
            await asked.slack.chat_postEphemeral(
                channel=asked.channel, user=asked.user, thread_ts=asked.thread, **message
            )
            return None
        except SlackApiError as error:
            if data(error).get("error") not in _NOT_IN_THERE:
                raise
    where = asked.channel if asked.direct and asked.channel else asked.user
    thread = asked.thread if asked.direct else None
    return str((await asked.slack.chat_postMessage(channel=where, thread_ts=thread, **message))["ts"])


async def _respond(asked: Asked, message: dict[str, Any], **more: Any) -> None:
    """Post to the response_url; it is good for five uses within thirty minutes, then the asker is written to."""
    assert asked.response_url is not None
    retrying = asked.slack.retry_handlers
    hook = AsyncWebhookClient(asked.response_url, session=asked.slack.session, retry_handlers=retrying)
    hook.proxy = None
    answer = await hook.send_dict({**message, **{key: value for key, value in more.items() if value is not None}})
    if answer.status_code >= 400 or answer.body not in ("ok", ""):
        log.warning("slack response_url refused", status=answer.status_code, answer=answer.body[:200])
        if answer.status_code == 404 or "used_url" in answer.body or "expired_url" in answer.body:
            await asked.slack.chat_postMessage(channel=asked.user, **message)
            return
        raise Upstream(T("Slack refuses the message: {code}. {details}", code=answer.body[:100], details=""))
