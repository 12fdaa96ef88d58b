"""Whether an integration works, and if not, what is wrong, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from core import listing
from core import status as statuses
from core.context import Context
from core.errors import NotFound
from core.http.integrations import Status
from core.http.routes import Request, moment, route
from core.requests import service as requests
from core.requests import words
from core.requests.model import Asked
from core.status import Report
from core.texts import T


class ProblemOut(BaseModel):
    """One thing that is wrong."""

    code: str = Field(description="What kind of problem, such as dead_events: programs may match on it.")
    severity: Literal["error", "warning"]
    message: str = Field(description="What, since when, how much, and the commonest cause.")
    fix: str = Field(description="What to do, with the operation or command for it.")


class QueueOut(BaseModel):
    """What waits for a worker, or for its next attempt (counted up to 10,000)."""

    depth: int
    oldest_age_seconds: float | None
    in_flight: int
    dead: int


class SpentOut(BaseModel):
    """What was spent of a budget, in USD."""

    spent_usd: float
    limit_usd: float


class SpendingOut(SpentOut):
    """What a request has cost, and what it counts against besides its own budget."""

    estimated_usd: float = Field(
        description="How much of it is an estimate: of answers that were cut short, before Claude counted them."
    )
    person: SpentOut = Field(description="Who asked, this month.")
    month: SpentOut = Field(description="Everybody, this month.")


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
    spending: SpendingOut | None = Field(description="What its request has cost; null: it came of none.")
    updated_at: str


@route(
    "GET", "/v1/integrations/{id}/status", permission="integrations.read", tag="integrations", response=StatusOut,
    errors=[NotFound], summary=T("Ask whether an integration works, and what is wrong"),
)  # fmt: skip
async def status(ctx: Context, request: Request) -> StatusOut:
    """Tell how an integration is: its state, what is wrong in words, and what to do about it.

    Of a request it tells what it is at, since when, and what it has cost.
    """
    found = await listing.find(ctx, request.path["id"])
    if isinstance(found, Asked):
        spent = await requests.spending(ctx, found)
        return _asked(found, spent, now=ctx.clock.now(), language=request.language)
    report = await statuses.report(ctx, found)
    asked = (await listing.beside(ctx, found)).asked
    spending = await requests.spending(ctx, asked) if asked is not None else None
    return _out(report, asked, spending, request.language)


def _asked(asked: Asked, spending: Mapping[str, Any], *, now: float, language: str) -> StatusOut:
    wrong = words.problem(asked)
    code: tuple[str, Literal["error", "warning"]] = ("unfinished", "warning")
    if asked.row.status == "failed":
        code = ("failed", "error")
    message, fix = (wrong or words.stands(asked)).render(language), words.next_step(asked).render(language)
    return StatusOut(
        id=asked.id,
        name=asked.row.title,
        status=words.status(asked),
        healthy=False,
        summary=words.summary(asked, spending, now=now).render(language),
        problems=[ProblemOut(code=code[0], severity=code[1], message=message, fix=fix)],
        last_activity=None,
        error_details=words.told(asked, language),
        missing=[],
        queue=QueueOut(depth=0, oldest_age_seconds=None, in_flight=0, dead=0),
        error_rate_1h=None,
        deliveries_refused_1h=0,
        pull_request=words.pull_request(asked),
        issue=words.issue(asked),
        spending=SpendingOut(**spending),
        updated_at=moment(asked.row.updated_at),
    )


def _out(report: Report, asked: Asked | None, spending: Mapping[str, Any] | None, language: str) -> StatusOut:
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
        pull_request=words.pull_request(asked),
        issue=words.issue(asked),
        spending=SpendingOut(**spending) if spending is not None else None,
        updated_at=moment(installed.updated_at),
    )
