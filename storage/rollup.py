"""Metrics by the hour and by the day, and since ever: made from the minutes, read where a range is long.

Each minute's row knows how much of it stands in the levels above (`rolled`). Moving the rest and writing so is one
transaction: whatever is killed or runs twice, nothing is moved twice, and what comes late into a minute is moved later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import bulk, metrics
from storage.dialect import for_update, upsert
from storage.events import table
from storage.metrics import METRICS, MINUTE, QUEUE_AGE, QUEUE_DEPTH, Cell

HOUR = 3600
DAY = 86400
EVER = 0
"""In place of a length: one row for all time, for counters that only grow."""
ALL = "*"
"""In place of an integration: all together, so that a question about all reads no more rows than one about one. It has
minutes here too."""

_GAUGES = (QUEUE_AGE, QUEUE_DEPTH)
TOTAL, SAMPLES, LEAST = ":total", ":samples", ":least"
"""What follows a gauge's name in hours and days of one integration: the sum of its samples, how many there were, and
the lowest. Samples of 0 are not counted: a minute without one is 0 too. What is rolled up by a version before has the
highest alone."""


class RolledMetric(SQLModel, table=True):
    """What was counted in one hour or day: the sum of its minutes; of a gauge the highest of its samples, and beside it
    (`TOTAL`, `SAMPLES`, `LEAST`) what averages and minima are made of."""

    __tablename__: ClassVar[str] = "metrics_rolled"

    integration_id: str = Field(primary_key=True)
    seconds: int = Field(primary_key=True)
    """How long it is: `HOUR`, `DAY`, or `EVER`."""
    start: int = Field(primary_key=True, sa_type=sa.BigInteger)
    """Its first second, in seconds since the epoch, UTC."""
    name: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    value: float


class Rolling(SQLModel, table=True):
    """How far the minutes are rolled up: one row."""

    __tablename__: ClassVar[str] = "metrics_rolling"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    until: int = Field(sa_type=sa.BigInteger)
    """Every hour before this one stands in the levels; in seconds since the epoch."""


ROLLED = table(RolledMetric)
ROLLING = table(Rolling)

_Key = tuple[str, int, int, str, int]
_COLUMNS = ("integration_id", "seconds", "start", "name", "bucket", "value")
_ON_KEY = "ON CONFLICT (integration_id, seconds, start, name, bucket) DO UPDATE SET value ="
_ADD = bulk.insert(ROLLED, *_COLUMNS, ending=f"{_ON_KEY} metrics_rolled.value + excluded.value")
_RAISE = bulk.insert(
    ROLLED, *_COLUMNS,
    ending=f"{_ON_KEY} CASE WHEN excluded.value > metrics_rolled.value THEN excluded.value "
    "ELSE metrics_rolled.value END",
)  # fmt: skip
_LOWER = bulk.insert(
    ROLLED, *_COLUMNS,
    ending=f"{_ON_KEY} CASE WHEN excluded.value < metrics_rolled.value THEN excluded.value "
    "ELSE metrics_rolled.value END",
)  # fmt: skip
_MINUTE_KEY = ("integration_id", "minute", "name", "bucket", "node")
_MARK = bulk.ManyRows(
    "UPDATE metrics SET rolled = given.column6 FROM ({rows}) AS given WHERE metrics.integration_id = given.column1 "
    "AND metrics.minute = given.column2 AND metrics.name = given.column3 AND metrics.bucket = given.column4 "
    "AND metrics.node = given.column5",
    *(METRICS.c[name] for name in (*_MINUTE_KEY, "value")),
)
UNROLLED = METRICS.c.value != METRICS.c.rolled
"""Whether something of a minute's row does not stand in the levels yet."""


@dataclass(frozen=True, slots=True)
class Total:
    """What was counted of an integration since ever, under a name and in a bucket."""

    integration_id: str
    name: str
    bucket: int
    value: float


def floor(at: float, seconds: int) -> int:
    """Return the first second of the minute, hour or day of a time."""
    return int(at // seconds) * seconds


def until(connection: sa.Connection) -> int:
    """Return up to where every hour stands in the levels."""
    return int(connection.execute(sa.select(ROLLING.c.until)).scalar() or 0)


def advance(connection: sa.Connection, time: int) -> None:
    """Write that every hour before `time` stands in the levels."""
    row = upsert(connection, ROLLING).values(id=1, until=time)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"until": time}))


def next_minute(connection: sa.Connection, start: int) -> int | None:
    """Return the first minute from `start` on of which anything is kept."""
    query = sa.select(sa.func.min(METRICS.c.minute)).where(METRICS.c.minute >= start)
    found: int | None = connection.execute(query).scalar()
    return found


def pending(connection: sa.Connection, start: int, end: int) -> bool:
    """Say whether anything of the minutes from `start` to `end` is not rolled up."""
    query = sa.select(METRICS.c.minute).where(METRICS.c.minute >= start, METRICS.c.minute < end, UNROLLED).limit(1)
    return connection.execute(query).first() is not None


