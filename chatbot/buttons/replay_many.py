"""The buttons under what a replay would do: begin it, as a job whose message is edited until it has ended."""

from __future__ import annotations

from chatbot import answers, blocks, following, replaying
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import integrations, jobs
from core.context import Context
from core.errors import Conflict
from core.events import replay
from core.events.replay import Wish
from core.integrations import Installed
from core.texts import T
from storage.jobs import Job

BEGINNING_SECONDS = 3.0
"""How long a second press is taken for the other half of a double click; after that the job is found."""
LOOKED_AT = 50
"""Of an integration's newest replays."""


async def begin(ctx: Context, asked: Asked) -> Answer:
    """Start the replay that was shown; whoever presses has confirmed it."""
    reference, wish = replaying.read_value(asked.value)
    installed = await integrations.find(ctx, reference)
    job = await _started(ctx, asked, installed, wish)
    said = T("Begun: {job}", job=blocks.code(job.id))
    await answers.deliver(asked, Reply(said, [blocks.section(asked.say(said))], to="pressed"))
    await following.begun(ctx, asked, job)
    return None


async def _started(ctx: Context, asked: Asked, installed: Installed, wish: Wish) -> Job:
    """Start it, once: two presses of one button are one wish, whatever became of the message that has it."""
    pressed = ("slack-replay", asked.value)
    if ctx.memo.get(pressed):
        raise Conflict(T("This is beginning already."))
    ctx.memo.put(pressed, True, seconds=BEGINNING_SECONDS)
    for job in await jobs.page(ctx, integration_id=installed.id, kind="replay", limit=LOOKED_AT):
        if replaying.is_of(job, wish):
            raise Conflict(T("This has begun already: {job}.", job=job.id), job=job.id)
    return await replay.start(ctx, installed, wish, confirmed=True, actor=asked.actor)


register(Button("replay_many", begin, "events.replay"))
