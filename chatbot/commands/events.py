"""`/ccb events`: the newest events."""

from __future__ import annotations

from chatbot import event_page
from chatbot.asked import Answer, Asked
from chatbot.command import Command, register
from core.context import Context
from core.texts import T


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show the newest events, of an integration, a status, a type."""
    return await event_page.page(ctx, asked, event_page.read(asked.words))


register(
    Command(
        name="events",
        summary=T("Show the newest events, each with its trace"),
        run=show,
        permission="events.read",
        usage="[integration] [status] [type=TYPE]",
        aliases=("ev", "event"),
        examples=("events", "events github-push-to-slack failed", "events dead type=push"),
    )
)
