"""The one message in Slack that follows a request: where it stands, and what of the request it has told.

`wanted` grows with whatever changes the request, in the change's own transaction; `told` is what it was when the
message was last brought up to date. So nothing is lost that happens while somebody is telling.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import announce, for_update, where
from storage.events import table

UNTOLD = "wanted > told"
_NEVER = 2**31 - 1


class RequestMessage(SQLModel, table=True):
    """One request's message. Times are seconds since the epoch; ids are Slack's."""

    __tablename__: ClassVar[str] = "request_messages"
    __table_args__ = (
        sa.Index("ix_request_messages_untold", "not_before", **where(UNTOLD)),
        sa.Index("ix_request_messages_asker", "asker", "request_id"),
    )

    request_id: str = Field(primary_key=True)
    asker: str
    """The user who asked."""
    language: str
    channel: str
    """Where it is to be posted, once it is: where it stands."""
    thread: str | None = None
    """The thread that it is posted in, where it was asked for in one."""
    ts: str | None = None
    wanted: int = 1
    told: int = 0
    not_before: float = 0.0
    """When Slack may be asked again: at most one edit a second, and what a rate limit says."""
    tries: int = 0
    """How often telling has failed since it last did not."""
    posting: bool = False
    """Whether it may have been posted without our knowing: it is looked for first."""
    line: int = Field(default=0, sa_type=sa.BigInteger)
    """The newest line of the request's log that its thread has."""
    telling_line: int | None = Field(default=None, sa_type=sa.BigInteger)
    """The newest line of those that are being told, and may be there without our knowing."""
    lease_token: str | None = None
    lease_until: float | None = None

    @property
    def is_gone(self) -> bool:
        """Say whether somebody has deleted it."""
        return self.told == _NEVER


MESSAGES = table(RequestMessage)


def add(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Let a message follow a request."""
    connection.execute(sa.insert(MESSAGES).values(**row))
    announce(connection, "requests")


def want(connection: sa.Connection, request_id: str) -> None:
    """Say that a request's message is to be brought up to date, where there is one."""
    wanted = sa.update(MESSAGES).where(MESSAGES.c.request_id == request_id).values(wanted=MESSAGES.c.wanted + 1)
    if connection.execute(wanted).rowcount:
        announce(connection, "requests")


def claim(connection: sa.Connection, now: float, lease_until: float) -> RequestMessage | None:
    """Take a message that is to be brought up to date, under a lease; a lease that has run out is taken over."""
    free = sa.or_(MESSAGES.c.lease_until.is_(None), MESSAGES.c.lease_until <= now)
    query = sa.select(MESSAGES.c.request_id).where(sa.text(UNTOLD), MESSAGES.c.not_before <= now, free)
    query = for_update(connection, query.order_by(MESSAGES.c.not_before).limit(1), skip_locked=True)
    found = connection.execute(query).scalar()
    if found is None:
        return None
    lease = {"lease_token": secrets.token_hex(16), "lease_until": lease_until}
    connection.execute(sa.update(MESSAGES).where(MESSAGES.c.request_id == found).values(**lease))
    return of(connection, found)


def put(
    connection: sa.Connection, request_id: str, token: str, values: Mapping[str, Any], *, release: bool = False
) -> bool:
    """Write how far telling has come; return False when the lease is lost. `release`: the lease ends."""
    held = (MESSAGES.c.request_id == request_id, MESSAGES.c.lease_token == token)
    freed = {"lease_token": None, "lease_until": None} if release else {}
    return bool(connection.execute(sa.update(MESSAGES).where(*held).values(**values, **freed)).rowcount)


def resume(connection: sa.Connection) -> None:
    """End all leases: nobody can hold one."""
    held = MESSAGES.c.lease_token.is_not(None)
    connection.execute(sa.update(MESSAGES).where(held).values(lease_token=None, lease_until=None))


def soonest(connection: sa.Connection) -> float | None:
    """Return when the next message may be brought up to date."""
    return connection.execute(sa.select(sa.func.min(MESSAGES.c.not_before)).where(sa.text(UNTOLD))).scalar()


def of(connection: sa.Connection, request_id: str) -> RequestMessage | None:
    """Return a request's message."""
    row = connection.execute(sa.select(MESSAGES).where(MESSAGES.c.request_id == request_id)).mappings().first()
    return RequestMessage(**row) if row else None


def drop(connection: sa.Connection, request_id: str, token: str) -> None:
    """Follow a request no longer: somebody has deleted its message."""
    held = (MESSAGES.c.request_id == request_id, MESSAGES.c.lease_token == token)
    connection.execute(sa.update(MESSAGES).where(*held).values(told=_NEVER, lease_token=None, lease_until=None))


def asked_by(connection: sa.Connection, asker: str, limit: int) -> Sequence[str]:
    """Return the ids of a user's requests, the newest first."""
    query = sa.select(MESSAGES.c.request_id).where(MESSAGES.c.asker == asker)
    return list(connection.execute(query.order_by(MESSAGES.c.request_id.desc()).limit(limit)).scalars())
