"""The button that ends a silence."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import alerting
from core.context import Context
from core.texts import T


async def unsilence(ctx: Context, asked: Asked) -> Answer:
    """End it now, and say so in the channel."""
    row = await alerting.end_silence(ctx, asked.value, actor=asked.actor)
    said = T("{who} ended the silence {id} ({comment}): what fires is told again.", who=f"<@{asked.user}>",
             id=blocks.code(row.id), comment=blocks.plain(row.comment))  # fmt: skip
    return Reply(said, to="channel")


register(Button("unsilence", unsilence, "alerts.write"))
