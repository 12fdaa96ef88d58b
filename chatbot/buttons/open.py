"""The buttons that open a modal (`opening.button`)."""

from __future__ import annotations

from chatbot import opening
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from core.context import Context


async def open_it(ctx: Context, asked: Asked) -> Answer:
    """Open what the button names."""
    return opening.read(asked.value)


register(Button("open", open_it, None))  # the view itself says what it needs
