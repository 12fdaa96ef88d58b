"""“Trace this” in a message's menu: what became of the event that the message names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
from slack_sdk.errors import SlackApiError

from chatbot import dispatch, picking
from chatbot.asked import Answer, Asked
from chatbot.failures import data
from chatbot.shortcut import Shortcut, register
from core.context import Context
from core.errors import NotFound
from core.events import trace as traces
from core.texts import T
from storage.events import Event

_EVENT = re.compile(r"(?<![A-Za-z0-9])evt_[0-9A-Z]{26}(?![A-Za-z0-9])")
_CANNOT_LOOK = frozenset({"not_in_channel", "channel_not_found", "missing_scope"})


async def trace(ctx: Context, asked: Asked) -> Answer:
    """Run the command `trace` with the event that the message names, in its text or in our metadata."""
    named = _named(asked.message) or _named(await _with_metadata(asked))
    found = await _known(ctx, named)
    if len(found) > 1:
        return picking.among(asked, "trace", T("Which event? The message names these."), found)
    if not named:
        question = T("This message names no event. These are the newest.")
        return await picking.event(ctx, asked, "trace", question=question)
    await dispatch.line(ctx, asked, ("trace", found[0].id if found else named[0]))
    return None


def _named(message: Any) -> list[str]:
    """Return the events that a message names, in their order."""
    return list(dict.fromkeys(_EVENT.findall(orjson.dumps(message).decode())))


async def _with_metadata(asked: Asked) -> list[Any]:
    """Return the message as its channel's history has it: a shortcut is not told our messages' metadata."""
    ts = asked.message.get("ts")
    if not asked.channel or not ts or not asked.message.get("bot_id"):
        return []
    try:
        answer = await asked.slack.conversations_history(
            channel=asked.channel, latest=ts, oldest=ts, inclusive=True, limit=1, include_all_metadata=True
        )
    except SlackApiError as error:
        if data(error).get("error") in _CANNOT_LOOK:
            return []
        raise
    return list(answer["messages"])


async def _known(ctx: Context, named: Sequence[str]) -> list[Event]:
    found = []
    for one in named[: picking.SHOWN]:
        with suppress(NotFound):
            found.append(await traces.find(ctx, one))
    return found


register(Shortcut("trace_this", T("Trace this"), trace, "events.read"))
