"""`/ccb replay`: run stored events again."""

from __future__ import annotations

from chatbot import picking, replaying, tracing
from chatbot.asked import Answer, Asked, Open
from chatbot.command import Command, register
from core import integrations
from core.context import Context
from core.texts import T


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show what would run, and the buttons that begin it; of one event, its trace with the same choice."""
    if not asked.words:
        return await picking.integration(ctx, asked, "replay")
    reference, *rest = asked.words
    if reference.startswith("evt_"):
        return await tracing.message(ctx, asked, reference)
    installed = await integrations.find(ctx, reference)
    if not rest:
        return Open("replay", {"integration": installed.id}, button=T("Choose which events"))
    wish = replaying.read(rest, now=ctx.clock.now())
    if wish.received_from is None:
        wish = replaying.read([*rest, "from=30d"], now=ctx.clock.now())
    return await replaying.preview(ctx, asked, installed, wish)


register(
    Command(
        name="replay",
        summary=T("Run stored events again: first what would run, then a button that begins it"),
        run=show,
        permission="events.replay",
        usage="[integration | EVENT] [from 1h] [to 10m] [status]",
        examples=("replay github-push-to-slack", "replay github-push-to-slack from 1h dead"),
    )
)
