"""API keys: who may call, and what they may do. Of the key itself only the SHA-256 is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.dialect import upsert
from storage.events import table


class ApiKeyRow(SQLModel, table=True):
    """One key. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "api_keys"

    id: str = Field(primary_key=True)
    name: str
    hash: str = Field(unique=True)
    """SHA-256 of the key in hexadecimal: 256 random bits need no slow hash and no salt."""
    prefix: str
    """The first characters, by which people recognise a key in a list."""
    permissions: str
    """JSON list."""
    created_at: float
    created_by: str
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None
    former_hash: str | None = Field(default=None, index=True)
    """Of the key's text before its last rotation, good until `former_until`."""
    former_until: float | None = None
    origin: str
    """`made` here, or `environment` for the one from CCB_ADMIN_KEY."""


KEYS = table(ApiKeyRow)


def add(connection: sa.Connection, row: Mapping[str, Any], entry: Mapping[str, Any] | None = None) -> None:
    """Store a new key, and the audit's `entry`."""
    connection.execute(sa.insert(KEYS).values(**row))
    if entry is not None:
        audit.add(connection, entry)


def get(connection: sa.Connection, key_id: str) -> ApiKeyRow | None:
    """Return a key by its id."""
    return _first(connection, KEYS.c.id == key_id)


def by_hash(connection: sa.Connection, hashed: str) -> ApiKeyRow | None:
    """Return the key whose text, or whose text before its last rotation, has this hash."""
    return _first(connection, sa.or_(KEYS.c.hash == hashed, KEYS.c.former_hash == hashed))


def all_of_them(connection: sa.Connection) -> Sequence[ApiKeyRow]:
    """Return every key, newest first."""
    rows = connection.execute(sa.select(KEYS).order_by(KEYS.c.id.desc())).mappings()
    return [ApiKeyRow(**row) for row in rows]


def change(
    connection: sa.Connection, key_id: str, values: Mapping[str, Any], entry: Mapping[str, Any]
) -> ApiKeyRow | None:
    """Set columns of a key that is not revoked, and keep the audit's `entry` if it was not.

    Returns the key as it then is, or None when there is no such key.
    """
    statement = sa.update(KEYS).where(KEYS.c.id == key_id, KEYS.c.revoked_at.is_(None))
    if connection.execute(statement.values(**values)).rowcount:
        audit.add(connection, entry)
    return get(connection, key_id)


def touch(connection: sa.Connection, key_id: str, *, now: float, unless_since: float) -> None:
    """Note that the key was used, unless that was noted after `unless_since` already."""
    unused = sa.or_(KEYS.c.last_used_at.is_(None), KEYS.c.last_used_at <= unless_since)
    connection.execute(sa.update(KEYS).where(KEYS.c.id == key_id, unused).values(last_used_at=now))


def put_environment(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Make `row` the one key of the environment: the former is revoked, the same one is made usable again."""
    revoke_environment(connection, now=row["created_at"], but=row["hash"])
    again = {name: row[name] for name in ("name", "permissions", "origin")}
    connection.execute(
        upsert(connection, KEYS)
        .values(**row)
        .on_conflict_do_update(index_elements=[KEYS.c.hash], set_={**again, "expires_at": None, "revoked_at": None})
    )


def revoke_environment(connection: sa.Connection, *, now: float, but: str = "") -> None:
    """Revoke the keys that came from the environment, except the one with the hash `but`."""
    former = (KEYS.c.origin == "environment", KEYS.c.revoked_at.is_(None), KEYS.c.hash != but)
    connection.execute(sa.update(KEYS).where(*former).values(revoked_at=now))


def add_unless_admin(connection: sa.Connection, row: Mapping[str, Any]) -> bool:
    """Store `row` unless a usable admin key is there (at the row's `created_at`); say whether it was stored."""
    now = row["created_at"]
    usable = sa.select(KEYS.c.id).where(
        KEYS.c.revoked_at.is_(None),
        sa.or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > now),
        KEYS.c.permissions.contains('"admin"', autoescape=True),
    )
    if connection.execute(usable.limit(1)).first() is not None:
        return False
    add(connection, row)
    return True


def _first(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> ApiKeyRow | None:
    row = connection.execute(sa.select(KEYS).where(condition)).mappings().first()
    return ApiKeyRow(**row) if row else None
