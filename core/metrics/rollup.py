"""Rolling the minutes up into hours and days: called once a minute, on the one node that schedules.

It may be killed or run twice at any point (`storage.rollup`). An hour is rolled up when it is over. What is written
into one of its minutes after that is moved with the next round; after `LOOK_BACK_SECONDS`, within an hour.
"""

from __future__ import annotations

from core.context import Context
from storage import rollup as rows
from storage.rollup import HOUR

SETTLE_SECONDS = 90.0
"""How long after its end an hour is rolled up: by then what was counted in it is written."""
LOOK_BACK_SECONDS = 2 * HOUR
PIECE = 2000
"""Rows of minutes that one transaction moves."""


async def roll(ctx: Context) -> int:
    """Roll up every hour that is over; return how many rows of minutes were moved."""
    done = await ctx.db.read(rows.until)
    end = rows.floor(ctx.clock.now() - SETTLE_SECONDS, HOUR)
    moved = await _moved(ctx, done - LOOK_BACK_SECONDS, done)
    while done < end:
        minute = await ctx.db.read(rows.next_minute, done)
        hour = end if minute is None else min(end, rows.floor(minute, HOUR))
        if hour < end:
            moved += await _moved(ctx, hour, hour + HOUR)
            hour += HOUR
        await ctx.db.write(rows.advance, hour)
        done = hour
    return moved


async def roll_late(ctx: Context) -> int:
    """Roll up what was written so late that `roll` no longer looks there; return how many rows were moved."""
    return await _moved(ctx, 0, await ctx.db.read(rows.until))


async def _moved(ctx: Context, start: int, end: int) -> int:
    """Move piece by piece whatever is not rolled up of a range of time."""
    total = 0
    while await ctx.db.read(rows.pending, start, end):
        total += await ctx.db.write(rows.roll, start, end, limit=PIECE)
    return total
