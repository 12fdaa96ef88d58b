"""Accepting deliveries: duplicates are decided inside the insert, so that two of a kind can never both get in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from storage import bulk, metrics
from storage.dialect import announce
from storage.events import BODIES, EVENTS, Deduplication, table

KEYS = table(Deduplication)

_CLAIM_KEYS = bulk.insert(
    KEYS, "integration_id", "key", "event_id", "expires_at",
    ending="ON CONFLICT (integration_id, key) DO UPDATE SET event_id = excluded.event_id, "
    "expires_at = excluded.expires_at WHERE deduplication.expires_at <= {value} RETURNING integration_id, key",
)  # fmt: skip
_INSERT_EVENTS = bulk.insert(
    EVENTS, "id", "integration_id", "type", "delivery_id", "status", "received_at", "remote", "size", "intake",
    "run_at", "duplicates", "run", "attempt", "sequence",
)  # fmt: skip
_INSERT_BODIES = bulk.insert(BODIES, "event_id", "headers", "body")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified delivery about to be stored.

    `keys`: what it is recognised by (its delivery id, a key of its payload); none means that it is never a duplicate.
    `expires_at`: until when the keys are remembered. `counted`: whether it goes into the metrics. `sequence`: the
    number that its sender counts by.
    """

    id: str
    integration_id: str
    type: str
    delivery_id: str | None
    status: str
    received_at: float
    remote: str
    headers: str
    body: bytes
    intake: str
    keys: tuple[str, ...]
    expires_at: float
    counted: bool = True
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where a delivery went: a new event, or the one that it repeats."""

    event_id: str
    duplicate: bool


Key = tuple[str, str]


def accept(connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[Accepted]:
    """Store each arrival that is the first of its kind; answer with the event that stands for it."""
    claimed: dict[Key, Arrival] = {}
    twins: dict[str, str] = {}  # arrival → the earlier one of this very group that has one of its keys
    for arrival in arrivals:
        keys = [(arrival.integration_id, key) for key in arrival.keys]
        earlier = next((claimed[key].id for key in keys if key in claimed), None)
        if earlier is None:
            claimed.update((key, arrival) for key in keys)
        else:
            twins[arrival.id] = earlier
    first = _claim_keys(connection, claimed) if claimed else {}
    fresh = [a for a in arrivals if a.id not in twins and a.id not in first]
    if fresh:
        _insert(connection, fresh)
        announce(connection, "events")
    accepted = [_stands_for(arrival.id, twins, first) for arrival in arrivals]
    repeated = [a.event_id for a in accepted if a.duplicate]
    if repeated:
        _count(connection, repeated)
    metrics.add(connection, _counts(arrivals, accepted))
    return accepted


def _counts(arrivals: Sequence[Arrival], accepted: Sequence[Accepted]) -> metrics.Counts:
    counts: metrics.Counts = {}
    for arrival, outcome in zip(arrivals, accepted, strict=True):
        if arrival.counted:
            name = "duplicates" if outcome.duplicate else "received"
            metrics.count(counts, arrival.integration_id, arrival.received_at, name)
            if arrival.status == "skipped" and not outcome.duplicate:
                metrics.count(counts, arrival.integration_id, arrival.received_at, "skipped")
    return counts


def _stands_for(arrival_id: str, twins: dict[str, str], first: dict[str, str]) -> Accepted:
    own = twins.get(arrival_id, arrival_id)
    event_id = first.get(own, own)
    return Accepted(event_id, event_id != arrival_id)


def _claim_keys(connection: sa.Connection, claimed: dict[Key, Arrival]) -> dict[str, str]:
    """Take each key that is free or expired; return, for each arrival that lost one, the event it repeats."""
    rows = [
        (integration, key, a.id, a.expires_at)
        for (integration, key), a in sorted(claimed.items())  # one order on all nodes: no deadlock
    ]
    now = min(a.received_at for a in claimed.values())
    won = _CLAIM_KEYS(connection, rows, now)
    lost = claimed.keys() - {(row[0], row[1]) for row in won}
    return _first_of(connection, lost, claimed) if lost else {}


def _first_of(connection: sa.Connection, lost: Iterable[Key], claimed: dict[Key, Arrival]) -> dict[str, str]:
    first: dict[str, str] = {}
    for integration, key in lost:
        found = connection.execute(
            sa.select(KEYS.c.event_id).where(KEYS.c.integration_id == integration, KEYS.c.key == key)
        ).scalar_one()
        first.setdefault(claimed[integration, key].id, found)
    for (integration, key), arrival in claimed.items():  # a key that only the repeat had now means the first one too
        if arrival.id in first and (integration, key) not in lost:
            connection.execute(
                sa.update(KEYS)
                .where(KEYS.c.integration_id == integration, KEYS.c.key == key)
                .values(event_id=first[arrival.id])
            )
    return first


def _insert(connection: sa.Connection, fresh: Sequence[Arrival]) -> None:
    _INSERT_EVENTS(
        connection,
        [
            (
                a.id, a.integration_id, a.type, a.delivery_id, a.status, a.received_at, a.remote, len(a.body), a.intake,
                a.received_at if a.status == "queued" else None, 0, 1, 0, a.sequence,
            )
            for a in fresh
        ],
    )  # fmt: skip
    _INSERT_BODIES(connection, [(a.id, a.headers, a.body) for a in fresh])


def _count(connection: sa.Connection, event_ids: Sequence[str]) -> None:
    counts: dict[str, int] = {}
    for event_id in event_ids:
        counts[event_id] = counts.get(event_id, 0) + 1
    for event_id, count in counts.items():
        connection.execute(
            sa.update(EVENTS).where(EVENTS.c.id == event_id).values(duplicates=EVENTS.c.duplicates + count)
        )


def forget(connection: sa.Connection, now: float, *, limit: int = 10_000) -> int:
    """Delete expired keys, at most `limit` at a time; return how many."""
    expired = sa.select(KEYS.c.integration_id, KEYS.c.key).where(KEYS.c.expires_at <= now).limit(limit).subquery()
    result = connection.execute(
        sa.delete(KEYS).where(
            sa.tuple_(KEYS.c.integration_id, KEYS.c.key).in_(sa.select(expired.c.integration_id, expired.c.key))
        )
    )
    return int(result.rowcount)
