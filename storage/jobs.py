"""Jobs: work on many events that takes a while, done piece by piece, with progress, and stopped on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import orjson
import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.dialect import for_update, where
from storage.events import table

OPEN = "finished_at IS NULL"


class Job(SQLModel, table=True):
    """One job. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "jobs"
    __table_args__ = (
        sa.Index("ix_jobs_open", "run_at", **where(OPEN)),
        sa.Index("ix_jobs_integration", "integration_id", "id"),
    )

    id: str = Field(primary_key=True)
    kind: str
    """`replay`, `retry`, `discard`, `heal`."""
    integration_id: str | None = None
    params: str
    """JSON: what was asked for."""
    status: str
    """`running`, `succeeded`, `failed`, `cancelled` (with `finished_at` once what ran at that moment has ended)."""
    total: int
    started: int = 0
    """How many of the total were taken up."""
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cursor: str = ""
    """Where the next piece begins."""
    run_at: float
    """When the next piece is due."""
    created_at: float
    created_by: str
    updated_at: float
    finished_at: float | None = None
    error: str | None = None
    """Why it failed, or what it waits for: JSON `{"error", "message"}`."""
    revision: int = 0
    """Grows with each write; a piece is written only onto the revision that it was made from."""


class JobItem(SQLModel, table=True):
    """One thing that a job has taken up and whose end it waits for."""

    __tablename__: ClassVar[str] = "job_items"

    job_id: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    """The event's id (for `heal` the delivery's)."""
    before: str = "{}"
    """JSON: what it was before, so that a cancelled job can put it back."""


JOBS = table(Job)
ITEMS = table(JobItem)

Undo = Callable[[sa.Connection, Job, float], int]
"""Puts back what a job has taken up and nobody has begun, at this time; returns how much."""


def add(connection: sa.Connection, job: Mapping[str, Any], *, entry: Mapping[str, Any]) -> None:
    """Store a new job, and the audit's `entry` beside it."""
    connection.execute(sa.insert(JOBS).values(**job))
    audit.add(connection, entry)


def get(connection: sa.Connection, job_id: str) -> Job | None:
    """Return one job."""
    row = connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).mappings().first()
    return Job(**row) if row else None


def newest(
    connection: sa.Connection,
    *,
    integration_id: str | None = None,
    kind: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return jobs, newest first. `after`: the id of the last one seen."""
    wanted = {"integration_id": integration_id, "kind": kind, "status": status}
    conditions: list[Any] = [JOBS.c[name] == value for name, value in wanted.items() if value is not None]
    if after is not None:
        conditions.append(JOBS.c.id < after)
    query = sa.select(JOBS).where(*conditions).order_by(JOBS.c.id.desc()).limit(limit)
    return [Job(**row) for row in connection.execute(query).mappings()]


def due(connection: sa.Connection, now: float, *, limit: int = 100) -> list[Job]:
    """Return the open jobs whose next piece is due, the one that has waited longest first."""
    query = sa.select(JOBS).where(sa.text(OPEN), JOBS.c.run_at <= now).order_by(JOBS.c.run_at, JOBS.c.id).limit(limit)
    return [Job(**row) for row in connection.execute(query).mappings()]


def save(connection: sa.Connection, job: Job, values: Mapping[str, Any]) -> bool:
    """Set columns of an open job that nobody has written since `job` was read; return whether that was so.

    Begin the transaction of a piece with it: the row is then locked, and of two nodes at one job one does nothing.
    """
    mine = (JOBS.c.id == job.id, JOBS.c.revision == job.revision, sa.text(OPEN))
    result = connection.execute(sa.update(JOBS).where(*mine).values(revision=JOBS.c.revision + 1, **values))
    return bool(result.rowcount)


def record(connection: sa.Connection, job_id: str, values: Mapping[str, Any]) -> None:
    """Set columns of a job that this transaction has begun with `save`."""
    connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(**values))


def tell(connection: sa.Connection, job_id: str, where: Mapping[str, str]) -> None:
    """Add to where a job's progress is shown, in its `params`; no piece of it minds."""
    query = for_update(connection, sa.select(JOBS.c.params).where(JOBS.c.id == job_id))
    stored = connection.execute(query).scalar()
    if stored is not None:
        params = orjson.loads(stored)
        params["told"] = {**params.get("told", {}), **where}
        connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(params=orjson.dumps(params).decode()))


def cancel(connection: sa.Connection, job: Job, *, now: float, undo: Undo | None, entry: Mapping[str, Any]) -> bool:
    """Stop a job and put back what nobody has begun; return False when it was written since `job` was read.

    It ends at once, or when what is under way has ended.
    """
    if not save(connection, job, {"status": "cancelled", "updated_at": now, "run_at": now, "error": None}):
        return False
    undone = undo(connection, job, now) if undo is not None else 0
    ended = {} if outstanding(connection, job_id=job.id) else {"finished_at": now}
    record(connection, job.id, {"started": job.started - undone, **ended})
    audit.add(connection, entry)
    return True


def outstanding(connection: sa.Connection, *, job_id: str | None = None, integration_id: str | None = None) -> int:
    """Return how many items a job (or all jobs of an integration) waits for."""
    query = sa.select(sa.func.count()).select_from(ITEMS)
    if job_id is not None:
        query = query.where(ITEMS.c.job_id == job_id)
    if integration_id is not None:
        of_it = (JOBS.c.integration_id == integration_id, sa.text(OPEN))
        query = query.where(ITEMS.c.job_id.in_(sa.select(JOBS.c.id).where(*of_it)))
    return int(connection.execute(query).scalar_one())


def take_up(connection: sa.Connection, job_id: str, items: Sequence[tuple[str, str]]) -> None:
    """Keep what a job has taken up: the item's id, and what it was before (JSON)."""
    if items:
        rows = [{"job_id": job_id, "item": item, "before": before} for item, before in items]
        connection.execute(sa.insert(ITEMS), rows)


def let_go(connection: sa.Connection, job_id: str, items: Sequence[str]) -> None:
    """Forget items whose end has been counted."""
    if items:
        connection.execute(sa.delete(ITEMS).where(ITEMS.c.job_id == job_id, ITEMS.c.item.in_(items)))


def forget(connection: sa.Connection, *, finished_before: float) -> int:
    """Delete the jobs that ended before that time; return how many."""
    old = JOBS.c.finished_at < finished_before
    connection.execute(sa.delete(ITEMS).where(ITEMS.c.job_id.in_(sa.select(JOBS.c.id).where(old))))
    return int(connection.execute(sa.delete(JOBS).where(old)).rowcount)
