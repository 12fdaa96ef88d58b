"""`/ccb activate`: switch an integration on."""

from __future__ import annotations

from dataclasses import replace

from chatbot import answers, blocks, installing, picking
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from core import integrations
from core.context import Context
from core.requests import announcer, service
from core.texts import T


async def activate(ctx: Context, asked: Asked) -> Answer:
    """Activate one integration, and grant what it may do; say it in the channel, or what it still needs."""
    if not asked.words:
        return await picking.integration(ctx, asked, "activate")
    found = await integrations.find(ctx, asked.words[0])
    if found.pending is None and integrations.missing(found):
        told = T("{name} cannot be active yet.", name=installing.named(found))
        return installing.said(ctx, asked, found, told, to="asker")
    active = await integrations.activate(ctx, found.id, actor=asked.actor)
    await service.tell_again(ctx, active.id)
    if (found.status, found.version, found.grants) == ("active", active.version, active.grants):
        already = T("{name} is active already.", name=installing.named(active))
        return installing.said(ctx, asked, active, already, to="asker")
    told = T("{name} is active, switched on by {who}.", name=installing.named(active), who=f"<@{asked.user}>")
    pressed = bool(asked.message) and asked.response_url is not None  # a mention is a message too
    thread = await announcer.thread_of(ctx, active.id, asked.channel) if pressed else None
    if thread is not None:  # the message that follows its request says in the channel that it is active
        said = Reply(told, [blocks.section(asked.say(told))], to="thread")
        await answers.deliver(replace(asked, thread=thread.ts), said)
        return Reply(told, said.blocks, to="pressed") if asked.ephemeral else None
    lines = [asked.say(told)]
    lines.append(asked.say(T("Its events come to {url}.",
                             url=blocks.code(integrations.webhook_url(ctx, active.id)))))  # fmt: skip
    shown = [blocks.section("\n".join(lines)), blocks.actions(installing.buttons(asked, active))]
    return Reply("\n".join(lines), shown, to="channel")


register(
    Command(
        name="activate",
        summary=T("Switch an integration on, and grant what it may do"),
        run=activate,
        permission="integrations.activate",
        usage="[integration]",
        aliases=("resume", "on"),
        examples=("activate github-push-to-slack",),
    )
)
