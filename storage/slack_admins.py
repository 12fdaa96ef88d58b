"""Who became an admin by a start-up code, and the codes that nobody has used yet (only their hashes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.events import table


class SlackAdmin(SQLModel, table=True):
    """A Slack user who claimed to be the first admin."""

    __tablename__: ClassVar[str] = "slack_admins"

    user_id: str = Field(primary_key=True)
    name: str
    claimed_at: float


class ClaimCode(SQLModel, table=True):
    """A code that a start printed. Each node prints its own; one that is used ends all of them."""

    __tablename__: ClassVar[str] = "claim_codes"

    hash: str = Field(primary_key=True)
    """SHA-256 of the code in hexadecimal: its random bits need no slow hash and no salt."""
    expires_at: float


ADMINS = table(SlackAdmin)
CODES = table(ClaimCode)


def all_of_them(connection: sa.Connection) -> frozenset[str]:
    """Return the ids of those who claimed."""
    return frozenset(connection.execute(sa.select(ADMINS.c.user_id)).scalars())


def offer(connection: sa.Connection, hashed: str, *, now: float, expires_at: float) -> bool:
    """Keep a new code unless somebody has claimed already; say whether it was kept. Drops what has expired."""
    connection.execute(sa.delete(CODES).where(CODES.c.expires_at <= now))
    if connection.execute(sa.select(ADMINS.c.user_id).limit(1)).first() is not None:
        return False
    connection.execute(sa.insert(CODES).values(hash=hashed, expires_at=expires_at))
    return True


def claim(
    connection: sa.Connection, hashed: str, *, row: Mapping[str, Any], now: float, entry: Mapping[str, Any]
) -> bool:
    """Make `row` an admin if the code is good, end all codes, keep the audit's `entry`; say whether it was good."""
    # In one order, so that two who claim at once wait for each other: the second finds nothing left.
    codes = connection.execute(sa.select(CODES).order_by(CODES.c.hash).with_for_update()).mappings().all()
    if not any(code["hash"] == hashed and code["expires_at"] > now for code in codes):
        return False
    connection.execute(sa.delete(CODES))
    connection.execute(sa.delete(ADMINS).where(ADMINS.c.user_id == row["user_id"]))
    connection.execute(sa.insert(ADMINS).values(**row))
    audit.add(connection, entry)
    return True
