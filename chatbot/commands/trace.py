"""`/ccb trace`: what happened to an event."""

from __future__ import annotations

from chatbot import picking, tracing
from chatbot.asked import Answer, Asked
from chatbot.command import Command, register
from core.context import Context
from core.texts import T


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show one event's steps; `last` is the newest of the team's integrations."""
    if not asked.words:
        return await picking.event(ctx, asked, "trace")
    reference = asked.words[0]
    if reference.lower() == "last":
        newest = await picking.last(ctx)
        if not newest:
            return await picking.event(ctx, asked, "trace")
        reference = newest[0].id
    return await tracing.message(ctx, asked, reference)


register(
    Command(
        name="trace",
        summary=T("Show what happened to an event, step by step; run it again"),
        run=show,
        permission="events.read",
        usage="[EVENT | last]",
        examples=("trace last", "trace evt_01J9ZK3M5Q7R8S9T0V1W2X3Y4Z"),
    )
)
