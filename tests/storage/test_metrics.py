"""Counts by the minute: written with what they count, summed over nodes, read in slots; on both databases."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import sqlalchemy as sa

from core.texts import T
from storage import accept, metrics, queue, rollup, webhook_log
from storage.db import Database
from storage.metrics import Cell, Counts
from storage.queue import Ending, Progress
from tests.storage.test_accept import arrival
from tests.storage.test_queue import claim, installed, waiting, wish


async def totals(db: Database, integration_id: str | None = "int_a") -> dict[str, float]:
    """Return what is counted in all, by name."""
    found: dict[str, float] = {}
    names = ["received", "duplicates", "skipped", "succeeded", "dead", *metrics.CAUSES]
    for cell in await db.read(metrics.cells, integration_id=integration_id, names=names, start=0, end=9e9, step=10**10):
        found[cell.name] = found.get(cell.name, 0) + cell.value
    return found


async def written(db: Database, counts: Counts) -> None:
    await db.write(metrics.add, counts)


async def test_a_group_of_deliveries_is_counted_by_the_minute_of_each(db: Database) -> None:
    arrivals = [
        *(arrival(f"d:{n % 4}", at=1000.0) for n in range(10)),
        *(arrival(at=1030.0) for _ in range(3)),
        dataclasses.replace(arrival("d:z", at=1000.0), status="skipped"),
        dataclasses.replace(arrival(at=1000.0), counted=False),
        arrival(at=1000.0, integration="int_b"),
    ]
    await asyncio.gather(*(db.submit(accept.accept, one) for one in arrivals))
    assert await totals(db) == {"received": 8, "duplicates": 6, "skipped": 1}
    assert await totals(db, None) == {"received": 9, "duplicates": 6, "skipped": 1}
    cells = await db.read(metrics.cells, integration_id="int_a", names=["received"], start=960, end=1081.0, step=60)
    assert sorted((c.slot, c.value) for c in cells) == [(0, 5), (1, 3)]


async def test_a_write_that_fails_counts_nothing(db: Database) -> None:
    def accept_and_fail(connection: sa.Connection) -> None:
        accept.accept(connection, [arrival()])
        raise ValueError("rubbish")

    await asyncio.gather(db.write(accept_and_fail), db.submit(accept.accept, arrival()), return_exceptions=True)
    assert await totals(db) == {"received": 1}


async def test_ends_are_counted_only_where_the_lease_is_held(db: Database) -> None:
    await installed(db, "int_a")
    await waiting(db, "int_a", 2)
    counts: Counts = {}
    metrics.count(counts, "int_a", 2001.0, "succeeded")
    first, second = await claim(db, wish())
    ending = Ending("succeeded", 2001.0)
    lost = Progress(second.id, "another", 0, ending=ending, counts=counts)
    done = await asyncio.gather(
        db.submit(queue.advance, Progress(first.id, first.token, 0, ending=ending, counts=counts)),
        db.submit(queue.advance, lost),
    )
    assert list(done) == [True, False]
    assert (await totals(db))["succeeded"] == 1


async def test_refusals_are_counted_with_their_lines(db: Database) -> None:
    line = {
        "id": "rej_1", "integration_id": "int_a", "at": 1000.0, "status": 401, "reason": "mismatch", "remote": "",
        "detail": T("x").dump(), "suppressed": 0,
    }  # fmt: skip
    counts: Counts = {}
    metrics.count(counts, "int_a", 1000.0, metrics.REJECTED + "mismatch", by=12)
    metrics.count(counts, "int_a", 1000.0, metrics.REJECTED + "expired")
    metrics.count(counts, "int_a", 1000.0, metrics.REJECTED + "inactive", by=2)
    await db.write(webhook_log.store, [line], suppressed={}, most_each=10, most=10, counts=counts)
    assert await totals(db) == {"rejected:signature": 13, "rejected:inactive": 2}


async def test_rows_of_several_nodes_add_up_and_a_row_grows(db: Database) -> None:
    key = ("int_a", 960, "received", 0)
    for value in (2.0, 3.0):
        await written(db, {key: value})
    await db.write(lambda c: c.execute(sa.insert(metrics.METRICS).values(**_row(key, node="other", value=7.0))))
    (cell,) = await db.read(metrics.cells, integration_id=None, names=["received"], start=0, end=2000, step=6000)
    assert cell == Cell(0, "received", 0, 12.0)
    kept = await db.read(rollup.recorded, "int_a")
    assert (kept.rows, kept.minutes, kept.oldest, kept.newest) == (2, 1, 960, 960)


def _row(key: metrics.Key, **more: Any) -> dict[str, Any]:
    return {**dict(zip(("integration_id", "minute", "name", "bucket"), key, strict=True)), **more}


async def test_a_range_takes_in_the_minutes_that_begin_in_it(db: Database) -> None:
    await written(db, {("int_a", minute, "received", 0): 1.0 for minute in (0, 60, 120, 180)})
    for start, end, count in ((0, 240, 4), (60, 180, 2), (60, 180.5, 3), (240, 999, 0), (0, 0.5, 1)):
        cells = await db.read(metrics.cells, integration_id="int_a", names=["received"], start=start, end=end, step=600)
        assert sum(c.value for c in cells) == count, (start, end)


async def test_what_waits_is_sampled_and_the_peak_of_a_slot_is_kept(db: Database) -> None:
    await installed(db, "int_a", "int_b", "int_c")
    await waiting(db, "int_a", 3, at=1000.0)
    await waiting(db, "int_b", 2, at=1500.0)
    await waiting(db, "int_c", 2, at=1500.0)
    assert await db.read(metrics.waiting) == {"int_a": (3, 1000.0), "int_b": (2, 1500.0), "int_c": (2, 1500.0)}
    assert await db.read(metrics.waiting, integration_id="int_a") == {"int_a": (3, 1000.0)}
    for now in (1500.0, 1560.0, 1561.0, 1700.0):
        await db.write(metrics.sample, now, not_of=["int_c"])

    async def peaks(integration_id: str | None, name: str) -> dict[int, float]:
        return await db.read(metrics.peaks, integration_id=integration_id, name=name, start=1500, end=1741.0, step=120)

    assert await peaks("int_a", "queue_depth") == {0: 3, 1: 3}
    assert await peaks(None, "queue_depth") == {0: 5, 1: 5}
    assert await peaks("int_a", "queue_age") == {0: 561, 1: 700}
    assert await peaks(None, "queue_age") == {0: 561, 1: 700}
    assert await peaks("int_c", "queue_depth") == {}
