"""Deleting what is older than it is to be kept, a bounded piece at a time: the writer is never held for long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage import gaps
from storage.dialect import for_update
from storage.events import BODIES, EFFECTS, EVENTS, RUNS, STEPS
from storage.jobs import JOBS, OPEN
from storage.logs import LOGS
from storage.metrics import METRICS, MINUTE
from storage.rollup import EVER, ROLLED, UNROLLED
from storage.webhook_log import LOG

ENDED = ("succeeded", "dead", "skipped", "discarded")
"""Statuses of events that nothing more happens to by itself."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one piece came to: how many rows were deleted, and where the next piece begins (None: nothing is left)."""

    deleted: int
    after: str | None


def owners(connection: sa.Connection) -> set[str]:
    """Return the ids of all integrations that have anything, also of those that are no more, and '' for unknown ones.

    A loose index scan on each table (https://wiki.postgresql.org/wiki/Loose_indexscan): one probe for each integration.
    """
    return {str(row[0]) for query in _OWNERS for row in connection.execute(query)}


def _owners_of(column: sa.Column[str]) -> sa.Select[tuple[str]]:
    chain = sa.select(sa.func.min(column).label("id")).cte("chain", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > chain.c.id).scalar_subquery()
    chain = chain.union_all(sa.select(following).where(chain.c.id.is_not(None)))
    return sa.select(chain.c.id).where(chain.c.id.is_not(None))


_OWNERS = [_owners_of(table.c.integration_id) for table in (METRICS, ROLLED, LOGS, LOG, EVENTS)]


def metrics(connection: sa.Connection, integration_id: str, before: float, *, limit: int) -> int:
    """Delete minutes of metrics that ended before that time, about `limit` rows of them; return how many rows.

    Those that are not rolled up yet stay until they are.
    """
    old = (METRICS.c.integration_id == integration_id, METRICS.c.minute <= int(before) - MINUTE, sa.not_(UNROLLED))
    return _oldest(connection, METRICS, METRICS.c.minute, old, limit)


def levels(connection: sa.Connection, integration_id: str, before: float, *, seconds: int, limit: int) -> int:
    """Delete hours or days of metrics (`seconds` long) that ended before that time; the rest as in `metrics`."""
    mine = (ROLLED.c.integration_id == integration_id, ROLLED.c.seconds == seconds)
    return _oldest(connection, ROLLED, ROLLED.c.start, (*mine, ROLLED.c.start <= int(before) - seconds), limit)


def counters(connection: sa.Connection, integration_id: str) -> int:
    """Delete the sums since ever of an integration that is no more, once nothing else of its metrics is left."""
    kept = sa.exists().where(METRICS.c.integration_id == integration_id)
    also = sa.exists().where(ROLLED.c.integration_id == integration_id, ROLLED.c.seconds != EVER)
    if connection.execute(sa.select(sa.or_(kept, also))).scalar_one():
        return 0
    return int(connection.execute(sa.delete(ROLLED).where(ROLLED.c.integration_id == integration_id)).rowcount)


def refusals(connection: sa.Connection, integration_id: str, before: float, *, limit: int) -> int:
    """Delete lines of the webhook log from before that time, about `limit` of them; return how many."""
    return _oldest(connection, LOG, LOG.c.at, (LOG.c.integration_id == integration_id, LOG.c.at < before), limit)


def lines(connection: sa.Connection, integration_id: str, before: float, *, limit: int) -> int:
    """Delete lines of the integration's log from before that time, at most `limit`; return how many.

    They are looked at in the order in which they were written, up to the first that is young enough.
    """
    query = sa.select(LOGS.c.id, LOGS.c.at).where(LOGS.c.integration_id == integration_id).order_by(LOGS.c.id)
    last = None
    for row in connection.execute(query.limit(limit)):
        if row.at >= before:
            break
        last = row.id
    if last is None:
        return 0
    gone = sa.delete(LOGS).where(LOGS.c.integration_id == integration_id, LOGS.c.id <= last)
    return int(connection.execute(gone).rowcount)


def events(connection: sa.Connection, integration_id: str, before: float, *, after: str, limit: int) -> Swept:
    """Look at the `limit` oldest events behind the id `after`, and delete those that ended before that time.

    With them go their bodies, steps, runs and effects. Nothing is deleted while a job is open that may take them up.
    """
    if connection.execute(_OPEN_JOB, {"integration": integration_id}).first() is not None:
        return Swept(0, None)
    query = (
        sa.select(EVENTS.c.id, EVENTS.c.status, EVENTS.c.received_at, EVENTS.c.finished_at)
        .where(EVENTS.c.integration_id == integration_id, EVENTS.c.id > after)
        .order_by(EVENTS.c.id)
    )
    looked_at = connection.execute(query.limit(limit)).all()
    ended = [row.id for row in looked_at if row.status in ENDED and (row.finished_at or row.received_at) < before]
    gone = _delete_events(connection, ended) if ended else 0
    if gone:
        gaps.mark(connection, integration_id, ended[-1])
    over = len(looked_at) < limit or looked_at[-1].received_at >= before  # ids are in the order of their receipt
    return Swept(gone, None if over else looked_at[-1].id)


_OPEN_JOB = (
    sa.select(JOBS.c.id)
    .where(
        sa.text(OPEN),
        sa.or_(JOBS.c.integration_id == sa.bindparam("integration"), JOBS.c.integration_id.is_(None)),
    )
    .limit(1)
)


def _delete_events(connection: sa.Connection, ids: list[str]) -> int:
    still = sa.select(EVENTS.c.id).where(EVENTS.c.id.in_(ids), EVENTS.c.status.in_(ENDED)).order_by(EVENTS.c.id)
    held = list(connection.execute(for_update(connection, still, skip_locked=True)).scalars())
    for table in (STEPS, EFFECTS, RUNS, BODIES):
        connection.execute(sa.delete(table).where(table.c.event_id.in_(held)))
    return int(connection.execute(sa.delete(EVENTS).where(EVENTS.c.id.in_(held))).rowcount)


def _oldest(
    connection: sa.Connection,
    table: sa.Table,
    time: sa.Column[Any],
    old: tuple[sa.ColumnElement[bool], ...],
    limit: int,
) -> int:
    """Delete the first of the rows that are `old`, up to the time of the one that is number `limit`."""
    last = connection.execute(sa.select(time).where(*old).order_by(time).offset(limit - 1).limit(1)).scalar()
    bounded = old if last is None else (*old, time <= last)
    return int(connection.execute(sa.delete(table).where(*bounded)).rowcount)
