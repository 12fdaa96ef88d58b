"""“Trace this” in a message's menu: what became of the event that the message names."""

from __future__ import annotations

import re

import orjson

from chatbot import dispatch
from chatbot.asked import Answer, Asked, Reply
from chatbot.shortcut import Shortcut, register
from core.context import Context
from core.texts import T

_EVENT = re.compile(r"\bevt_[0-9A-Z]{26}\b")


async def trace(ctx: Context, asked: Asked) -> Answer:
    """Run the command `trace` with the first event that the message names."""
    found = _EVENT.search(orjson.dumps(dict(asked.message)).decode())
    if found is None:
        return Reply(T("This message names no event. `/ccb events` shows the newest ones."))
    await dispatch.line(ctx, asked, ("trace", found[0]))
    return None


register(Shortcut("trace_this", T("Trace this"), trace, None))  # the command itself says what it needs
