"""The buttons under what a replay would do: begin it, as a job whose message is edited until it has ended."""

from __future__ import annotations

from chatbot import answers, blocks, following, replaying
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import integrations
from core.context import Context
from core.events import replay
from core.texts import T


async def begin(ctx: Context, asked: Asked) -> Answer:
    """Start the replay that was shown; whoever presses has confirmed it."""
    reference, wish = replaying.read_value(asked.value)
    installed = await integrations.find(ctx, reference)
    job = await replay.start(ctx, installed, wish, confirmed=True, actor=asked.actor)
    said = T("Begun: {job}", job=blocks.code(job.id))
    await answers.deliver(asked, Reply(said, [blocks.section(asked.say(said))], to="pressed"))
    await following.begun(ctx, asked, job)
    return None


register(Button("replay_many", begin, "events.replay"))
