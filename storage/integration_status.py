"""What an integration's status is told from: counts that are bounded by indexes, however many events there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.audit import AUDIT, AuditEntry
from storage.events import CLAIMABLE, EVENTS, TROUBLED, last_activity
from storage.gaps import check_of
from storage.integration_lists import activity
from storage.integrations import INTEGRATIONS
from storage.webhook_log import LOG

MOST_COUNTED = 10_000
"""No count goes beyond this."""
MOST_READ = 200
"""Of how many of the newest failures the reasons are read."""
NEWEST_EVENTS = 1_000
"""Of how many of the newest events the rate of errors is told."""
NEWEST_CHANGES = 200


@dataclass(frozen=True, slots=True)
class Failures:
    """Events that failed: how many, since when, and the newest reasons (`at`, JSON), newest first."""

    count: int
    since: float | None
    reasons: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that wait for a service."""

    service: str
    count: int
    since: float


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for a worker. `oldest`: when the oldest came. `late_since`: from when the first could have run."""

    depth: int
    oldest: float | None
    late_since: float | None
    in_flight: int


@dataclass(frozen=True, slots=True)
class Found:
    """Everything at one moment. `refused`: by reason. `recent`: the last hour's events by status."""

    dead: Failures
    failing: Failures
    waiting: Sequence[Waiting]
    queue: Queue
    refused: Mapping[str, int]
    recent: Mapping[str, int]
    last_activity: float | None
    changes: Sequence[AuditEntry]


def read(connection: sa.Connection, integration_id: str, *, hour_ago: float, first_of_hour: str) -> Found:
    """Return what there is of an integration; `first_of_hour`: what sorts before every event of the last hour."""
    return Found(
        dead=_failures(connection, _troubled(integration_id, "dead"), since=EVENTS.c.finished_at),
        failing=_failures(
            connection,
            _troubled(integration_id, "failed", EVENTS.c.waiting_for.is_(None)),
            since=EVENTS.c.received_at,
        ),
        waiting=_waiting(connection, integration_id),
        queue=_queue(connection, integration_id),
        refused=_refused(connection, integration_id, hour_ago),
        recent=_recent(connection, integration_id, first_of_hour),
        last_activity=activity(
            last_activity(connection, integration_id), check_of(connection, integration_id).event_mark
        ),
        changes=_changes(connection, integration_id),
    )


def in_trouble(connection: sa.Connection, integration_ids: Sequence[str], *, hour_ago: float, late: float) -> set[str]:
    """Return those that may have something wrong, by a few looks at indexes for each.

    That is: events that failed or are dead, or were due before `late`, or deliveries refused since `hour_ago`.
    """
    own = INTEGRATIONS.c.id
    failed = sa.select(1).where(sa.text(TROUBLED), EVENTS.c.integration_id == own)
    due = sa.select(1).where(sa.text(CLAIMABLE), EVENTS.c.integration_id == own, EVENTS.c.run_at < late)
    refused = sa.select(1).where(LOG.c.integration_id == own, LOG.c.at > hour_ago)
    any_of = sa.or_(
        failed.where(EVENTS.c.status == "dead").exists(),
        failed.where(EVENTS.c.status == "failed").exists(),
        due.exists(),
        refused.exists(),
    )
    return set(connection.execute(sa.select(own).where(own.in_(integration_ids), any_of)).scalars())


def _troubled(integration_id: str, status: str, *more: sa.ColumnElement[bool]) -> Sequence[Any]:
    # TROUBLED is said as the index says it: both databases take a partial index only where they can see that it fits.
    return [sa.text(TROUBLED), EVENTS.c.integration_id == integration_id, EVENTS.c.status == status, *more]


def _failures(connection: sa.Connection, which: Sequence[Any], *, since: sa.Column[Any]) -> Failures:
    oldest = sa.select(since.label("since")).where(*which).order_by(EVENTS.c.id).limit(MOST_COUNTED).subquery()
    row = connection.execute(sa.select(sa.func.count(), sa.func.min(oldest.c.since)).select_from(oldest)).one()
    newest = sa.select(EVENTS.c.finished_at, EVENTS.c.error).where(*which).order_by(EVENTS.c.id.desc())
    reasons = connection.execute(newest.limit(MOST_READ)).all() if row[0] else []
    return Failures(row[0], row[1], [(at or 0.0, error) for at, error in reasons if error])


def _waiting(connection: sa.Connection, integration_id: str) -> list[Waiting]:
    failed = (
        sa.select(EVENTS.c.waiting_for, EVENTS.c.received_at)
        .where(*_troubled(integration_id, "failed", EVENTS.c.waiting_for.is_not(None)))
        .order_by(EVENTS.c.id)
        .limit(MOST_COUNTED)
        .subquery()
    )
    query = sa.select(failed.c.waiting_for, sa.func.count(), sa.func.min(failed.c.received_at))
    rows = connection.execute(query.group_by(failed.c.waiting_for).order_by(failed.c.waiting_for))
    return [Waiting(*row) for row in rows]


def _queue(connection: sa.Connection, integration_id: str) -> Queue:
    due = (
        sa.select(EVENTS.c.received_at, EVENTS.c.run_at)
        .where(EVENTS.c.integration_id == integration_id, sa.text(CLAIMABLE))
        .order_by(EVENTS.c.run_at, EVENTS.c.id)
        .limit(MOST_COUNTED)
        .subquery()
    )
    row = connection.execute(
        sa.select(sa.func.count(), sa.func.min(due.c.received_at), sa.func.min(due.c.run_at)).select_from(due)
    ).one()
    # Of all that is in hand anywhere, which is never much: the integration's own events are many more.
    leased = sa.select(EVENTS.c.integration_id).where(EVENTS.c.lease_until > 0).limit(MOST_COUNTED)
    held = sum(owner == integration_id for owner in connection.execute(leased).scalars())
    return Queue(depth=row[0], oldest=row[1], late_since=row[2], in_flight=held)


def _refused(connection: sa.Connection, integration_id: str, hour_ago: float) -> dict[str, int]:
    query = (
        sa.select(LOG.c.reason, sa.func.sum(LOG.c.suppressed + 1))
        .where(LOG.c.integration_id == integration_id, LOG.c.at > hour_ago)
        .group_by(LOG.c.reason)
    )
    return {reason: int(count) for reason, count in connection.execute(query)}


def _recent(connection: sa.Connection, integration_id: str, first_of_hour: str) -> dict[str, int]:
    newest = (
        sa.select(EVENTS.c.status)
        .where(EVENTS.c.integration_id == integration_id, EVENTS.c.id >= first_of_hour)
        .order_by(EVENTS.c.id.desc())
        .limit(NEWEST_EVENTS)
        .subquery()
    )
    query = sa.select(newest.c.status, sa.func.count()).group_by(newest.c.status)
    return {status: count for status, count in connection.execute(query)}


def _changes(connection: sa.Connection, integration_id: str) -> list[AuditEntry]:
    query = sa.select(AUDIT).where(AUDIT.c.integration_id == integration_id).order_by(AUDIT.c.id.desc())
    return [AuditEntry(**row) for row in connection.execute(query.limit(NEWEST_CHANGES)).mappings()]
