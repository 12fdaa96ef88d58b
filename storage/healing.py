"""A healing job's rows: which gaps are next, which it waits for, and how a piece is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage import gaps, jobs
from storage.gaps import GAPS, Gap
from storage.jobs import ITEMS, JOBS, OPEN, Job


@dataclass(frozen=True)
class Piece:
    """What one piece of a healing job writes: `ended` are the keys of gaps that it waits for no more."""

    values: Mapping[str, Any]
    ended: Sequence[str] = ()
    takes_up: str | None = None
    """The key of a gap that it waits for from now on."""
    asks: Gap | None = None
    """The gap that GitHub is asked for, once this is written."""
    now: float = 0.0


def under_way(connection: sa.Connection, job: Job) -> list[Gap]:
    """Return the gaps that a job has asked for and waits for, as they are now; the one asked for first comes first."""
    mine = sa.select(ITEMS.c.item).where(ITEMS.c.job_id == job.id)
    query = sa.select(GAPS).where(GAPS.c.integration_id == job.integration_id, GAPS.c.key.in_(mine))
    order = (GAPS.c.asked_at, GAPS.c.key)
    return [Gap(**row) for row in connection.execute(query.order_by(*order)).mappings()]


def following(connection: sa.Connection, job: Job, *, keys: Sequence[str] | None, most_asked: int) -> Gap | None:
    """Return the gap that a job takes up next: by their keys, those that were there at its start and not given up."""
    conditions = [
        GAPS.c.integration_id == job.integration_id,
        GAPS.c.kind == "delivery",
        GAPS.c.closed_at.is_(None),
        GAPS.c.detected_at <= job.created_at,
        GAPS.c.key > job.cursor,
        GAPS.c.asked < most_asked,
    ]
    if keys is not None:
        conditions.append(GAPS.c.key.in_(keys))
    row = connection.execute(sa.select(GAPS).where(*conditions).order_by(GAPS.c.key).limit(1)).mappings().first()
    return Gap(**row) if row else None


def advance(connection: sa.Connection, job: Job, piece: Piece) -> bool:
    """Write a piece; return False when the job was written since it was read."""
    if not jobs.save(connection, job, piece.values):
        return False
    jobs.let_go(connection, job.id, piece.ended)
    if piece.takes_up is not None:
        jobs.take_up(connection, job.id, [(piece.takes_up, "{}")])
    if piece.asks is not None:
        gap = piece.asks
        gaps.set_asked(connection, gap.integration_id, [gap.key], asked=gap.asked + 1, asked_at=piece.now)
    return True


def take_back(connection: sa.Connection, gap: Gap, job_id: str, values: Mapping[str, Any]) -> None:
    """Undo an asking that GitHub did not take, and write why into the job while it is open."""
    gaps.set_asked(connection, gap.integration_id, [gap.key], asked=gap.asked, asked_at=gap.asked_at)
    mine = (JOBS.c.id == job_id, JOBS.c.status == "running", sa.text(OPEN))
    connection.execute(sa.update(JOBS).where(*mine).values(revision=JOBS.c.revision + 1, **values))


def running(connection: sa.Connection, integration_id: str) -> str | None:
    """Return the id of the healing job of an integration that has not ended, or None."""
    mine = (JOBS.c.integration_id == integration_id, JOBS.c.kind == "heal", sa.text(OPEN))
    found: str | None = connection.execute(sa.select(JOBS.c.id).where(*mine).limit(1)).scalar()
    return found
