"""The buttons under gaps: look now, and ask GitHub to deliver again."""

from __future__ import annotations

import asyncio

from chatbot import answers, blocks, following, gap_report
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from core import gaps, healing
from core.context import Context
from core.texts import T

PATIENCE_SECONDS = 1.0


async def look(ctx: Context, asked: Asked) -> Answer:
    """Look for gaps now; when it takes longer than a second, the message says so."""
    looking = asyncio.ensure_future(gaps.check(ctx, asked.value))
    await asyncio.wait({looking}, timeout=PATIENCE_SECONDS)
    if not looking.done():
        wait = T(":hourglass_flowing_sand: Looking; this takes at most {seconds} seconds.", seconds=25)
        await answers.deliver(asked, Reply(wait, [blocks.section(asked.say(wait))], to="pressed"))
        await asyncio.wait({looking})
    found = await gaps.overview(ctx, asked.value, limit=gap_report.SHOWN)
    await answers.deliver(asked, gap_report.message(asked, found, to="pressed"))
    looking.result()  # why it could not look, if so, is said beside what is known
    return None


async def heal(ctx: Context, asked: Asked) -> Answer:
    """Ask GitHub for everything that is lost, as a job whose message is edited until it has ended."""
    job = await healing.start(ctx, asked.value, keys=None, actor=asked.actor)
    await following.begun(ctx, asked, job)
    return None


register(Button("gaps_check", look, "events.replay"))
register(Button("gaps_heal", heal, "events.replay"))
