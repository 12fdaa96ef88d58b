"""Calls of Claude: what is set aside for one while it is under way, and what it has cost, however it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import one_at_a_time
from storage.events import table

_BUDGETS_LOCK = 0x636362_72
"""Of PostgreSQL's advisory locks: budgets are looked at and reserved by one at a time."""


class Call(SQLModel, table=True):
    """One call, which is one row from before it is made until for ever, so that it is never counted twice."""

    __tablename__: ClassVar[str] = "request_calls"
    __table_args__ = (
        sa.Index("ix_request_calls_request", "request_id"),
        sa.Index("ix_request_calls_at", "at"),
    )

    id: str = Field(primary_key=True)
    request_id: str
    version: int
    """The request's, when it was made."""
    at: float
    person: str
    """Whose budget it is: the request's `asked_by`, or the id of who asked in Slack (`storage.spending.in_slack`)."""
    under_way: bool
    cost: float
    """USD: while it is under way the most that it can cost."""
    input_cost: float
    """USD that its input costs, about: what is counted when nothing is ever heard of it again."""
    estimated: bool
    """Claude's own counts of it never came, or not all of them."""


CALLS = table(Call)


def look_at_budgets(connection: sa.Connection, request_id: str, version: int, *, dead: float) -> None:
    """Begin to look at budgets: nobody else does until this transaction ends.

    Calls are over that this version of the request made before, or that were made before `dead`: their process died.
    """
    one_at_a_time(connection, _BUDGETS_LOCK)
    same = sa.and_(CALLS.c.request_id == request_id, CALLS.c.version == version)
    bury(connection, sa.or_(same, CALLS.c.at <= dead))


def bury(connection: sa.Connection, which: sa.ColumnElement[bool] | None = None) -> None:
    """Count what is known of calls (all of them) whose process died; one that answers all the same is settled then."""
    dead = sa.update(CALLS).where(CALLS.c.under_way, *([] if which is None else [which]))
    connection.execute(dead.values(under_way=False, cost=CALLS.c.input_cost, estimated=True))


def reserve(connection: sa.Connection, values: Mapping[str, Any]) -> None:
    """Set aside the `cost` of a call that is about to be made."""
    connection.execute(sa.insert(CALLS).values(under_way=True, estimated=False, **values))


def settle(connection: sa.Connection, call_id: str, *, cost: float, estimated: bool) -> None:
    """Write what a call has cost, whatever was thought of it before; one that has cost nothing is forgotten."""
    if not cost:
        connection.execute(sa.delete(CALLS).where(CALLS.c.id == call_id))
        return
    values = {"under_way": False, "cost": cost, "estimated": estimated}
    connection.execute(sa.update(CALLS).where(CALLS.c.id == call_id).values(**values))


def spent(
    connection: sa.Connection,
    *,
    request_id: str | None = None,
    person: str | None = None,
    since: float | None = None,
    before: float | None = None,
    estimated: bool = False,
) -> float:
    """Return the USD spent on a request, by a person, or in all, in a time; `estimated`: those of them alone."""
    conditions = [sa.not_(CALLS.c.under_way), *_of(request_id, person)]
    if since is not None:
        conditions.append(CALLS.c.at >= since)
    if before is not None:
        conditions.append(CALLS.c.at < before)
    if estimated:
        conditions.append(CALLS.c.estimated)
    return _sum(connection, conditions)


def reserved(connection: sa.Connection, *, request_id: str | None = None, person: str | None = None) -> float:
    """Return the USD that are set aside for calls under way."""
    return _sum(connection, [CALLS.c.under_way, *_of(request_id, person)])


def _of(request_id: str | None, person: str | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if request_id is not None:
        conditions.append(CALLS.c.request_id == request_id)
    if person is not None:
        conditions.append(CALLS.c.person == person)
    return conditions


def _sum(connection: sa.Connection, conditions: list[sa.ColumnElement[bool]]) -> float:
    query = sa.select(sa.func.coalesce(sa.func.sum(CALLS.c.cost), 0.0)).where(*conditions)
    return float(connection.execute(query).scalar_one())
