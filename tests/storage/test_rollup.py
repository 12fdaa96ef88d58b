"""Hours and days made from minutes: exact whatever happens between, on both databases."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import sqlalchemy as sa

from storage import metrics, retention, rollup
from storage.db import Database
from storage.metrics import METRICS, MINUTE, Counts
from storage.rollup import ALL, DAY, EVER, HOUR, ROLLED

START = 20_000 * DAY
Place = tuple[int, str, int]
"""Slot, name, bucket."""
NAMES = ("received", "latency_ms", "rejected:mismatch")


async def cells(
    db: Database, level: int, integration_id: str | None, *, start: int = START, days: int = 3
) -> Counter[Place]:
    """Return what is counted by slot of a day, name and bucket, as a question of this level finds it."""
    names = ["received", "latency_ms", *metrics.CAUSES]
    found: Counter[Place] = Counter()
    for cell in await db.read(
        rollup.cells, integration_id=integration_id, names=names, start=start, end=start + days * DAY, step=DAY,
        level=level,
    ):  # fmt: skip
        found[cell.slot, cell.name, cell.bucket] += int(cell.value)
    return found


def some(dice: random.Random, *, first: int, last: int) -> Counts:
    """Return counts of three integrations in minutes between two times."""
    counts: Counts = {}
    for _ in range(60):
        at = dice.randrange(first, last)
        name = dice.choice(NAMES)
        bucket = dice.randrange(5) if name == "latency_ms" else 0
        metrics.count(counts, dice.choice(("a", "b", "c")), at, name, bucket=bucket, by=float(dice.randrange(1, 9)))
    return counts


async def same_everywhere(db: Database) -> None:
    for integration in ("a", "b", "c", None):
        names = ["received", "latency_ms", *metrics.CAUSES]
        exact: Counter[Place] = Counter()
        for cell in await db.read(
            metrics.cells, integration_id=integration, names=names, start=START, end=START + 3 * DAY, step=DAY
        ):
            exact[cell.slot, cell.name, cell.bucket] += int(cell.value)
        for level in (MINUTE, HOUR, DAY):
            assert await cells(db, level, integration) == exact, (integration, level)


async def test_every_level_says_the_same_at_any_moment(db: Database) -> None:
    """Counts come in any order, late ones too, between pieces of any size: a question never sees a difference."""
    dice = random.Random(7)
    done = START
    for hour in range(0, 60, 4):
        await db.write(
            metrics.add, some(dice, first=max(START, START + (hour - 4) * HOUR), last=START + hour * HOUR + 1)
        )
        await db.write(rollup.roll, START, done, limit=100_000)  # what came late
        await same_everywhere(db)
        target = START + hour * HOUR
        while await db.read(rollup.pending, done, target):
            await db.write(rollup.roll, done, target, limit=dice.randrange(1, 40))
            await same_everywhere(db)
        await db.write(rollup.advance, target)
        done = target
        await same_everywhere(db)
    totals = {(t.integration_id, t.name, t.bucket): t.value for t in await db.read(rollup.totals, done)}
    for integration in ("a", "b", "c"):
        for (_, name, bucket), value in _without_slots(await cells(db, MINUTE, integration)).items():
            assert totals[integration, name, bucket] == value


def _without_slots(found: Counter[Place]) -> Counter[Place]:
    summed: Counter[Place] = Counter()
    for (_, name, bucket), value in found.items():
        summed[0, name, bucket] += value
    return summed


async def test_what_is_rolled_up_twice_or_breaks_off_counts_once(db: Database) -> None:
    await db.write(metrics.add, {("a", START, "received", 0): 3.0})

    def roll_and_fail(connection: sa.Connection) -> None:
        assert rollup.roll(connection, START, START + HOUR, limit=10) == 1
        raise ValueError("killed")

    with pytest.raises(ValueError, match="killed"):
        await db.write(roll_and_fail)
    assert await db.read(rollup.pending, START, START + HOUR)
    assert [await db.write(rollup.roll, START, START + HOUR, limit=10) for _ in range(3)] == [1, 0, 0]
    await db.write(metrics.add, {("a", START, "received", 0): 2.0, ("a", START, "received", 1): 1.0})
    half = {(t.integration_id, t.bucket): t.value for t in await db.read(rollup.totals, START)}
    assert half == {("a", 0): 5.0, ("a", 1): 1.0}, "of what is moved in part, the rest alone is added"
    assert await db.write(rollup.roll, START, START + HOUR, limit=10) == 2
    rows = await db.read(lambda c: c.execute(sa.select(ROLLED).where(ROLLED.c.bucket == 0)).all())
    assert sorted((r.integration_id, r.seconds, r.start, r.value) for r in rows) == [
        (owner, seconds, START if seconds else 0, 5.0)
        for owner in (ALL, "a")
        for seconds in (EVER, MINUTE, HOUR, DAY)
        if (owner, seconds) != ("a", MINUTE)
    ]


async def test_of_a_gauge_the_highest_sample_is_kept(db: Database) -> None:
    def sampled(connection: sa.Connection) -> None:
        for owner, minute, depth, age in (("a", 0, 5, 10), ("b", 0, 4, 90), ("a", 1, 8, 20), ("a", 70, 2, 3)):
            for name, value in (("queue_depth", depth), ("queue_age", age)):
                key = {"integration_id": owner, "minute": START + minute * MINUTE, "bucket": 0, "node": ""}
                connection.execute(sa.insert(METRICS).values(**key, name=name, value=float(value)))

    await db.write(sampled)

    async def peaks(level: int, integration_id: str | None, name: str) -> dict[int, float]:
        return await db.read(
            rollup.peaks, integration_id=integration_id, name=name, start=START, end=START + 2 * HOUR, step=HOUR,
            level=level,
        )  # fmt: skip

    wanted = {
        ("a", "queue_depth"): {0: 8, 1: 2}, ("b", "queue_depth"): {0: 4}, (None, "queue_depth"): {0: 9, 1: 2},
        (None, "queue_age"): {0: 90, 1: 3},
    }  # fmt: skip
    for limit in (3, 3, 100):
        for (owner, name), values in wanted.items():
            assert await peaks(MINUTE, owner, name) == await peaks(HOUR, owner, name) == values, (owner, name)
        await db.write(rollup.roll, START, START + 2 * HOUR, limit=limit)
    await db.write(rollup.advance, START + 2 * HOUR)
    for (owner, name), values in wanted.items():
        assert await peaks(HOUR, owner, name) == values, (owner, name)
    assert await db.read(rollup.totals, 0) == [], "a gauge has no sum"


async def test_days_outlive_hours_and_hours_their_minutes(db: Database) -> None:
    await db.write(metrics.add, {(i, START + n * HOUR, "received", 0): 1.0 for n in range(48) for i in ("a", "b")})
    await db.write(rollup.roll, START, START + 2 * DAY, limit=1000)
    await db.write(rollup.advance, START + 2 * DAY)
    whole = await cells(db, DAY, "a")
    assert await db.write(retention.metrics, "a", START + 3 * DAY, limit=1000) == 48
    assert await cells(db, HOUR, "a") == whole and not await cells(db, MINUTE, "a")
    assert await db.write(retention.levels, "a", START + DAY, seconds=HOUR, limit=1000) == 24
    kept = await db.read(rollup.recorded, "a")
    assert (kept.rows, kept.minutes, kept.oldest, kept.newest) == (24 + 2, 0, START, START + 47 * HOUR)
    assert await cells(db, DAY, "a") == whole
    assert await db.write(retention.counters, "a") == 0, "there are days"
    for seconds in (HOUR, DAY):
        await db.write(retention.levels, "a", START + 9 * DAY, seconds=seconds, limit=1000)
    assert {"a", "b", ALL} <= await db.read(retention.owners)
    assert await db.write(retention.counters, "a") == 1
    assert "a" not in await db.read(retention.owners)
    assert (await cells(db, DAY, None))[0, "received", 0] == 48, "what was counted together stays"
