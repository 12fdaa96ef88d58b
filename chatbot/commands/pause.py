"""`/ccb pause`: let an integration rest."""

from __future__ import annotations

from chatbot import blocks, installing, picking, request_blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from core import integrations
from core.context import Context
from core.requests import service
from core.texts import T


async def pause(ctx: Context, asked: Asked) -> Answer:
    """Pause one integration; say it in the channel."""
    if not asked.words:
        return await picking.integration(ctx, asked, "pause")
    before = await integrations.find(ctx, asked.words[0])
    if before.status == "paused":
        already = T("{name} is paused already.", name=installing.named(before))
        return installing.said(ctx, asked, before, already, to="asker")
    paused = await integrations.pause(ctx, before.id, actor=asked.actor)
    await service.tell_again(ctx, paused.id)
    told = T(
        "{name} is paused by {who}: deliveries are refused until it is activated again, what was accepted waits.",
        name=installing.named(paused),
        who=f"<@{asked.user}>",
    )
    back = request_blocks.activate(asked.language, paused.slug)
    return Reply(told, [blocks.section(asked.say(told)), blocks.actions([back])], to="channel")


register(
    Command(
        name="pause",
        summary=T("Let an integration rest: deliveries are refused until it is activated again"),
        run=pause,
        permission="integrations.activate",
        usage="[integration]",
        aliases=("off",),
        examples=("pause github-push-to-slack",),
    )
)
