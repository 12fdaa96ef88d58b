"""Backups: those that were asked for, are being made, were made, failed, or were reported from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.dialect import upsert, where
from storage.events import table

OPEN = "finished_at IS NULL"


class Backup(SQLModel, table=True):
    """One backup, or one attempt at it. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "backups"
    __table_args__ = (
        sa.Index("ix_backups_open", "id", **where(OPEN)),
        sa.Index("ix_backups_made", "status", "made_at"),
    )

    id: str = Field(primary_key=True)
    kind: str
    """`sqlite`, `postgresql`, `elsewhere`."""
    status: str
    """`waiting`, `running`, `succeeded`, `failed`."""
    asked_at: float
    actor_kind: str
    actor_id: str
    actor_name: str
    made_at: float | None = None
    """Of when its contents are."""
    finished_at: float | None = None
    holder: str | None = None
    """The process that makes it."""
    beat_at: float | None = None
    """When that process last said that it is at it."""
    tries: int = 0
    node: str = ""
    """The host whose disk it is on."""
    file: str = ""
    manifest: str | None = None
    """JSON: what stands beside the file."""
    error: str | None = None
    """Why it failed: a text as it is stored."""
    note: str = ""


BACKUPS = table(Backup)


def ask(connection: sa.Connection, row: Mapping[str, Any]) -> str:
    """Store a backup to be made, unless one is to be made already; return the id of that which will be."""
    query = sa.select(BACKUPS.c.id).where(sa.text(OPEN)).order_by(BACKUPS.c.id).limit(1)
    there: str | None = connection.execute(query).scalar()
    if there is None:
        connection.execute(sa.insert(BACKUPS).values(**row))
    return there or str(row["id"])


def add(connection: sa.Connection, row: Mapping[str, Any], *, entry: Mapping[str, Any]) -> None:
    """Store one that has ended, and the audit's `entry` beside it."""
    connection.execute(sa.insert(BACKUPS).values(**row))
    audit.add(connection, entry)


def get(connection: sa.Connection, backup_id: str) -> Backup | None:
    """Return one."""
    row = connection.execute(sa.select(BACKUPS).where(BACKUPS.c.id == backup_id)).mappings().first()
    return Backup(**row) if row else None


def newest(connection: sa.Connection, *, after: str | None = None, limit: int = 50) -> list[Backup]:
    """Return backups, those that were asked for last first. `after`: the id of the last one seen."""
    query = sa.select(BACKUPS).order_by(BACKUPS.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(BACKUPS.c.id < after)
    return [Backup(**row) for row in connection.execute(query).mappings()]


def good(connection: sa.Connection, *, until: float, limit: int = 50) -> list[Backup]:
    """Return those that succeeded, of no later than a time, the newest contents first."""
    wanted = (BACKUPS.c.status == "succeeded", BACKUPS.c.made_at <= until)
    query = sa.select(BACKUPS).where(*wanted).order_by(BACKUPS.c.made_at.desc()).limit(limit)
    return [Backup(**row) for row in connection.execute(query).mappings()]


def last_attempt(connection: sa.Connection, *, until: float) -> Backup | None:
    """Return the attempt that ended last, no later than at a time."""
    query = sa.select(BACKUPS).where(BACKUPS.c.finished_at <= until).order_by(BACKUPS.c.finished_at.desc())
    row = connection.execute(query.limit(1)).mappings().first()
    return Backup(**row) if row else None


def under_way(connection: sa.Connection) -> Backup | None:
    """Return the one that waits or is being made."""
    query = sa.select(BACKUPS).where(sa.text(OPEN)).order_by(BACKUPS.c.id).limit(1)
    row = connection.execute(query).mappings().first()
    return Backup(**row) if row else None


def claim(connection: sa.Connection, backup_id: str, *, holder: str, now: float, silent_since: float) -> bool:
    """Begin one that waits, or whose process has said nothing since that time; return whether it is `holder`'s now."""
    free = sa.or_(BACKUPS.c.status == "waiting", BACKUPS.c.beat_at < silent_since)
    update = sa.update(BACKUPS).where(BACKUPS.c.id == backup_id, sa.text(OPEN), free)
    values = {"status": "running", "holder": holder, "beat_at": now, "tries": BACKUPS.c.tries + 1}
    return bool(connection.execute(update.values(**values)).rowcount)


def beat(connection: sa.Connection, backup_id: str, *, holder: str, now: float) -> bool:
    """Say that `holder` is at it; return whether it is still its own."""
    mine = (BACKUPS.c.id == backup_id, BACKUPS.c.holder == holder, sa.text(OPEN))
    return bool(connection.execute(sa.update(BACKUPS).where(*mine).values(beat_at=now)).rowcount)


def release(connection: sa.Connection, backup_id: str, *, holder: str) -> None:
    """Let another begin it anew: this process was told to stop, which is not a try."""
    mine = (BACKUPS.c.id == backup_id, BACKUPS.c.holder == holder, sa.text(OPEN))
    values = {"status": "waiting", "holder": None, "beat_at": None, "tries": BACKUPS.c.tries - 1}
    connection.execute(sa.update(BACKUPS).where(*mine).values(**values))


def fail(
    connection: sa.Connection, backup_id: str, *, holder: str, values: Mapping[str, Any], entry: Mapping[str, Any]
) -> None:
    """End it without one; nothing where it has become another's."""
    mine = (BACKUPS.c.id == backup_id, BACKUPS.c.holder == holder, sa.text(OPEN))
    if connection.execute(sa.update(BACKUPS).where(*mine).values(status="failed", **values)).rowcount:
        audit.add(connection, entry)


def keep(connection: sa.Connection, made: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> int:
    """Store backups that are there whole, each with its audit's entry; return how many were not known so before.

    One that stands as being made, or as given up, is made all the same: its file says so.
    """
    new = 0
    for row, entry in made:
        statement = upsert(connection, BACKUPS).values(**row)
        others = {name: statement.excluded[name] for name in row if name not in ("id", "asked_at")}
        statement = statement.on_conflict_do_update(
            index_elements=[BACKUPS.c.id], set_=others, where=BACKUPS.c.status != "succeeded"
        )
        if connection.execute(statement).rowcount > 0:
            audit.add(connection, entry)
            new += 1
    return new


def forget(connection: sa.Connection, *, ids: Sequence[str] = (), failed_before: float = 0.0) -> None:
    """Delete the rows of backups that are gone, and of attempts that failed long ago; the audit has them."""
    gone = BACKUPS.c.id.in_(ids)
    long_ago = sa.and_(BACKUPS.c.status == "failed", BACKUPS.c.finished_at < failed_before)
    connection.execute(sa.delete(BACKUPS).where(sa.or_(gone, long_ago)))
