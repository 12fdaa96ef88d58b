"""Deleting in pieces: what is old goes, what is younger stays, and so does what is not ended; on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from core.texts import T
from storage import accept, event_list, events, jobs, logs, metrics, retention, rollup, webhook_log
from storage.db import Database
from tests.storage.test_accept import arrival


async def rows(db: Database, table: sa.Table) -> int:
    return await db.read(lambda c: int(c.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()))


async def pieces(db: Database, piece: Any, integration_id: str, before: float, *, limit: int) -> list[int]:
    """Delete until a piece is not full; return how many rows each deleted."""
    found: list[int] = []
    while not found or found[-1] >= limit:
        found.append(await db.write(piece, integration_id, before, limit=limit))
    return found


async def test_minutes_go_when_they_are_over_for_that_long(db: Database) -> None:
    counts = {(integration, minute * 60, f"n{n}", 0): 1.0 for integration in ("a", "b") for minute in range(10)
              for n in range(3)}  # fmt: skip
    await db.write(metrics.add, counts)
    assert await pieces(db, retention.metrics, "a", 359.0, limit=4) == [0], "what is not rolled up stays"
    await db.write(rollup.roll, 0, 3600, limit=1000)
    assert await pieces(db, retention.metrics, "a", 359.0, limit=4) == [6, 6, 3]
    assert (await db.read(rollup.recorded, "a")).oldest == 300, "the minute from 300 ends at 360"
    assert await pieces(db, retention.metrics, "a", 360.0, limit=4) == [3]
    assert (await db.read(rollup.recorded, "a")).oldest == 360
    assert (await db.read(rollup.recorded, "b")).rows == 36, "an hour and a day of each name too"


async def test_lines_go_in_the_order_in_which_they_were_written(db: Database) -> None:
    line = {"event_id": None, "level": "info", "message": "m", "fields": "{}", "text": None}
    lines = [{**line, "integration_id": i, "at": float(at)} for at in range(25) for i in ("a", "b")]
    await db.write(logs.append, lines)
    assert await pieces(db, retention.lines, "a", 20.0, limit=8) == [8, 8, 4]
    left = await db.read(logs.newest, "a")
    assert [entry.at for entry in left] == [24, 23, 22, 21, 20]
    assert len(await db.read(logs.newest, "b")) == 25
    assert await pieces(db, retention.lines, "a", 20.0, limit=8) == [0]


async def test_refusals_go_by_their_time(db: Database) -> None:
    line = {"status": 401, "reason": "r", "remote": "", "detail": T("x").dump(), "suppressed": 0}
    lines = [
        {**line, "id": f"rej_{i}{at}", "integration_id": i, "at": float(at)} for at in range(10) for i in ("", "b")
    ]
    await db.write(webhook_log.store, lines, suppressed={}, most_each=100, most=100, counts={})
    assert await pieces(db, retention.refusals, "", 7.0, limit=3) == [3, 3, 1]
    assert [entry.at for entry in await db.read(webhook_log.newest, "", 99)] == [9, 8, 7]
    assert len(await db.read(webhook_log.newest, "b", 99)) == 10


STATUSES = ("succeeded", "dead", "skipped", "discarded", "queued", "processing", "failed")


async def stored(db: Database, *, at: float, finished: float | None, status: str, integration: str = "int_a") -> str:
    """Store an event as it is after its end, with all that belongs to it."""
    made = await db.submit(accept.accept, arrival(at=at, integration=integration))

    def end(connection: sa.Connection) -> None:
        chosen = events.EVENTS.c.id == made.event_id
        connection.execute(sa.update(events.EVENTS).where(chosen).values(status=status, finished_at=finished))
        key = {"event_id": made.event_id, "run": 1}
        connection.execute(sa.insert(events.RUNS).values(**key, actions="[]", references="{}", printed=""))
        connection.execute(sa.insert(events.EFFECTS).values(**key, place=0, intent_at=at))
        step = {"attempt": 1, "name": "s", "target": "", "detail": "", "status": "success", "started_at": at}
        connection.execute(sa.insert(events.STEPS).values(**key, **step, duration_ms=1.0))

    await db.write(end)
    return made.event_id


async def sweep(db: Database, before: float, *, limit: int = 3, integration: str = "int_a") -> list[int]:
    found: list[int] = []
    after: str | None = ""
    while after is not None:
        swept = await db.write(retention.events, integration, before, after=after, limit=limit)
        found.append(swept.deleted)
        after = swept.after
    return found


async def test_ended_events_go_with_all_that_belongs_to_them(db: Database) -> None:
    for number, status in enumerate(STATUSES):
        await stored(db, at=1000.0 + number, finished=None if status == "skipped" else 1100.0, status=status)
    late = await stored(db, at=1010.0, finished=1900.0, status="succeeded")
    young = await stored(db, at=1600.0, finished=1601.0, status="succeeded")
    other = await stored(db, at=1000.0, finished=1001.0, status="succeeded", integration="int_b")
    assert sum(await sweep(db, 1500.0)) == 4
    left = (await db.read(event_list.page, event_list.Wanted(now=2000.0))).events
    assert {event.status for event in left if event.id not in (late, young, other)} == {
        "queued",
        "processing",
        "failed",
    }
    assert {late, young, other} <= {event.id for event in left}
    for table in (events.BODIES, events.RUNS, events.EFFECTS, events.STEPS):
        assert await rows(db, table) == len(left) == 6
    assert sum(await sweep(db, 1500.0)) == 0


async def test_events_are_looked_at_in_pieces_up_to_the_first_young_one(db: Database) -> None:
    await asyncio.gather(*(stored(db, at=1000.0, finished=1001.0, status="succeeded") for _ in range(10)))
    for _ in range(10):
        await stored(db, at=2000.0, finished=2001.0, status="succeeded")
    assert await sweep(db, 1500.0, limit=4) == [4, 4, 2]
    assert await rows(db, events.EVENTS) == 10


@pytest.mark.parametrize(("owner", "kept"), [("int_a", True), (None, True), ("int_b", False)])
async def test_nothing_goes_while_a_job_may_take_it_up(db: Database, owner: str | None, kept: bool) -> None:
    await stored(db, at=1000.0, finished=1001.0, status="dead")
    job = jobs.Job(
        id="job_1", kind="retry", integration_id=owner, params="{}", status="running", total=1, run_at=0.0,
        created_at=0.0, created_by="", updated_at=0.0,
    )  # fmt: skip
    await db.write(lambda c: c.execute(sa.insert(jobs.JOBS).values(**job.model_dump())))
    assert sum(await sweep(db, 1500.0)) == (0 if kept else 1)
    await db.write(lambda c: c.execute(sa.update(jobs.JOBS).values(finished_at=1.0)))
    await sweep(db, 1500.0)
    assert await rows(db, events.EVENTS) == 0


async def test_everybody_who_has_something_is_found(db: Database) -> None:
    assert await db.read(retention.owners) == set()
    await db.write(metrics.add, {("m", 0, "n", 0): 1.0, ("", 0, "n", 0): 1.0, ("x", 0, "n", 0): 1.0})
    await stored(db, at=1.0, finished=None, status="dead", integration="e")
    assert await db.read(retention.owners) == {"", "m", "x", "e"}
