"""Jobs: work on many events that takes a while, done piece by piece, with progress, and stopped on request."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import where
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
    """`running`, `succeeded`, `failed`, `cancelled`."""
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
