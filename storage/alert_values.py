"""What alert rules look at, of all integrations at once: a few queries, however many rules there are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.audit import AUDIT, AuditEntry
from storage.events import EVENTS, STEPS, TROUBLED
from storage.integrations import INTEGRATIONS, OWN
from storage.metrics import METRICS, REJECTED

MOST_IDS = 500
"""Integrations in one IN."""
NEWEST_FAILURES = 200

Counts = dict[str, dict[str, dict[int, float]]]
"""Integration → name → bucket → how often."""


@dataclass(frozen=True, slots=True)
class Known:
    """An integration, as far as rules need it."""

    id: str
    slug: str
    name: str
    status: str
    monitoring: str
    updated_at: float


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge's samples over a range: taken once a minute wherever something waits."""

    total: float
    highest: float
    lowest: float
    samples: int


def integrations(connection: sa.Connection) -> dict[str, Known]:
    """Return every integration."""
    columns = (INTEGRATIONS.c[name] for name in ("id", "slug", "name", "status", "monitoring", "updated_at"))
    query = sa.select(*columns).where(INTEGRATIONS.c.id != OWN)
    return {row.id: Known(*row) for row in connection.execute(query)}


def counts(
    connection: sa.Connection,
    names: Collection[str],
    *,
    start: int,
    end: float,
    only: Sequence[str] | None = None,
    step: int | None = None,
) -> list[tuple[int, Counts]]:
    """Return what was counted from the minute `start` until `end`: together, or in slots of `step` seconds.

    `rejected` among the names stands for all its reasons. `only`: of these integrations.
    """
    slots: dict[int, Counts] = defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(float))))
    slot = sa.literal(0) if step is None else (METRICS.c.minute - start) // step
    chosen: sa.ColumnElement[bool] = METRICS.c.name.in_(sorted(names))
    if REJECTED[:-1] in names:
        chosen = sa.or_(chosen, METRICS.c.name.startswith(REJECTED, autoescape=True))
    grouped = (METRICS.c.integration_id, slot.label("slot"), METRICS.c.name, METRICS.c.bucket)
    query = sa.select(*grouped, sa.func.sum(METRICS.c.value)).where(
        METRICS.c.minute >= start, METRICS.c.minute < math.ceil(end), chosen
    )
    groups = [METRICS.c.integration_id, METRICS.c.name, METRICS.c.bucket]
    query = query.group_by(*groups, *([sa.literal_column("slot")] if step is not None else []))
    parts = [None] if only is None else [only[at : at + MOST_IDS] for at in range(0, len(only), MOST_IDS)]
    for part in parts:
        mine = query if part is None else query.where(METRICS.c.integration_id.in_(part))
        for integration_id, at, name, bucket, value in connection.execute(mine):
            slots[at][integration_id][_folded(name)][bucket] += value
    return sorted(slots.items())


def _folded(name: str) -> str:
    return REJECTED[:-1] if name.startswith(REJECTED) else name


def gauges(connection: sa.Connection, name: str, *, start: int, end: float) -> dict[str, Gauge]:
    """Return a gauge's samples over a range, by integration."""
    value = METRICS.c.value
    query = (
        sa.select(METRICS.c.integration_id, sa.func.sum(value), sa.func.max(value), sa.func.min(value), sa.func.count())
        .where(METRICS.c.name == name, METRICS.c.minute >= start, METRICS.c.minute < math.ceil(end))
        .group_by(METRICS.c.integration_id)
    )
    return {row[0]: Gauge(*row[1:]) for row in connection.execute(query)}


def last_events(connection: sa.Connection, ids: Sequence[str]) -> dict[str, float]:
    """Return when the newest event of each of these integrations came; one without events is not there."""
    newest = (
        sa.select(EVENTS.c.received_at)
        .where(EVENTS.c.integration_id == INTEGRATIONS.c.id)
        .order_by(EVENTS.c.id.desc())
        .limit(1)
        .correlate(INTEGRATIONS)
        .scalar_subquery()
    )
    found: dict[str, float] = {}
    for at in range(0, len(ids), MOST_IDS):
        query = sa.select(INTEGRATIONS.c.id, newest).where(INTEGRATIONS.c.id.in_(ids[at : at + MOST_IDS]))
        found |= {row[0]: row[1] for row in connection.execute(query) if row[1] is not None}
    return found


@dataclass(frozen=True, slots=True)
class Failure:
    """An event whose last attempt failed: its id and why, as JSON."""

    event_id: str
    error: str


@dataclass(frozen=True, slots=True)
class Background:
    """What belongs to an alert of an integration: failures and refusals in its window, changes shortly before."""

    failures: Sequence[Failure]
    refused: Mapping[str, int]
    changes: Sequence[AuditEntry]


def background(
    connection: sa.Connection, ids: Collection[str], *, since: int, changed_since: float
) -> dict[str, Background]:
    """Return what belongs to alerts of these integrations."""
    return {
        integration_id: Background(
            failures(connection, integration_id, since),
            _refused(connection, integration_id, since),
            _changes(connection, integration_id, changed_since),
        )
        for integration_id in ids
    }


def failures(connection: sa.Connection, integration_id: str, since: float) -> list[Failure]:
    """Return the newest events whose attempts have failed since then, newest first."""
    found: list[tuple[str, str]] = []
    for status in ("failed", "dead"):
        mine = (sa.text(TROUBLED), EVENTS.c.integration_id == integration_id, EVENTS.c.status == status)
        query = sa.select(EVENTS.c.id, EVENTS.c.error, EVENTS.c.finished_at, EVENTS.c.received_at).where(*mine)
        newest = connection.execute(query.order_by(EVENTS.c.id.desc()).limit(NEWEST_FAILURES))
        found += [(row.id, row.error) for row in newest if row.error and (row.finished_at or row.received_at) >= since]
    return [Failure(*one) for one in sorted(found, reverse=True)[:NEWEST_FAILURES]]


def failed_step(connection: sa.Connection, event_id: str) -> tuple[str, str] | None:
    """Return name and target of the step that failed last."""
    mine = (STEPS.c.event_id == event_id, STEPS.c.error_message.is_not(None))
    row = connection.execute(sa.select(STEPS.c.name, STEPS.c.target).where(*mine).order_by(STEPS.c.id.desc())).first()
    return (row.name, row.target) if row is not None else None


def _refused(connection: sa.Connection, integration_id: str, since: int) -> dict[str, int]:
    query = (
        sa.select(METRICS.c.name, sa.func.sum(METRICS.c.value))
        .where(
            METRICS.c.integration_id == integration_id,
            METRICS.c.minute >= since,
            METRICS.c.name.startswith(REJECTED, autoescape=True),
        )
        .group_by(METRICS.c.name)
    )
    return {name.removeprefix(REJECTED): round(value) for name, value in connection.execute(query)}


def _changes(connection: sa.Connection, integration_id: str, since: float) -> list[AuditEntry]:
    conditions: list[Any] = [AUDIT.c.integration_id == integration_id, AUDIT.c.at >= since]
    query = sa.select(AUDIT).where(*conditions).order_by(AUDIT.c.id.desc()).limit(20)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]
