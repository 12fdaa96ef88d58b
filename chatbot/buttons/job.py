"""The buttons of a job's message: stop it, look again."""

from __future__ import annotations

from chatbot import following
from chatbot.asked import Answer, Asked
from chatbot.button import Button, register
from core import jobs
from core.context import Context


async def cancel(ctx: Context, asked: Asked) -> Answer:
    """Stop the job."""
    job = await jobs.cancel(ctx, asked.value, actor=asked.actor)
    return await following.message(ctx, asked, job, to="pressed")


async def look(ctx: Context, asked: Asked) -> Answer:
    """Show how the job stands now."""
    return await following.message(ctx, asked, await jobs.find(ctx, asked.value), to="pressed")


register(Button("job_cancel", cancel, "events.replay"))
register(Button("job_look", look, "events.read"))
