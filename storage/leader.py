"""The leader row: one scheduler among many nodes, by a lease that expires and a fencing token that only grows."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import upsert
from storage.events import table

SCHEDULER = "scheduler"
"""The duty of running the jobs."""


class Leader(SQLModel, table=True):
    """Who holds a duty, and until when."""

    __tablename__: ClassVar[str] = "leaders"

    duty: str = Field(primary_key=True)
    holder: str
    token: int
    expires_at: float


LEADERS = table(Leader)


def campaign(connection: sa.Connection, *, duty: str, holder: str, now: float, expires_at: float) -> int | None:
    """Take or keep `duty`; return the fencing token, which grows with each new holder, or None if another holds it."""
    insert = upsert(connection, LEADERS).values(duty=duty, holder=holder, token=1, expires_at=expires_at)
    mine = LEADERS.c.holder == holder
    statement = insert.on_conflict_do_update(
        index_elements=[LEADERS.c.duty],
        set_={
            "holder": holder,
            "expires_at": expires_at,
            "token": LEADERS.c.token + sa.case((mine, 0), else_=1),
        },
        where=sa.or_(mine, LEADERS.c.expires_at <= now),
    ).returning(LEADERS.c.token)
    token: int | None = connection.execute(statement).scalar()
    return token


def resign(connection: sa.Connection, *, duty: str, holder: str) -> None:
    """Let go of `duty`, so that another can take it at once."""
    connection.execute(
        sa.update(LEADERS).where(LEADERS.c.duty == duty, LEADERS.c.holder == holder).values(expires_at=0)
    )


def current(connection: sa.Connection, duty: str) -> Leader | None:
    """Return who holds `duty`, or held it last."""
    row = connection.execute(sa.select(LEADERS).where(LEADERS.c.duty == duty)).mappings().first()
    return Leader(**row) if row else None
