from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from core import webhook_log
from core.context import Context
from core.texts import T, revive
from storage import metrics
from storage import webhook_log as rows
from storage.db import open_database
from tests import templates
from tests.contexts import MovableClock, context


@pytest.fixture
async def ctx(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Context]:
    templates.sqlite_in(tmp_path)
    db = await open_database(None, tmp_path)
    yield context(clock=clock, db=db)
    await db.close()


def note(ctx: Context, integration_id: str = "int_1", remote: str = "203.0.113.5", detail: str = "") -> None:
    webhook_log.note(
        ctx, integration_id=integration_id, status=401, reason="mismatch", remote=remote, detail=detail or T("d").dump()
    )


async def test_a_refusal_is_kept_with_its_reason(ctx: Context) -> None:
    note(ctx, detail=T("Signature verification failed").dump())
    (line,) = await webhook_log.entries(ctx, "int_1", 10)
    assert (line.status, line.reason, line.remote, line.suppressed) == (401, "mismatch", "203.0.113.5", 0)
    assert line.at == ctx.clock.now() and revive(line.detail) == "Signature verification failed"
    assert await webhook_log.entries(ctx, "", 10) == []


async def test_nothing_is_written_before_the_flush(ctx: Context) -> None:
    note(ctx)
    assert await ctx.db.read(rows.newest, "int_1", 10) == []
    await webhook_log.flush(ctx)
    await webhook_log.flush(ctx)
    assert len(await ctx.db.read(rows.newest, "int_1", 10)) == 1


async def test_newest_first_and_limited(ctx: Context, clock: MovableClock) -> None:
    for number in range(5):
        note(ctx, remote=str(number))
        clock.move(1)
    assert [line.remote for line in await webhook_log.entries(ctx, "int_1", 3)] == ["4", "3", "2"]


async def test_one_sender_is_capped_and_the_rest_is_counted(ctx: Context, clock: MovableClock) -> None:
    for _ in range(25):
        note(ctx)
    lines = await webhook_log.entries(ctx, "int_1", 100)
    assert len(lines) == webhook_log.BURST and sum(line.suppressed for line in lines) == 15
    for _ in range(5):  # counted on a line that is written already
        note(ctx)
    lines = await webhook_log.entries(ctx, "int_1", 100)
    assert len(lines) == webhook_log.BURST and sum(line.suppressed for line in lines) == 20
    assert sorted(line.suppressed for line in lines)[-2:] == [0, 20]
    note(ctx, remote="198.51.100.7")  # another one is not held back
    note(ctx, integration_id="int_2")
    clock.move(60 / webhook_log.PER_MINUTE)
    note(ctx)
    lines = await webhook_log.entries(ctx, "int_1", 100)
    assert len(lines) == webhook_log.BURST + 2
    assert len(await webhook_log.entries(ctx, "int_2", 100)) == 1


async def test_a_clock_set_back_gives_nothing_away_and_takes_nothing(ctx: Context, clock: MovableClock) -> None:
    note(ctx)
    clock.move(-3600)
    for _ in range(20):
        note(ctx)
    assert len(await webhook_log.entries(ctx, "int_1", 100)) == webhook_log.BURST


async def test_memory_and_table_are_bounded_whoever_sends(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_log, "PENDING", 50)
    monkeypatch.setattr(webhook_log, "MOST_EACH", 30)
    monkeypatch.setattr(webhook_log, "MOST", 70)
    monkeypatch.setattr(webhook_log, "SENDERS", 40)
    for integration in ("int_1", "int_2", ""):
        for number in range(200):
            note(ctx, integration_id=integration, remote=f"2001:db8::{number:x}")
        await webhook_log.flush(ctx)
    kept = [len(await ctx.db.read(rows.newest, integration, 1000)) for integration in ("int_1", "int_2", "")]
    assert kept == [10, 30, 30]
    (last, *_) = await ctx.db.read(rows.newest, "", 1)
    assert last.remote == "2001:db8::31" and last.suppressed == 150


async def test_a_reason_of_any_length_stays_readable(ctx: Context) -> None:
    note(ctx, detail=T("{text}", text="x" * 10_000).dump())
    (line,) = await webhook_log.entries(ctx, "int_1", 10)
    assert revive(line.detail) == "The reason is too long to be kept."


async def test_a_count_for_a_line_that_is_gone_does_no_harm(ctx: Context) -> None:
    suppressed = {"rej_gone": 3}
    await ctx.db.write(rows.store, [], suppressed=suppressed, most_each=1, most=1, counts={})
    assert await webhook_log.entries(ctx, "int_1", 10) == []


async def test_who_asks_waits_for_lines_that_are_on_their_way(ctx: Context) -> None:
    """The writing of the second is under way when somebody asks: its lines are in nobody's hands for a moment."""
    note(ctx)
    writing = asyncio.create_task(webhook_log.flush(ctx))
    await asyncio.sleep(0)  # it has taken the lines, and waits for the database
    assert len(await webhook_log.entries(ctx, "int_1", 10)) == 1
    await writing


async def test_what_was_counted_waits_for_a_database_that_is_away(ctx: Context) -> None:
    note(ctx)
    await ctx.db.write(lambda c: c.execute(sa.text("ALTER TABLE metrics RENAME TO away")))
    with pytest.raises(DBAPIError):
        await webhook_log.flush(ctx)
    note(ctx)
    await ctx.db.write(lambda c: c.execute(sa.text("ALTER TABLE away RENAME TO metrics")))
    await webhook_log.flush(ctx)
    found = await ctx.db.read(
        metrics.cells, integration_id="int_1", names=metrics.CAUSES, start=0, end=ctx.clock.now() + 60, step=10**10
    )
    assert [(cell.name, cell.value) for cell in found] == [(metrics.SIGNATURE, 2)]
