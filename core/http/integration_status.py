"""Whether an integration works, and if not, what is wrong, in words."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from core import status as statuses
from core.context import Context
from core.errors import NotFound
from core.http.integrations import Status
from core.http.routes import Request, moment, route
from core.status import Report
from core.texts import T


class ProblemOut(BaseModel):
    """One thing that is wrong."""

    code: str = Field(description="What kind of problem, such as dead_events: programs may match on it.")
    severity: Literal["error", "warning"]
    message: str = Field(description="What, since when, how much, and the commonest cause.")
    fix: str = Field(description="What to do, with the operation or command for it.")


class QueueOut(BaseModel):
    """What waits for a worker (counted up to 10,000)."""

    depth: int
    oldest_age_seconds: float | None
    in_flight: int
    dead: int


class StatusOut(BaseModel):
    """How an integration is."""

    id: str
    name: str
    status: Status
    healthy: bool = Field(description="It is active, and nothing worse than a warning is there.")
    summary: str = Field(description="In a sentence or two, in the language of Accept-Language.")
    problems: list[ProblemOut] = Field(description="What is wrong, the worst first.")
    last_activity: str | None
    error_details: dict[str, Any] | None
    missing: list[str] = Field(description="What must be set before it can be activated.")
    queue: QueueOut
    error_rate_1h: float | None = Field(
        description="Percent of the last hour's ended events (of the newest 1,000) that failed; null: none ended."
    )
    deliveries_refused_1h: int
    pull_request: dict[str, Any] | None
    issue: dict[str, Any] | None
    updated_at: str


@route(
    "GET", "/v1/integrations/{id}/status", permission="integrations.read", tag="integrations", response=StatusOut,
    errors=[NotFound], summary=T("Ask whether an integration works, and what is wrong"),
)  # fmt: skip
async def status(ctx: Context, request: Request) -> StatusOut:
    """Tell how an integration is: its state, what is wrong in words, and what to do about it."""
    return _out(await statuses.report(ctx, request.path["id"]), request.language)


def _out(report: Report, language: str) -> StatusOut:
    installed, now = report.installed, report.snapshot
    oldest = now.queue.oldest
    return StatusOut(
        id=installed.id,
        name=installed.name,
        status=installed.status,
        healthy=report.healthy,
        summary=report.summary.render(language),
        problems=[
            ProblemOut(code=p.code, severity=p.severity, message=p.message.render(language), fix=p.fix.render(language))
            for p in report.problems
        ],
        last_activity=moment(now.last_activity) if now.last_activity is not None else None,
        error_details=dict(installed.error_details) if installed.error_details else None,
        missing=list(now.missing),
        queue=QueueOut(
            depth=now.queue.depth,
            oldest_age_seconds=max(0.0, round(now.now - oldest, 1)) if oldest is not None else None,
            in_flight=now.queue.in_flight,
            dead=now.dead.count,
        ),
        error_rate_1h=report.error_rate,
        deliveries_refused_1h=sum(now.refused.values()),
        pull_request=None,
        issue=None,
        updated_at=moment(installed.updated_at),
    )
