"""The buttons of a page of events: the next one, another status. The page stands where the former did."""

from __future__ import annotations

from chatbot import event_page
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from core.context import Context


async def turn(ctx: Context, asked: Asked) -> Answer:
    """Show what the button's words ask for."""
    words = [word for word in asked.value.split("\n") if word not in ("", "status=")]
    return await event_page.page(ctx, asked, event_page.read(words), to="pressed")


register(Button("events", turn, "events.read"))
