"""“Look again” at a trace: the message is brought up to date."""

from __future__ import annotations

from chatbot import tracing
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from core.context import Context


async def again(ctx: Context, asked: Asked) -> Answer:
    """Show how the event stands now."""
    return await tracing.message(ctx, asked, asked.value, to="pressed")


register(Button("trace", again, "events.read"))
