"""Jobs: their progress, and how to stop them."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import integrations, jobs
from core.context import Context
from core.errors import Conflict, NotFound
from core.http.routes import Request, json_response, moment, route
from core.texts import T, revive
from storage.jobs import Job

_FEW = 10
"""Of a list of a job's events, so many are shown in a list of jobs."""
Status = Literal["running", "succeeded", "failed", "cancelled"]


class JobErrorOut(BaseModel):
    """Why a job failed, or what it waits for."""

    error: str
    message: str


class JobOut(BaseModel):
    """One job. `total` was counted at its start; what is `skipped` had changed by the time its turn came."""

    id: str
    kind: str = Field(description="replay, retry, discard, heal.")
    integration_id: str | None
    status: Status
    params: dict[str, Any] = Field(description="What was asked for.")
    total: int
    started: int = Field(description="How many were taken up.")
    succeeded: int
    failed: int
    skipped: int
    rate: float | None = Field(description="How many ended a second.")
    eta_seconds: float | None = Field(description="How long it takes still, at this rate.")
    waiting: JobErrorOut | None = Field(description="What holds it up.")
    error: JobErrorOut | None
    created_at: str
    created_by: str
    updated_at: str
    finished_at: str | None


class JobsPage(BaseModel):
    """Which jobs, newest first."""

    model_config = ConfigDict(extra="forbid")

    integration: str | None = Field(None, description="Id or slug.")
    kind: str | None = Field(None, max_length=40)
    status: Status | None = None
    after: str | None = Field(
        None, pattern="^job_[0-9A-HJKMNP-TV-Z]{26}$", description="The id of the last job of the page before."
    )
    limit: int = Field(50, ge=1, le=500)


@route(
    "GET", "/v1/jobs", permission="events.read", tag="jobs", query=JobsPage, response=list[JobOut], errors=[NotFound],
    summary=T("List jobs, newest first"),
)  # fmt: skip
async def list_all(ctx: Context, request: Request) -> list[JobOut]:
    """List replays, retries and other work on many events; each is kept for 30 days after its end."""
    query = request.query_as(JobsPage)
    installed = await integrations.find(ctx, query.integration) if query.integration is not None else None
    found = await jobs.page(
        ctx,
        integration_id=installed.id if installed else None,
        kind=query.kind,
        status=query.status,
        after=query.after,
        limit=query.limit,
    )
    return [shown(job, request.language, whole=False) for job in found]


@route(
    "GET", "/v1/jobs/{job_id}", permission="events.read", tag="jobs", response=JobOut, errors=[NotFound],
    summary=T("Get a job: its progress"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> JobOut:
    """Get one job."""
    return shown(await jobs.find(ctx, request.path["job_id"]), request.language)


@route(
    "POST", "/v1/jobs/{job_id}/cancel", permission="events.replay", tag="jobs", response=JobOut,
    errors=[Conflict, NotFound], summary=T("Cancel a job: what has not begun is put back, what runs comes to its end"),
)  # fmt: skip
async def cancel(ctx: Context, request: Request) -> JobOut:
    """Stop a job."""
    return shown(await jobs.cancel(ctx, request.path["job_id"], actor=request.actor), request.language)


def accepted(job: Job, request: Request) -> web.Response:
    """Return the answer to what started a job: where to ask for its progress. Its route has the header `Location`."""
    return json_response(shown(job, request.language), status=202, headers={"Location": f"/v1/jobs/{job.id}"})


def shown(job: Job, language: str, *, whole: bool = True) -> JobOut:
    """Return a job as it is shown; `whole`: with all the events that it was given."""
    held: dict[str, str] | None = orjson.loads(job.error) if job.error else None
    told = JobErrorOut(error=held["error"], message=revive(held["message"], language)) if held else None
    progress = jobs.progress(job)
    return JobOut(
        id=job.id,
        kind=job.kind,
        integration_id=job.integration_id,
        status=job.status,
        params=_params(job, whole=whole),
        total=job.total,
        started=job.started,
        succeeded=job.succeeded,
        failed=job.failed,
        skipped=job.skipped,
        rate=progress.rate,
        eta_seconds=progress.eta_seconds,
        waiting=None if job.status == "failed" else told,
        error=told if job.status == "failed" else None,
        created_at=moment(job.created_at),
        created_by=job.created_by,
        updated_at=moment(job.updated_at),
        finished_at=moment(job.finished_at) if job.finished_at is not None else None,
    )


def _params(job: Job, *, whole: bool) -> dict[str, Any]:
    given = jobs.asked(orjson.loads(job.params))
    if not whole and len(given.get("event_ids", ())) > _FEW:
        given["event_ids"] = [*given["event_ids"][:_FEW], "…"]
    return given
