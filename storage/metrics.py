"""Metrics rolled up by minute, written in the transactions that make what they count."""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import bulk
from storage.events import EVENTS, table

MINUTE = 60
REJECTED = "rejected:"
"""What the names of refused deliveries begin with; the reason follows."""
QUEUE_DEPTH = "queue_depth"
QUEUE_AGE = "queue_age"

Key = tuple[str, int, str, int]
"""Integration, minute, name, bucket."""
Counts = dict[Key, float]


class MinuteMetric(SQLModel, table=True):
    """What one process counted in one minute; the sum over `node` is the metric."""

    __tablename__: ClassVar[str] = "metrics"
    __table_args__ = (sa.Index("ix_metrics_minute", "minute"),)

    integration_id: str = Field(primary_key=True)
    minute: int = Field(primary_key=True, sa_type=sa.BigInteger)
    """The minute's first second, in seconds since the epoch."""
    name: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    """Of a histogram (`core.histogram`); 0 for a plain counter."""
    node: str = Field(primary_key=True)
    """The process that counted, so that nodes on one PostgreSQL never wait for each other's rows."""
    value: float


METRICS = table(MinuteMetric)
_NODE = secrets.token_hex(4)
_COLUMNS = ("integration_id", "minute", "name", "bucket", "node", "value")
_KEY = "ON CONFLICT (integration_id, minute, name, bucket, node) DO UPDATE SET value ="
_ADD = bulk.insert(METRICS, *_COLUMNS, ending=f"{_KEY} metrics.value + excluded.value")
_SET = bulk.insert(METRICS, *_COLUMNS, ending=f"{_KEY} excluded.value")


@dataclass(frozen=True, slots=True)
class Cell:
    """What was counted under a name, in a bucket, in one slot of a range (0 is the first)."""

    slot: int
    name: str
    bucket: int
    value: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is kept of an integration: how many rows, in how many minutes, the first and the last of them."""

    rows: int
    minutes: int
    oldest: int | None
    newest: int | None


def minute_of(at: float) -> int:
    """Return the first second of the minute of a time."""
    return int(at // MINUTE) * MINUTE


def count(counts: Counts, integration_id: str, at: float, name: str, *, bucket: int = 0, by: float = 1.0) -> None:
    """Count in memory, to be written with `add`."""
    key = (integration_id, minute_of(at), name, bucket)
    counts[key] = counts.get(key, 0.0) + by


def merged(parts: Iterable[Counts]) -> Counts:
    """Return several counts as one."""
    whole: Counts = {}
    for part in parts:
        for key, value in part.items():
            whole[key] = whole.get(key, 0.0) + value
    return whole


def add(connection: sa.Connection, counts: Counts) -> None:
    """Add to what is counted; call it in the transaction that makes what is counted."""
    if counts:
        node = _NODE if connection.dialect.name == "postgresql" else ""
        _ADD(connection, [(*key, node, value) for key, value in sorted(counts.items())])  # one order: no deadlock


def cells(
    connection: sa.Connection,
    *,
    integration_id: str | None,
    names: Sequence[str],
    start: int,
    end: float,
    step: int,
) -> list[Cell]:
    """Return what was counted under `names` from the minute `start` until `end`, in slots of `step` seconds.

    `integration_id`: None for all together. `rejected` among the names stands for all its reasons together.
    """
    chosen: sa.ColumnElement[bool] = METRICS.c.name.in_(names)
    if REJECTED[:-1] in names:
        chosen = sa.or_(chosen, METRICS.c.name.startswith(REJECTED, autoescape=True))
    query = (
        sa.select(_slot(METRICS, start, step), METRICS.c.name, METRICS.c.bucket, sa.func.sum(METRICS.c.value))
        .where(*_within(integration_id, start, end), chosen)
        .group_by(sa.literal_column("slot"), METRICS.c.name, METRICS.c.bucket)
    )
    return [
        Cell(slot, REJECTED[:-1] if name.startswith(REJECTED) else name, bucket, value)
        for slot, name, bucket, value in connection.execute(query)
    ]


def peaks(
    connection: sa.Connection, *, integration_id: str | None, name: str, start: int, end: float, step: int
) -> dict[int, float]:
    """Return the highest sample of a gauge in each slot that has one.

    Of all integrations together, depths are added up minute by minute, and of ages the highest is taken.
    """
    together = sa.func.sum(METRICS.c.value) if name == QUEUE_DEPTH else sa.func.max(METRICS.c.value)
    minutes = (
        sa.select(METRICS.c.minute, together.label("value"))
        .where(*_within(integration_id, start, end), METRICS.c.name == name)
        .group_by(METRICS.c.minute)
        .subquery()
    )
    query = sa.select(_slot(minutes, start, step), sa.func.max(minutes.c.value)).group_by(sa.literal_column("slot"))
    return {slot: value for slot, value in connection.execute(query)}


def _slot(rows: sa.Table | sa.Subquery, start: int, step: int) -> sa.Label[int]:
    return ((rows.c.minute - start) // step).label("slot")


def _within(integration_id: str | None, start: int, end: float) -> list[sa.ColumnElement[bool]]:
    conditions = [METRICS.c.minute >= start, METRICS.c.minute < math.ceil(end)]
    return conditions if integration_id is None else [METRICS.c.integration_id == integration_id, *conditions]


def waiting(connection: sa.Connection, *, integration_id: str | None = None) -> dict[str, tuple[int, float]]:
    """Return, for each integration with events in the queue, how many, and since when the first of them may run.

    All of it stands in the index of what can be claimed.
    """
    query = sa.select(EVENTS.c.integration_id, sa.func.count(), sa.func.min(EVENTS.c.run_at))
    query = query.where(EVENTS.c.run_at.is_not(None)).group_by(EVENTS.c.integration_id)
    if integration_id is not None:
        query = query.where(EVENTS.c.integration_id == integration_id)
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def sample(connection: sa.Connection, now: float, *, not_of: Collection[str] = ()) -> None:
    """Keep how many events wait at this moment and for how long, for each integration where some do."""
    minute = minute_of(now)
    rows: list[tuple[Any, ...]] = []
    for integration_id, (depth, since) in sorted(waiting(connection).items()):
        if integration_id not in not_of:
            rows.append((integration_id, minute, QUEUE_AGE, 0, "", max(0.0, now - since)))
            rows.append((integration_id, minute, QUEUE_DEPTH, 0, "", float(depth)))
    _SET(connection, rows)


def recorded(connection: sa.Connection, integration_id: str) -> Recorded:
    """Return what is kept of an integration."""
    query = sa.select(
        sa.func.count(),
        sa.func.count(METRICS.c.minute.distinct()),
        sa.func.min(METRICS.c.minute),
        sa.func.max(METRICS.c.minute),
    )
    return Recorded(*connection.execute(query.where(METRICS.c.integration_id == integration_id)).one())
