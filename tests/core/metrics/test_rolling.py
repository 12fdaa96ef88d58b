"""When hours are rolled up: once they are over and settled, and what comes late into them all the same."""

from __future__ import annotations

import pytest

from core import metrics
from core.context import Context
from storage import metrics as rows
from storage import rollup
from storage.db import Database
from storage.rollup import DAY, HOUR
from tests.contexts import MovableClock, context

START = 20_000 * DAY


@pytest.fixture
def ctx(db: Database, clock: MovableClock) -> Context:
    return context(db=db, clock=clock)


async def count(ctx: Context, at: float) -> None:
    await ctx.db.write(rows.add, {("int_a", rows.minute_of(at), "received", 0): 1.0})


async def of_hours(ctx: Context, *, until: int) -> float:
    """Return what a question that reads hours finds."""
    cells = await ctx.db.read(
        rollup.cells, integration_id="int_a", names=["received"], start=START, end=until, step=HOUR, level=HOUR
    )
    return sum(cell.value for cell in cells)


async def test_an_hour_is_rolled_up_once_it_is_over_and_settled(ctx: Context, clock: MovableClock) -> None:
    await count(ctx, START + 60)
    for after, done in ((1800, 0), (HOUR + 80, 0), (HOUR + 91, START + HOUR), (HOUR + 1800, START + HOUR)):
        clock.time = START + after
        await metrics.roll(ctx)
        found = await ctx.db.read(rollup.until)
        assert (found if found >= START + HOUR else 0) == done, after
        await count(ctx, clock.now())
        assert await of_hours(ctx, until=START + 2 * HOUR) == 2, "what was just counted, too"
        await ctx.db.write(rows.add, {("int_a", rows.minute_of(clock.now()), "received", 0): -1.0})


async def test_what_comes_late_is_moved_by_the_next_round_or_within_the_hour(ctx: Context, clock: MovableClock) -> None:
    await count(ctx, START + 60)
    clock.time = START + 6 * HOUR
    await metrics.roll(ctx)
    await count(ctx, START + 5 * HOUR - 60)
    assert await metrics.roll(ctx) == 1, "an hour or two late"
    assert await of_hours(ctx, until=START + 6 * HOUR) == 2
    await count(ctx, START + 120)
    assert await metrics.roll(ctx) == 0
    assert await metrics.roll_late(ctx) == 1, "long after"
    assert await of_hours(ctx, until=START + 6 * HOUR) == 3
    assert await metrics.roll(ctx) == await metrics.roll_late(ctx) == 0
