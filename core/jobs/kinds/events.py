"""The kinds of job on stored events: replay and retry run them again, discard sets them aside."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
import sqlalchemy as sa

from core import integrations
from core.context import Context
from core.ids import first_id
from core.integrations import Installed
from core.jobs.kind import KINDS, JobKind
from core.jobs.pieces import waiting
from core.texts import T, Text
from storage import jobs as rows
from storage import replay
from storage.jobs import Job, Undo
from storage.replay import EXHAUSTED, Piece, Selection

MOST_UNDER_WAY = 200
"""Events that the jobs of one integration have under way: live ones wait behind no more, and a cancel means
something."""
MOST_DISCARDED = 1000
"""Events that one piece discards."""


def selection(integration_id: str, params: dict[str, Any]) -> Selection:
    """Return what a job's parameters choose."""
    start, end = params.get("from"), params.get("to")
    chosen, types = params.get("event_ids"), params.get("type")
    return Selection(
        integration_id=integration_id,
        statuses=tuple(params["status"]),
        types=tuple(types) if types is not None else None,
        handled=tuple(params.get("handled", ())),
        first=first_id("evt", start) if start is not None else None,
        before=first_id("evt", end) if end is not None else None,
        event_ids=tuple(chosen) if chosen is not None else None,
        error=params.get("error"),
    )


def again_step(who: str, *, again: bool) -> dict[str, Any]:
    """Return the step of an event that is put back into the queue."""
    detail = (
        T("asked for by {who}: everything is done again, in a new run", who=who)
        if again
        else T("asked for by {who}: what is done stays done", who=who)
    )
    return {"name": "replay", "status": "success", "detail": detail.dump()}


class EventsKind(JobKind):
    """What runs events again."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def step(self, ctx: Context, job: Job) -> None:
        """Count what has ended and take up as many as there is room for."""
        assert job.integration_id is not None
        params, now = orjson.loads(job.params), ctx.clock.now()
        meant = selection(job.integration_id, params)
        held = None if job.status == "cancelled" else await _held_up(ctx, job.integration_id)
        chosen: list[str] = []
        exhausted = job.cursor == EXHAUSTED
        if job.status == "running" and held is None and not exhausted:
            chosen, exhausted = await ctx.db.read(_look, job, meant)
        piece = Piece(
            selection=meant,
            chosen=tuple(chosen),
            exhausted=exhausted,
            now=now,
            run_at=now,
            step=again_step(job.created_by, again=params["effects"] == "again"),
            again=params["effects"] == "again",
            error=held,
        )
        await ctx.db.write(replay.advance_replay, job, piece)

    def undo(self) -> Undo:
        """Put events that wait in the queue back to what they were."""
        detail = T("the job was cancelled before its turn came")
        return partial(replay.put_back, step={"name": "replay", "status": "skipped", "detail": detail.dump()})


class DiscardKind(JobKind):
    """What sets events aside."""

    name = "discard"

    async def step(self, ctx: Context, job: Job) -> None:
        """Discard the next ones."""
        assert job.integration_id is not None
        meant = selection(job.integration_id, orjson.loads(job.params))
        chosen = await ctx.db.read(replay.candidates, meant, after=job.cursor, limit=MOST_DISCARDED)
        now, detail = ctx.clock.now(), T("asked for by {who}", who=job.created_by)
        piece = Piece(
            selection=meant,
            chosen=tuple(chosen),
            exhausted=len(chosen) < MOST_DISCARDED,
            now=now,
            run_at=now,
            step={"name": "discard", "status": "success", "detail": detail.dump()},
        )
        await ctx.db.write(replay.advance_discard, job, piece)


def _look(connection: sa.Connection, job: Job, meant: Selection) -> tuple[list[str], bool]:
    """Return the events to take up next, and whether they are the last."""
    room = max(0, MOST_UNDER_WAY - rows.outstanding(connection, integration_id=job.integration_id))
    found = replay.candidates(connection, meant, after=job.cursor, limit=room) if room else []
    return found, len(found) < room


async def _held_up(ctx: Context, integration_id: str) -> str | None:
    """Return why nothing can be run just now, or None."""
    installed: Installed = await integrations.find(ctx, integration_id)
    if installed.status == "active":
        return None
    reason: Text = T(
        "{name} is {status}. The job goes on when it is active again.", name=installed.name, status=installed.status
    )
    return waiting("Integration inactive", reason)


KINDS.add("replay", EventsKind("replay"))
KINDS.add("retry", EventsKind("retry"))
KINDS.add("discard", DiscardKind())
