"""How the queue stands: counts that stop at a limit, so that asking costs the same whatever waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.event_list import TROUBLES
from storage.events import CLAIMABLE, EVENTS, TROUBLED
from storage.integrations import INTEGRATIONS

COUNTED = 10_000
"""A count that reaches it means that many or more."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the queue of an integration (or of all) stands. Times are seconds since the epoch."""

    queued: int
    processing: int
    troubles: dict[str, int]
    waiting_for: dict[str, int]
    oldest: float | None
    """Since when the queued event waits that has waited longest."""
    next_attempt: float | None
    """When the next event that failed is tried again."""


def standing(connection: sa.Connection, *, now: float, integration_id: str | None = None) -> Standing:
    """Return how the queue of an integration, or of all, stands."""
    ids = [integration_id] if integration_id is not None else _integrations(connection)
    return Standing(
        queued=_count(connection, queued(now, integration_id)),
        processing=_count(connection, processing(integration_id)),
        troubles={status: _count(connection, troubled(status, integration_id)) for status in TROUBLES},
        waiting_for=_waiting_for(connection, integration_id),
        oldest=_least(connection, [first_queued(now, one) for one in ids]),
        next_attempt=_least(connection, [next_attempt(now, one) for one in ids]),
    )


@dataclass(frozen=True, slots=True)
class Share:
    """What of the queue is one integration's. `waits`: queued, or to be tried again."""

    integration_id: str
    waits: int
    failed: int
    dead: int


def shares(connection: sa.Connection, *, most: int) -> list[Share]:
    """Return the integrations that have most in the queue or dead, of the first `COUNTED` of each kind."""
    kinds = {
        "waits": sa.select(EVENTS.c.integration_id)
        .where(sa.text(CLAIMABLE))
        .order_by(EVENTS.c.integration_id)
        .limit(COUNTED),
        "failed": _troubled_owners("failed"),
        "dead": _troubled_owners("dead"),
    }
    counts: dict[str, dict[str, int]] = {}
    for kind, query in kinds.items():
        among = query.subquery()
        grouped = sa.select(among.c.integration_id, sa.func.count()).group_by(among.c.integration_id)
        for owner, count in connection.execute(grouped):
            counts.setdefault(owner, dict.fromkeys(kinds, 0))[kind] = count
    found = [Share(owner, **each) for owner, each in counts.items()]
    return sorted(found, key=lambda share: (-share.dead - share.failed, -share.waits, share.integration_id))[:most]


def any_paused(connection: sa.Connection) -> bool:
    """Say whether any integration is paused."""
    paused = sa.select(INTEGRATIONS.c.id).where(INTEGRATIONS.c.status == "paused")
    return connection.execute(paused.limit(1)).first() is not None


def queued(now: float, integration_id: str | None) -> sa.Select[Any]:
    """Return the query for events that may run now: of the first `COUNTED` that are due, those that never failed."""
    due = _of(sa.select(EVENTS.c.id, EVENTS.c.status), integration_id)
    due = due.where(sa.text(CLAIMABLE), EVENTS.c.run_at <= now).order_by(EVENTS.c.integration_id, EVENTS.c.run_at)
    among = due.limit(COUNTED).subquery()
    return sa.select(among.c.id).where(among.c.status == "queued")


def processing(integration_id: str | None) -> sa.Select[Any]:
    """Return the query for events that a worker holds: no more than all workers have places."""
    held = sa.select(EVENTS.c.id, EVENTS.c.integration_id).where(EVENTS.c.lease_until.is_not(None))
    among = held.order_by(EVENTS.c.lease_until).limit(COUNTED).subquery()
    found = sa.select(among.c.id)
    return found if integration_id is None else found.where(among.c.integration_id == integration_id)


def troubled(status: str, integration_id: str | None) -> sa.Select[Any]:
    """Return the query for events that failed, are dead or discarded."""
    found = _of(sa.select(EVENTS.c.id), integration_id).where(sa.text(TROUBLED), EVENTS.c.status == status)
    return found.order_by(EVENTS.c.id).limit(COUNTED)


def waiting(integration_id: str | None) -> sa.Select[Any]:
    """Return the query for events that wait for a service: of the first `COUNTED`, those of the integration."""
    found = sa.select(EVENTS.c.waiting_for, EVENTS.c.integration_id).where(EVENTS.c.waiting_for.is_not(None))
    among = found.order_by(EVENTS.c.waiting_for).limit(COUNTED).subquery()
    counted = sa.select(among.c.waiting_for, sa.func.count()).group_by(among.c.waiting_for)
    return counted if integration_id is None else counted.where(among.c.integration_id == integration_id)


def first_queued(now: float, integration_id: str) -> sa.Select[Any]:
    """Return the query for the time since which an integration's oldest queued event waits."""
    due = sa.select(EVENTS.c.run_at, EVENTS.c.status).where(
        EVENTS.c.integration_id == integration_id, sa.text(CLAIMABLE), EVENTS.c.run_at <= now
    )
    among = due.order_by(EVENTS.c.run_at).limit(COUNTED).subquery()
    return sa.select(sa.func.min(among.c.run_at)).where(among.c.status == "queued")


def next_attempt(now: float, integration_id: str) -> sa.Select[Any]:
    """Return the query for the time of an integration's next retry."""
    later = sa.select(EVENTS.c.run_at).where(
        EVENTS.c.integration_id == integration_id, sa.text(CLAIMABLE), EVENTS.c.run_at > now
    )
    return later.order_by(EVENTS.c.run_at).limit(1)


def _troubled_owners(status: str) -> sa.Select[Any]:
    return sa.select(EVENTS.c.integration_id).where(sa.text(TROUBLED), EVENTS.c.status == status).limit(COUNTED)


def _of(query: sa.Select[Any], integration_id: str | None) -> sa.Select[Any]:
    return query if integration_id is None else query.where(EVENTS.c.integration_id == integration_id)


def _integrations(connection: sa.Connection) -> list[str]:
    return list(connection.execute(sa.select(INTEGRATIONS.c.id)).scalars())


def _count(connection: sa.Connection, query: sa.Select[Any]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one())


def _waiting_for(connection: sa.Connection, integration_id: str | None) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(waiting(integration_id))}


def _least(connection: sa.Connection, queries: Sequence[sa.Select[Any]]) -> float | None:
    found = [connection.execute(query).scalar() for query in queries]
    return min((at for at in found if at is not None), default=None)
