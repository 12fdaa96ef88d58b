"""Metrics by the minute, written in the transactions that make what they count; `storage.rollup` has hours and days."""

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
SIGNATURE = REJECTED + "signature"
"""Under this name all reasons are given that say that a delivery is not proved (no, wrong or old signature)."""
CAUSES = (SIGNATURE, *(REJECTED + cause for cause in ("inactive", "malformed", "too_large", "unknown")))
"""The names under which refused deliveries are given."""
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
    rolled: float = Field(default=0.0, sa_column=sa.Column(sa.Float, nullable=False, server_default="0"))
    """How much of it stands in the hours and days."""


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
    origin: int | None = None,
) -> list[Cell]:
    """Return what was counted under `names` from the minute `start` until `end`, in slots of `step` seconds.

    `integration_id`: None for all together. Of refused deliveries the names are `CAUSES`. `origin`: where the first
    slot begins, if not at `start`.
    """
    slot = slot_of(METRICS.c.minute, start if origin is None else origin, step)
    query = (
        sa.select(slot, METRICS.c.name, METRICS.c.bucket, sa.func.sum(METRICS.c.value))
        .where(*_within(integration_id, start, end), chosen(METRICS.c.name, names))
        .group_by(sa.literal_column("slot"), METRICS.c.name, METRICS.c.bucket)
    )
    return read_cells(connection, query)


def read_cells(connection: sa.Connection, query: sa.Select[Any]) -> list[Cell]:
    """Return what a query for slot, name, bucket and value finds."""
    return [Cell(slot, given(name), bucket, value) for slot, name, bucket, value in connection.execute(query)]


def chosen(column: sa.Column[str], names: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a row counts under one of `names`, those of `CAUSES` included."""
    found: sa.ColumnElement[bool] = column.in_(names)
    if any(name.startswith(REJECTED) for name in names):
        found = sa.or_(found, column.startswith(REJECTED, autoescape=True))
    return found


def given(name: str) -> str:
    """Return the name under which a row's count is given: its own, or its cause."""
    return SIGNATURE if name.startswith(REJECTED) and name not in CAUSES else name


def peaks(
    connection: sa.Connection,
    *,
    integration_id: str | None,
    name: str,
    start: int,
    end: float,
    step: int,
    origin: int | None = None,
) -> dict[int, float]:
    """Return the highest sample of a gauge in each slot that has one; the rest as in `cells`.

    Of all integrations together, depths are added up minute by minute, and of ages the highest is taken.
    """
    together = sa.func.sum(METRICS.c.value) if name == QUEUE_DEPTH else sa.func.max(METRICS.c.value)
    minutes = (
        sa.select(METRICS.c.minute, together.label("value"))
        .where(*_within(integration_id, start, end), METRICS.c.name == name)
        .group_by(METRICS.c.minute)
        .subquery()
    )
    slot = slot_of(minutes.c.minute, start if origin is None else origin, step)
    query = sa.select(slot, sa.func.max(minutes.c.value)).group_by(sa.literal_column("slot"))
    return {slot: value for slot, value in connection.execute(query)}


def slot_of(time: sa.ColumnElement[int], start: int, step: int) -> sa.Label[int]:
    """Return the slot of a range that a time falls into, under the name `slot`."""
    return ((time - start) // step).label("slot")


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
