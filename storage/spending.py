"""What Claude has cost, as metrics ask: read from the rows of its answers, never counted apart from them."""

from __future__ import annotations

import math

import sqlalchemy as sa

from storage.requests import RESERVED, ROUNDS

_PAID = ROUNDS.c.round != RESERVED


def by_slot(
    connection: sa.Connection, *, integration_id: str | None, start: int, end: float, step: int
) -> dict[int, float]:
    """Return the USD of each slot of `step` seconds from `start` to `end` that has any; None: of all requests.

    `integration_id`: a request's id is that of the integration that comes of it.
    """
    slot = sa.cast(sa.func.floor((ROUNDS.c.at - start) / step), sa.Integer).label("slot")
    query = sa.select(slot, sa.func.sum(ROUNDS.c.cost)).where(_PAID, ROUNDS.c.at >= start, ROUNDS.c.at < math.ceil(end))
    if integration_id is not None:
        query = query.where(ROUNDS.c.request_id == integration_id)
    return {place: cost for place, cost in connection.execute(query.group_by(sa.literal_column("slot"))) if cost}


def totals(connection: sa.Connection) -> dict[str, float]:
    """Return the USD that each request has cost so far."""
    query = sa.select(ROUNDS.c.request_id, sa.func.sum(ROUNDS.c.cost)).where(_PAID).group_by(ROUNDS.c.request_id)
    return {request_id: cost for request_id, cost in connection.execute(query)}
