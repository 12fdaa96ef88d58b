"""What Claude has cost, as metrics and people ask: read from the rows of its calls, never counted apart from them."""

from __future__ import annotations

import math
from collections.abc import Collection

import sqlalchemy as sa

from storage.calls import CALLS
from storage.requests import REQUESTS

_PAID = sa.not_(CALLS.c.under_way)
_SLACK = "slack:"


def in_slack(user: str) -> str:
    """Return what stands for somebody in Slack as a call's `person`; `user`: their id there."""
    return _SLACK + user


def by_slot(
    connection: sa.Connection, *, integration_id: str | None, start: int, end: float, step: int
) -> dict[int, float]:
    """Return the USD of each slot of `step` seconds from `start` to `end` that has any; None: of all requests.

    `integration_id`: a request's id is that of the integration that comes of it.
    """
    slot = sa.cast(sa.func.floor((CALLS.c.at - start) / step), sa.Integer).label("slot")
    query = sa.select(slot, sa.func.sum(CALLS.c.cost)).where(_PAID, CALLS.c.at >= start, CALLS.c.at < math.ceil(end))
    if integration_id is not None:
        query = query.where(CALLS.c.request_id == integration_id)
    return {place: cost for place, cost in connection.execute(query.group_by(sa.literal_column("slot"))) if cost}


def by_owner(
    connection: sa.Connection, *, start: int, end: float, step: int | None, only: Collection[str] | None
) -> list[tuple[int, str, float]]:
    """Return slot (of `step` seconds; 0 without one), request and USD, of these requests or of all."""
    slot = sa.literal(0) if step is None else sa.cast(sa.func.floor((CALLS.c.at - start) / step), sa.Integer)
    query = sa.select(slot.label("slot"), CALLS.c.request_id, sa.func.sum(CALLS.c.cost))
    query = query.where(_PAID, CALLS.c.at >= start, CALLS.c.at < math.ceil(end))
    if only is not None:
        query = query.where(CALLS.c.request_id.in_(list(only)))
    groups = [CALLS.c.request_id, *([sa.literal_column("slot")] if step is not None else [])]
    return [(place, owner, cost) for place, owner, cost in connection.execute(query.group_by(*groups)) if cost]


def totals(connection: sa.Connection) -> dict[str, float]:
    """Return the USD that each request has cost so far."""
    query = sa.select(CALLS.c.request_id, sa.func.sum(CALLS.c.cost)).where(_PAID).group_by(CALLS.c.request_id)
    return {request_id: cost for request_id, cost in connection.execute(query)}


def by_person(connection: sa.Connection, *, since: float, limit: int) -> list[tuple[str, float]]:
    """Return who has spent USD since a time, by name, and how many, the most first.

    Somebody in Slack has the name of their newest request.
    """
    cost = sa.func.sum(CALLS.c.cost)
    query = sa.select(CALLS.c.person, cost).where(_PAID, CALLS.c.at >= since)
    found = connection.execute(query.group_by(CALLS.c.person).order_by(cost.desc(), CALLS.c.person).limit(limit))
    return [(_name(connection, str(person)), float(spent)) for person, spent in found]


def _name(connection: sa.Connection, person: str) -> str:
    if not person.startswith(_SLACK):
        return person
    query = sa.select(REQUESTS.c.asked_by).join_from(CALLS, REQUESTS, REQUESTS.c.id == CALLS.c.request_id)
    named = connection.execute(query.where(CALLS.c.person == person).order_by(CALLS.c.at.desc()).limit(1)).scalar()
    return str(named or person.removeprefix(_SLACK))


def by_request(connection: sa.Connection, *, since: float, limit: int) -> list[tuple[str, str, float, int]]:
    """Return the requests that cost most since a time: id, title, USD, calls."""
    cost = sa.func.sum(CALLS.c.cost)
    query = sa.select(REQUESTS.c.id, REQUESTS.c.title, cost, sa.func.count())
    query = query.join_from(CALLS, REQUESTS, REQUESTS.c.id == CALLS.c.request_id)
    query = query.where(_PAID, CALLS.c.at >= since).group_by(REQUESTS.c.id, REQUESTS.c.title)
    found = connection.execute(query.order_by(cost.desc(), REQUESTS.c.id).limit(limit))
    return [(str(one), str(title), float(spent), int(calls)) for one, title, spent, calls in found]
