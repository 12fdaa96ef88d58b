"""What alert rules look at, of all integrations at once: a few queries, however many rules there are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from storage import audit, metrics, rollup, spending
from storage.audit import AUDIT, AuditEntry
from storage.events import EVENTS, STEPS, TROUBLED
from storage.integrations import INTEGRATIONS, OWN
from storage.metrics import METRICS, MINUTE, REJECTED
from storage.rollup import ALL, DAY, HOUR, ROLLED, Piece, split

SPENT = "claude_cost"
"""What is not counted: it is read from the calls of Claude themselves."""
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
class Kept:
    """Since when rows of minutes and of hours are kept; what is asked of before is read from longer ones."""

    minutes: float
    hours: float


EVERYTHING = Kept(0.0, 0.0)


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
    only: Collection[str] | None = None,
    step: int | None = None,
    kept: Kept = EVERYTHING,
) -> dict[int, Counts]:
    """Return what was counted from the minute `start` until `end`: together (as slot 0), or in slots of `step` seconds.

    `only`: of these integrations. Where nothing of a long range is asked minute by minute, hours and days are read; a
    step of whole hours begins with one.
    """
    found: dict[int, Counts] = defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(float))))
    counted = sorted(set(names) - {SPENT})
    for piece in pieces(connection, start, end, step, kept) if counted else ():
        for slot, owner, name, bucket, value in connection.execute(_query(piece, counted, start, step, only)):
            if owner != ALL:
                found[slot][owner][metrics.given(name)][bucket] += value
    if SPENT in names:
        for slot, owner, cost in spending.by_owner(connection, start=start, end=end, step=step, only=only):
            found[slot][owner][SPENT][0] += cost
    return found


def pieces(connection: sa.Connection, start: int, end: float, step: int | None, kept: Kept) -> list[Piece]:
    """Return what a range is read from: minutes alone where it is short or asked for by less than hours."""
    if end - start < 2 * HOUR or (step is not None and step % HOUR):
        return [Piece(MINUTE, start, math.ceil(end))]
    parts = split(start, end, rolled=rollup.until(connection), minutes_from=kept.minutes, hours_from=kept.hours)
    if step is None or step % DAY == 0:
        return parts
    # A day may lie in two slots: its hours are read.
    return [
        replace(piece, seconds=HOUR) if piece.seconds == DAY and piece.end > kept.hours else piece for piece in parts
    ]


def _query(
    piece: Piece, names: Sequence[str], start: int, step: int | None, only: Collection[str] | None
) -> sa.Select[Any]:
    rows = _rows(piece)
    at = METRICS.c.minute if piece.seconds == MINUTE else ROLLED.c.start
    slot = sa.literal(0).label("slot") if step is None else metrics.slot_of(at, start, step)
    conditions = [at >= piece.start, at < piece.end, metrics.chosen(rows.c.name, names)]
    if piece.seconds != MINUTE:
        conditions.append(ROLLED.c.seconds == piece.seconds)
    if only is not None:
        conditions.append(rows.c.integration_id.in_(list(only)))
    key = (rows.c.integration_id, rows.c.name, rows.c.bucket)
    query = sa.select(slot, *key, sa.func.sum(rows.c.value)).where(*conditions)
    return query.group_by(*key, *([sa.literal_column("slot")] if step is not None else []))


class Cell(NamedTuple):
    """What one row of `seconds` from `start` on holds under a name, in a bucket."""

    start: int
    seconds: int
    name: str
    bucket: int
    value: float


def rows_of(
    connection: sa.Connection, integration_id: str, names: Collection[str], parts: Sequence[Piece]
) -> list[Cell]:
    """Return what was counted of one integration row by row, the oldest first."""
    counted = sorted(set(names) - {SPENT})
    found: list[Cell] = []
    for piece in parts if counted else ():
        query = _by_row(piece, integration_id).where(metrics.chosen(_rows(piece).c.name, counted))
        for at, name, bucket, value in connection.execute(query):
            found.append(Cell(at, piece.seconds, metrics.given(name), bucket, value))
    if SPENT in names and parts:
        start, end = parts[0].start, parts[-1].end
        spent = spending.by_owner(connection, start=start, end=end, step=MINUTE, only=[integration_id])
        found += [Cell(start + slot * MINUTE, MINUTE, SPENT, 0, cost) for slot, _, cost in spent]
        found.sort(key=lambda cell: cell.start)
    return found


def by_hour(start: int, minutes_from: int, end: int, hours_from: float) -> list[Piece]:
    """Return a range in hours until `minutes_from`, and in minutes after it; before `hours_from`, in days. Pure."""
    if start >= minutes_from:
        return [Piece(MINUTE, start, end)]
    border = min(math.ceil(hours_from / DAY) * DAY, minutes_from) if start < hours_from else start
    parts = [
        Piece(DAY, rollup.floor(start, DAY), border) if border > start else None,
        Piece(HOUR, rollup.floor(border, HOUR), minutes_from),
        Piece(MINUTE, minutes_from, end),
    ]
    return [part for part in parts if part is not None and part.start < part.end]


def _rows(piece: Piece) -> sa.Table:
    return METRICS if piece.seconds == MINUTE else ROLLED


def _by_row(piece: Piece, integration_id: str) -> sa.Select[Any]:
    rows = _rows(piece)
    at = METRICS.c.minute if piece.seconds == MINUTE else ROLLED.c.start
    conditions = [rows.c.integration_id == integration_id, at >= piece.start, at < piece.end]
    if piece.seconds != MINUTE:
        conditions.append(ROLLED.c.seconds == piece.seconds)
    key = (at, rows.c.name, rows.c.bucket)
    return sa.select(*key, sa.func.sum(rows.c.value)).where(*conditions).group_by(*key).order_by(at)


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
    mine = [AuditEntry(**row) for row in connection.execute(query).mappings()]
    started = audit.deployments(connection, since=since, limit=20)
    return sorted([*mine, *started], key=lambda entry: entry.at, reverse=True)[:20]
