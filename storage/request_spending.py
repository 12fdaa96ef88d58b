"""What requests have cost: by person, by request."""

from __future__ import annotations

import sqlalchemy as sa

from storage.requests import REQUESTS, RESERVED, ROUNDS


def spent_by_person(connection: sa.Connection, *, since: float, limit: int) -> list[tuple[str, float]]:
    """Return who has spent USD since a time, and how many, the most first."""
    cost = sa.func.sum(ROUNDS.c.cost)
    query = sa.select(ROUNDS.c.person, cost).where(ROUNDS.c.round != RESERVED, ROUNDS.c.at >= since)
    found = connection.execute(query.group_by(ROUNDS.c.person).order_by(cost.desc(), ROUNDS.c.person).limit(limit))
    return [(str(person), float(spent)) for person, spent in found]


def spent_by_request(connection: sa.Connection, *, since: float, limit: int) -> list[tuple[str, str, float, int]]:
    """Return the requests that cost most since a time: id, title, USD, rounds."""
    cost = sa.func.sum(ROUNDS.c.cost)
    query = sa.select(REQUESTS.c.id, REQUESTS.c.title, cost, sa.func.count())
    query = query.join_from(ROUNDS, REQUESTS, REQUESTS.c.id == ROUNDS.c.request_id)
    query = query.where(ROUNDS.c.round != RESERVED, ROUNDS.c.at >= since).group_by(REQUESTS.c.id, REQUESTS.c.title)
    found = connection.execute(query.order_by(cost.desc(), REQUESTS.c.id).limit(limit))
    return [(str(one), str(title), float(spent), int(rounds)) for one, title, spent, rounds in found]
