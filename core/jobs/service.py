"""Starting, finding and cancelling jobs; each start and cancel is in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from core import audit
from core.auth import Actor
from core.clock import moment
from core.context import Context
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.jobs.kind import KINDS
from core.texts import T
from storage import jobs as rows
from storage.jobs import Job

_OWN = frozenset({"handled", "told"})
"""Parameters that nobody asked for: what was found out, and who is told of the progress."""


@dataclass(frozen=True)
class Progress:
    """How far a job is. `rate`: how many ended a second; `eta_seconds`: how long it takes still, at this rate."""

    done: int
    rate: float | None
    eta_seconds: float | None


def progress(job: Job) -> Progress:
    """Return how far a job is."""
    seconds, ended = (job.finished_at or job.updated_at) - job.created_at, job.succeeded + job.failed
    rate = round(ended / seconds, 3) if seconds > 0 and ended else None
    done, over = ended + job.skipped, job.finished_at is not None or job.status != "running"
    return Progress(done, rate, None if over or not rate else round((job.total - done) / rate, 1))


async def start(
    ctx: Context,
    *,
    kind: str,
    action: str,
    params: Mapping[str, Any],
    total: int,
    actor: Actor,
    integration_id: str | None = None,
) -> Job:
    """Store a job, which the scheduler then does; return it.

    `params`: what its kind needs and people are shown (JSON; `from` and `to` in seconds). `action`: what the audit
    calls the start, such as `replay.started`.
    """
    now = ctx.clock.now()
    job_id = new_id("job", now)
    row = {
        "id": job_id,
        "kind": KINDS.get(kind).name,
        "integration_id": integration_id,
        "params": orjson.dumps(params).decode(),
        "status": "running",
        "total": total,
        "started": 0,
        "succeeded": 0,
        "failed": 0,
        "skipped": 0,
        "cursor": "",
        "run_at": now,
        "created_at": now,
        "created_by": actor.name,
        "updated_at": now,
        "revision": 0,
    }
    after = {**asked(params), "total": total}
    entry = audit.entry(ctx, actor, action, integration_id=integration_id, subject=job_id, after=after)
    await ctx.db.write(rows.add, row, entry=entry)
    return await find(ctx, job_id)


def asked(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as people read them: those that were given, not what was found out, times as RFC 3339."""
    given = {key: value for key, value in params.items() if value is not None and key not in _OWN}
    return given | {key: moment(given[key]) for key in ("from", "to") if isinstance(given.get(key), (int, float))}


async def find(ctx: Context, job_id: str) -> Job:
    """Return a job; raise `NotFound`."""
    job = await ctx.db.read(rows.get, job_id) if job_id.isprintable() else None
    if job is None:
        shown = ascii(job_id)[1:-1]
        raise NotFound(T("There is no job {job}. Jobs are kept for 30 days after their end.", job=shown), job=shown)
    return job


async def tell(ctx: Context, job_id: str, where: Mapping[str, str]) -> None:
    """Keep where a door shows the job's progress (`told`), so that any node can go on with that."""
    await ctx.db.write(rows.tell, job_id, dict(where))


async def tell_no_more(ctx: Context, job_id: str) -> None:
    """Keep that a door has shown a job's end, or cannot show anything more."""
    await ctx.db.write(rows.tell, job_id, {"ended": "yes"})


def told(job: Job) -> Mapping[str, str] | None:
    """Return what `tell` kept."""
    found: Mapping[str, str] | None = orjson.loads(job.params).get("told")
    return found


async def page(
    ctx: Context,
    *,
    integration_id: str | None = None,
    kind: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return jobs, newest first; see `storage.jobs.newest`."""
    return await ctx.db.read(
        rows.newest, integration_id=integration_id, kind=kind, status=status, after=after, limit=limit
    )


async def cancel(ctx: Context, job_id: str, *, actor: Actor) -> Job:
    """Stop a job: what nobody has begun is put back, what runs comes to its end; raise `Conflict` when it has ended."""
    actor.require("events.replay")
    while True:
        job = await find(ctx, job_id)
        if job.status != "running":
            raise Conflict(
                T("The job {job} has ended already: {status}.", job=job.id, status=job.status), status=job.status
            )
        counts = ("total", "started", "succeeded", "failed", "skipped")
        entry = audit.entry(
            ctx,
            actor,
            "job.cancelled",
            integration_id=job.integration_id,
            subject=job.id,
            before={"status": job.status},
            after={"status": "cancelled", "kind": job.kind, **{name: getattr(job, name) for name in counts}},
        )
        now, undo = ctx.clock.now(), KINDS.get(job.kind).undo()
        if await ctx.db.write(rows.cancel, job, now=now, undo=undo, entry=entry):
            return await find(ctx, job.id)
