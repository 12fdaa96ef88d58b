"""Sessions of the dashboard, and the links that open one. Of each secret only the SHA-256 is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.api_keys import KEYS, ApiKeyRow
from storage.events import table


class SessionRow(SQLModel, table=True):
    """Somebody who is signed in. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "dashboard_sessions"
    __table_args__ = (sa.Index("ix_dashboard_sessions_expires", "expires_at"),)

    hash: str = Field(primary_key=True)
    """SHA-256 of the cookie's 256 random bits, in hexadecimal."""
    key_id: str | None = None
    """The API key it stands for; None: the local user, who came by a link from the engine's own socket."""
    key_hash: str | None = None
    """The hash of that key's text at the sign-in: a rotation ends the session."""
    created_at: float
    used_at: float
    expires_at: float


class SignInLink(SQLModel, table=True):
    """A link that signs in once. It belongs to whoever asked for it."""

    __tablename__: ClassVar[str] = "dashboard_links"

    hash: str = Field(primary_key=True)
    key_id: str | None = None
    key_hash: str | None = None
    expires_at: float


SESSIONS = table(SessionRow)
LINKS = table(SignInLink)


@dataclass(frozen=True, slots=True)
class Found:
    """A session, and the key that it stands for: None where it needs none, or where that is gone."""

    session: SessionRow
    key: ApiKeyRow | None


def open_session(connection: sa.Connection, row: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Keep a new session, and the audit's `entry`."""
    connection.execute(sa.insert(SESSIONS).values(**row))
    audit.add(connection, entry)


def find(connection: sa.Connection, hashed: str) -> Found | None:
    """Return a session by the hash of its cookie, ended ones too."""
    row = connection.execute(sa.select(SESSIONS).where(SESSIONS.c.hash == hashed)).mappings().first()
    if row is None:
        return None
    session = SessionRow(**row)
    key = connection.execute(sa.select(KEYS).where(KEYS.c.id == session.key_id)).mappings().first()
    return Found(session, ApiKeyRow(**key) if key is not None else None)


def touch(connection: sa.Connection, hashed: str, *, now: float) -> None:
    """Note that a session was used."""
    connection.execute(sa.update(SESSIONS).where(SESSIONS.c.hash == hashed).values(used_at=now))


def close(connection: sa.Connection, hashed: str, entry: Mapping[str, Any]) -> None:
    """End a session, and keep the audit's `entry` if there was one."""
    if connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.hash == hashed)).rowcount:
        audit.add(connection, entry)


def offer(connection: sa.Connection, row: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Keep a new link, and the audit's `entry`."""
    connection.execute(sa.insert(LINKS).values(**row))
    audit.add(connection, entry)


def take(connection: sa.Connection, hashed: str, *, now: float) -> SignInLink | None:
    """Use up a link: whoever gets it back is the only one who does. None: used, too old, or never there."""
    used = sa.delete(LINKS).where(LINKS.c.hash == hashed, LINKS.c.expires_at > now).returning(LINKS)
    row = connection.execute(used).mappings().first()
    return SignInLink(**row) if row is not None else None


def end_all(connection: sa.Connection) -> None:
    """End every session, and let no link open one."""
    for of in (SESSIONS, LINKS):
        connection.execute(sa.delete(of))


def forget(connection: sa.Connection, *, now: float, idle_since: float) -> int:
    """Delete sessions that are over, and links that nobody used; return how many sessions."""
    connection.execute(sa.delete(LINKS).where(LINKS.c.expires_at <= now))
    over = sa.or_(SESSIONS.c.expires_at <= now, SESSIONS.c.used_at <= idle_since)
    return int(connection.execute(sa.delete(SESSIONS).where(over)).rowcount)