def roll(connection: sa.Connection, start: int, end: int, *, limit: int) -> int:
    """Roll up at most `limit` rows of the minutes from `start` to `end` that are not yet; return how many."""
    query = (
        sa.select(*(METRICS.c[name] for name in (*_MINUTE_KEY, "value", "rolled")))
        .where(METRICS.c.minute >= start, METRICS.c.minute < end, UNROLLED)
        .order_by(*(METRICS.c[name] for name in _MINUTE_KEY))  # the order in which they are written: no deadlock
        .limit(limit)
    )
    rows = connection.execute(for_update(connection, query)).all()
    samples = [row for row in rows if row.name in _GAUGES]
    _write(connection, _ADD, _sums(row for row in rows if row.name not in _GAUGES) | _totals(samples))
    _write(connection, _RAISE, _peaks(connection, samples))
    _write(connection, _LOWER, _least(samples))
    _MARK(connection, [(*row[:5], row.value) for row in rows])
    return len(rows)


def _sums(rows: Iterable[Any]) -> dict[_Key, float]:
    found: dict[_Key, float] = {}
    for row in rows:
        for owner in (row.integration_id, ALL):
            for seconds in (*_levels(owner), EVER):
                start = floor(row.minute, seconds) if seconds else 0
                key = (owner, seconds, start, row.name, row.bucket)
                found[key] = found.get(key, 0.0) + row.value - row.rolled
    return found


def _peaks(connection: sa.Connection, rows: Sequence[Any]) -> dict[_Key, float]:
    found: dict[_Key, float] = {}
    if not rows:
        return found
    together = sa.select(METRICS.c.minute, METRICS.c.name, sa.func.sum(METRICS.c.value), sa.func.max(METRICS.c.value))
    of_these = together.where(METRICS.c.minute.in_({row.minute for row in rows}), METRICS.c.name.in_(_GAUGES))
    samples = [(row.integration_id, row.minute, row.name, row.value) for row in rows]
    for minute, name, depth, age in connection.execute(of_these.group_by(METRICS.c.minute, METRICS.c.name)):
        samples.append((ALL, minute, name, depth if name == QUEUE_DEPTH else age))
    for owner, minute, name, value in samples:
        for seconds in _levels(owner):
            key = (owner, seconds, floor(minute, seconds), name, 0)
            found[key] = max(found.get(key, value), value)
    return found


def _totals(samples: Sequence[Any]) -> dict[_Key, float]:
    """Return the sums and numbers of samples that are to be added; one that is written anew is counted once."""
    found: dict[_Key, float] = {}
    for row in samples:
        for seconds in (HOUR, DAY):
            start = floor(row.minute, seconds)
            news = ((TOTAL, row.value - row.rolled), (SAMPLES, float((row.value != 0) - (row.rolled != 0))))
            for part, by in news:
                key = (row.integration_id, seconds, start, row.name + part, 0)
                found[key] = found.get(key, 0.0) + by
    return found


def _least(samples: Sequence[Any]) -> dict[_Key, float]:
    found: dict[_Key, float] = {}
    for row in samples:
        for seconds in (HOUR, DAY):
            key = (row.integration_id, seconds, floor(row.minute, seconds), row.name + LEAST, 0)
            found[key] = min(found.get(key, row.value), row.value)
    return found


def _levels(owner: str) -> tuple[int, ...]:
    return (MINUTE, HOUR, DAY) if owner == ALL else (HOUR, DAY)


def _write(connection: sa.Connection, statement: bulk.ManyRows, values: dict[_Key, float]) -> None:
    statement(connection, [(*key, value) for key, value in sorted(values.items())])


def cells(
    connection: sa.Connection,
    *,
    integration_id: str | None,
    names: Sequence[str],
    start: int,
    end: float,
    step: int,
    level: int,
) -> list[Cell]:
    """Return what was counted, as `storage.metrics.cells` does, from rows of `level` seconds where there are any.

    `start` and `step` are whole numbers of `level`. What is not rolled up so far comes from the levels below it.
    """
    found: list[Cell] = []
    slot = metrics.slot_of(ROLLED.c.start, start, step)
    for seconds, first, last in _parts(connection, integration_id, start, end, level):
        if seconds is None:
            found += metrics.cells(
                connection, integration_id=integration_id, names=names, start=first, end=last, step=step, origin=start
            )
            continue
        query = (
            sa.select(slot, ROLLED.c.name, ROLLED.c.bucket, sa.func.sum(ROLLED.c.value))
            .where(*_within(integration_id, seconds, first, last), metrics.chosen(ROLLED.c.name, names))
            .group_by(sa.literal_column("slot"), ROLLED.c.name, ROLLED.c.bucket)
        )
        found += metrics.read_cells(connection, query)
    return found


