"""Doing what is due: the next piece of each open job, on the node that schedules."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import structlog

from core.context import Context
from core.errors import CcbError, NotFound
from core.jobs.kind import KINDS
from core.texts import Text
from storage import jobs as rows
from storage.jobs import Job

log = structlog.get_logger()

PATIENCE_SECONDS = 30.0
"""After how long to look again at a job that cannot go on."""
KEPT_SECONDS = 30 * 86400.0
"""How long a job is kept after its end."""


async def advance(ctx: Context) -> None:
    """Do the next piece of each job whose time has come.

    Those of one integration take turns, for they share the room that there is. Safe on two nodes at once: each piece
    is one transaction on the condition that the job is as it was read.
    """
    lines: dict[str | None, list[Job]] = {}
    for job in await ctx.db.read(rows.due, ctx.clock.now()):
        lines.setdefault(job.integration_id, []).append(job)
    await asyncio.gather(*(_in_turn(ctx, line) for line in lines.values()))


async def forget(ctx: Context) -> None:
    """Delete the jobs that ended more than 30 days ago."""
    await ctx.db.write(rows.forget, finished_before=ctx.clock.now() - KEPT_SECONDS)


def waiting(error: str, message: Text) -> str:
    """Return what a job waits for, or why it failed, as its row has it."""
    return orjson.dumps({"error": error, "message": message.dump()}).decode()


async def _in_turn(ctx: Context, line: Sequence[Job]) -> None:
    for job in line:
        await _advance(ctx, job)


async def _advance(ctx: Context, job: Job) -> None:
    try:
        await KINDS.get(job.kind).step(ctx, job)
    except NotFound as error:  # what it is about is gone
        await _write(ctx, job, status="failed", finished_at=ctx.clock.now(), error=waiting(error.error, error.message))
    except CcbError as error:
        log.warning("job waits", job_id=job.id, reason=str(error))
        await _write(ctx, job, run_at=ctx.clock.now() + PATIENCE_SECONDS, error=waiting(error.error, error.message))
    except Exception:  # one job's surprise must not stop the others
        log.exception("piece of a job failed", job_id=job.id)
        await _write(ctx, job, run_at=ctx.clock.now() + PATIENCE_SECONDS)


async def _write(ctx: Context, job: Job, **values: Any) -> None:
    await ctx.db.write(rows.save, job, {"updated_at": ctx.clock.now(), **values})
