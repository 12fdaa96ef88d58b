"""The buttons that run one event again: what is left of it, or everything (which asks first)."""

from __future__ import annotations

from chatbot import answers, blocks, tracing
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import integrations
from core.context import Context
from core.events import replay, trace
from core.texts import T


async def one(ctx: Context, asked: Asked) -> Answer:
    """Put the event back into the queue, say so in the channel, and watch it in the trace."""
    event_id, _, effects = asked.value.partition("\n")
    again = effects == "again"
    event = await trace.find(ctx, event_id)
    installed = await integrations.find(ctx, event.integration_id)
    await replay.one(ctx, installed, event_id, again=again, confirmed=again, actor=asked.actor)
    who, name = f"<@{asked.user}>", blocks.plain(installed.name)
    said = (
        T("{who} runs {event} of {name} again: everything is done once more.", who=who, event=blocks.code(event_id),
          name=name)
        if again
        else T("{who} runs {event} of {name} again: what is done stays done.", who=who, event=blocks.code(event_id),
               name=name)
    )  # fmt: skip
    await answers.deliver(asked, Reply(said, [blocks.section(asked.say(said))], to="channel"))
    return await tracing.watched(ctx, asked, event_id)


register(Button("replay", one, "events.replay"))