def peaks(
    connection: sa.Connection,
    *,
    integration_id: str | None,
    name: str,
    start: int,
    end: float,
    step: int,
    level: int,
) -> dict[int, float]:
    """Return the highest sample of a gauge in each slot that has one, from the rows that `cells` reads."""
    found: dict[int, float] = {}
    slot = metrics.slot_of(ROLLED.c.start, start, step)
    for seconds, first, last in _parts(connection, integration_id, start, end, level):
        if seconds is None:
            part = metrics.peaks(
                connection, integration_id=integration_id, name=name, start=first, end=last, step=step, origin=start
            )
        else:
            query = (
                sa.select(slot, sa.func.max(ROLLED.c.value))
                .where(*_within(integration_id, seconds, first, last), ROLLED.c.name == name)
                .group_by(sa.literal_column("slot"))
            )
            part = {place: value for place, value in connection.execute(query)}
        for place, value in part.items():
            found[place] = max(found.get(place, value), value)
    return found


def _parts(
    connection: sa.Connection, integration_id: str | None, start: int, end: float, level: int
) -> Iterator[tuple[int | None, int, float]]:
    """Yield a range in parts, the longest rows first: from when to when they are read.

    The first of each is their length, or None for the minutes that `storage.metrics` keeps.
    """
    lengths = [s for s in reversed(_levels(ALL if integration_id is None else integration_id)) if s <= level]
    if lengths:
        last = min(until(connection), int(end))
        for seconds in lengths:
            border = floor(last, seconds)
            if start < border:
                yield seconds, start, border
                start = border
    if start < end:
        yield None, start, end


def _within(integration_id: str | None, seconds: int, start: int, end: float) -> list[sa.ColumnElement[bool]]:
    return [
        ROLLED.c.integration_id == (ALL if integration_id is None else integration_id),
        ROLLED.c.seconds == seconds,
        ROLLED.c.start >= start,
        ROLLED.c.start < math.ceil(end),
    ]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a range, from `start` to `end`, that is read from rows of `seconds`: minutes, hours or days."""

    seconds: int
    start: int
    end: int


def split(start: int, end: float, *, rolled: int, minutes_from: float, hours_from: float) -> list[Piece]:
    """Return a range in the fewest rows of one integration that hold it: days, hours at their ends, minutes at theirs.

    `rolled`: up to where hours are there. `minutes_from`, `hours_from`: since when those are kept; what begins before
    that begins with the whole hour or day. Pure.
    """
    last = math.ceil(end)
    if start < minutes_from:
        start = floor(start, DAY if start < hours_from else HOUR)
    parts = _nested(start, last, rolled, MINUTE, (HOUR, DAY))
    return [piece for piece in parts if piece.start < piece.end]


def _nested(start: int, end: int, rolled: int, outer: int, inner: Sequence[int]) -> list[Piece]:
    """Return what of a range is read from rows of `outer`, and between it what holds whole ones of `inner`."""
    if inner:
        first, past = -(-start // inner[0]) * inner[0], floor(min(rolled, end), inner[0])
        if first < past:
            middle = _nested(first, past, rolled, inner[0], inner[1:])
            return [Piece(outer, start, first), *middle, Piece(outer, past, end)]
    return [Piece(outer, start, end)]


def totals(connection: sa.Connection, since: int) -> list[Total]:
    """Return what was counted since ever, by integration; `since`: the first minute that may not be rolled up.

    One statement, so that what is being rolled up meanwhile is in it once.
    """
    ever = sa.select(ROLLED.c.integration_id, ROLLED.c.name, ROLLED.c.bucket, ROLLED.c.value)
    ever = ever.where(ROLLED.c.seconds == EVER, ROLLED.c.integration_id != ALL)
    rest = METRICS.c.value - METRICS.c.rolled
    recent = sa.select(METRICS.c.integration_id, METRICS.c.name, METRICS.c.bucket, rest.label("value"))
    recent = recent.where(METRICS.c.minute >= since, UNROLLED, METRICS.c.name.not_in(_GAUGES))
    both = sa.union_all(ever, recent).subquery()
    key = (both.c.integration_id, both.c.name, both.c.bucket)
    query = sa.select(*key, sa.func.sum(both.c.value)).group_by(*key)
    return [
        Total(owner, metrics.given(name), bucket, value) for owner, name, bucket, value in connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is kept of an integration: how many rows, in how many minutes, the first and the last time of them."""

    rows: int
    minutes: int
    oldest: int | None
    newest: int | None


def recorded(connection: sa.Connection, integration_id: str) -> Recorded:
    """Return what is kept of an integration, the sums since ever left out."""
    query = sa.select(
        sa.func.count(),
        sa.func.count(METRICS.c.minute.distinct()),
        sa.func.min(METRICS.c.minute),
        sa.func.max(METRICS.c.minute),
    )
    rows, minutes, oldest, newest = connection.execute(query.where(METRICS.c.integration_id == integration_id)).one()
    for seconds in (HOUR, DAY):
        level = sa.select(sa.func.count(), sa.func.min(ROLLED.c.start), sa.func.max(ROLLED.c.start))
        mine = (ROLLED.c.integration_id == integration_id, ROLLED.c.seconds == seconds)
        count, first, last = connection.execute(level.where(*mine)).one()
        rows += count
        if first is not None and (oldest is None or first + seconds <= oldest):  # else the finer rows know it better
            oldest = first
        newest = last if newest is None else newest
    return Recorded(rows, minutes, oldest, newest)
