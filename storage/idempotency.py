"""Answers kept under the Idempotency-Key that their requests came with."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import for_update, upsert
from storage.events import table


class Kept(SQLModel, table=True):
    """A request that was begun, or its answer. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "idempotency_keys"
    __table_args__ = (sa.Index("ix_idempotency_keys_expires", "expires_at"),)

    scope: str = Field(primary_key=True)
    """Whose key it is: the caller's id; `slack` for events from Slack, `slack-left` for answers still to be sent."""
    key: str = Field(primary_key=True)
    fingerprint: str
    """Encrypted, so different each time: a digest of the request, and the token of whoever works on it."""
    status: int | None = None
    """None while the request is worked on; `expires_at` is then the end of its lease."""
    response: str | None = None
    """Encrypted JSON: the answer may hold a secret that is shown once."""
    created_at: float
    expires_at: float


KEYS = table(Kept)


def claim(connection: sa.Connection, wanted: Kept) -> Kept | None:
    """Begin a request (`wanted`, whose `created_at` is now); return what is kept under its key already, if anything.

    What has expired, an answer or the lease of a request that a crash ended, is taken over.
    """
    values = wanted.model_dump()
    taken = (
        upsert(connection, KEYS)
        .values(**values)
        .on_conflict_do_update(
            index_elements=[KEYS.c.scope, KEYS.c.key], set_=values, where=KEYS.c.expires_at <= wanted.created_at
        )
        .returning(KEYS.c.fingerprint)
    )
    if connection.execute(taken).first() is not None:
        return None
    found = sa.select(KEYS).where(KEYS.c.scope == wanted.scope, KEYS.c.key == wanted.key)
    return Kept(**connection.execute(found).mappings().one())


def keep(connection: sa.Connection, claimed: Kept, *, status: int, response: str, expires_at: float) -> bool:
    """Keep the answer to a request; return False when its lease has gone to another."""
    values = {"status": status, "response": response, "expires_at": expires_at}
    return bool(connection.execute(sa.update(KEYS).where(*_held(claimed)).values(**values)).rowcount)


def renew(connection: sa.Connection, claimed: Kept, expires_at: float) -> None:
    """Go on holding a request that is still worked on."""
    connection.execute(sa.update(KEYS).where(*_held(claimed)).values(expires_at=expires_at))


def release(connection: sa.Connection, claimed: Kept) -> None:
    """Forget a request that left nothing to keep."""
    connection.execute(sa.delete(KEYS).where(*_held(claimed)))


def take(connection: sa.Connection, scope: str, now: float) -> list[Kept]:
    """Delete all that is kept of a scope; return what has not expired, the oldest first."""
    query = for_update(connection, sa.select(KEYS).where(KEYS.c.scope == scope).order_by(KEYS.c.key), skip_locked=True)
    found = [Kept(**row) for row in connection.execute(query).mappings()]
    connection.execute(sa.delete(KEYS).where(KEYS.c.scope == scope, KEYS.c.key.in_([one.key for one in found])))
    return [one for one in found if one.expires_at > now]


def forget(connection: sa.Connection, now: float, limit: int = 1000) -> int:
    """Delete what has expired, at most `limit` rows; return how many they were."""
    old = sa.select(KEYS.c.scope, KEYS.c.key).where(KEYS.c.expires_at <= now).limit(limit)
    rows = sa.delete(KEYS).where(sa.tuple_(KEYS.c.scope, KEYS.c.key).in_(old))
    return connection.execute(rows).rowcount


def _held(claimed: Kept) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        KEYS.c.scope == claimed.scope,
        KEYS.c.key == claimed.key,
        KEYS.c.fingerprint == claimed.fingerprint,
        KEYS.c.status.is_(None),
    )
