"""What has arrived, as the search for gaps asks: delivery ids, numbers of a sequence, times. All of it bounded."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from storage.accept import KEYS
from storage.events import BODIES, EVENTS

_MOST_AT_ONCE = 500
"""Values in one IN."""


def headers(connection: sa.Connection, integration_id: str, *, limit: int) -> list[tuple[str, str]]:
    """Return the newest events' ids and headers (JSON)."""
    newest = (
        sa.select(EVENTS.c.id)
        .where(EVENTS.c.integration_id == integration_id)
        .order_by(EVENTS.c.id.desc())
        .limit(limit)
        .subquery()
    )
    query = sa.select(BODIES.c.event_id, BODIES.c.headers).join(newest, newest.c.id == BODIES.c.event_id)
    return [(row.event_id, row.headers) for row in connection.execute(query.order_by(BODIES.c.event_id.desc()))]


def stored(connection: sa.Connection, integration_id: str, delivery_ids: Sequence[str], *, since: str) -> set[str]:
    """Return those of `delivery_ids` that came in; `since`: the event id from which to look.

    By the deduplication's keys first, which have an index. Of those that are not found (they expire) the events of the
    time in question are read once: an index on the delivery id would cost every delivery, and this is rare.
    """
    found: set[str] = set()
    for start in range(0, len(delivery_ids), _MOST_AT_ONCE):
        part = delivery_ids[start : start + _MOST_AT_ONCE]
        mine = (KEYS.c.integration_id == integration_id, KEYS.c.key.in_([f"d:{given}" for given in part]))
        found.update(key.removeprefix("d:") for key in connection.execute(sa.select(KEYS.c.key).where(*mine)).scalars())
    missing = set(delivery_ids) - found
    if missing:
        query = sa.select(EVENTS.c.delivery_id).where(EVENTS.c.integration_id == integration_id, EVENTS.c.id >= since)
        known = connection.execute(query).scalars()
        found.update(given for given in known if given in missing)
    return found


def newest_event(connection: sa.Connection, integration_id: str) -> tuple[str, float] | None:
    """Return the newest event's id, and when it was received."""
    query = sa.select(EVENTS.c.id, EVENTS.c.received_at).where(EVENTS.c.integration_id == integration_id)
    row = connection.execute(query.order_by(EVENTS.c.id.desc()).limit(1)).first()
    return (row.id, row.received_at) if row else None


def times(connection: sa.Connection, integration_id: str, *, since: str, limit: int) -> list[float]:
    """Return when the newest events, those from the id `since` on, were received; the oldest first."""
    query = sa.select(EVENTS.c.received_at).where(EVENTS.c.integration_id == integration_id, EVENTS.c.id >= since)
    return list(connection.execute(query.order_by(EVENTS.c.id.desc()).limit(limit)).scalars())[::-1]


def numbers(connection: sa.Connection, integration_id: str, *, after: str, limit: int) -> list[tuple[str, int]]:
    """Return the newest events that have a number, of those after the id `after`: id and number, the oldest first."""
    mine = (EVENTS.c.integration_id == integration_id, EVENTS.c.id > after, EVENTS.c.sequence.is_not(None))
    query = sa.select(EVENTS.c.id, EVENTS.c.sequence).where(*mine).order_by(EVENTS.c.id.desc()).limit(limit)
    return [(row.id, row.sequence) for row in connection.execute(query)][::-1]


def breaks(
    connection: sa.Connection, integration_id: str, *, above: int, since: str, limit: int
) -> tuple[list[tuple[int, int, float]], int | None]:
    """Return where the sequence jumps above the number `above`, lowest first, and the highest number.

    Each jump is the number before it, the number after it, and when the latter was received. `since`: the event id from
    which the present count runs.
    """
    mine = (EVENTS.c.integration_id == integration_id, EVENTS.c.sequence > above, EVENTS.c.id >= since)
    before = (
        sa.func.lag(EVENTS.c.sequence, 1, sa.literal(above, sa.BigInteger))
        .over(order_by=EVENTS.c.sequence)
        .label("before")
    )
    seen = sa.select(EVENTS.c.sequence, EVENTS.c.received_at, before).where(*mine).subquery()
    query = sa.select(seen.c.before, seen.c.sequence, seen.c.received_at).where(seen.c.sequence - seen.c.before > 1)
    found = connection.execute(query.order_by(seen.c.sequence).limit(limit)).all()
    highest = connection.execute(sa.select(sa.func.max(EVENTS.c.sequence)).where(*mine)).scalar()
    return [(row.before, row.sequence, row.received_at) for row in found], highest


def lowest(connection: sa.Connection, integration_id: str, *, most: int) -> int | None:
    """Return the lowest number among the `most` highest."""
    mine = (EVENTS.c.integration_id == integration_id, EVENTS.c.sequence.is_not(None))
    highest = sa.select(EVENTS.c.sequence).where(*mine).order_by(EVENTS.c.sequence.desc()).limit(most).subquery()
    found: int | None = connection.execute(sa.select(sa.func.min(highest.c.sequence))).scalar()
    return found


def between(connection: sa.Connection, integration_id: str, low: int, high: int, *, since: str) -> list[int]:
    """Return the numbers from `low` to `high` that came in since the event id `since`."""
    mine = (EVENTS.c.integration_id == integration_id, EVENTS.c.sequence.between(low, high), EVENTS.c.id >= since)
    return list(connection.execute(sa.select(EVENTS.c.sequence).where(*mine).distinct()).scalars())
