"""Integration requests that are GitHub issues: their logs, and taking them up again."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from core import issues
from core.context import Context
from core.errors import Conflict, NotConfigured, NotFound, Unavailable, Upstream
from core.http.routes import Request, moment, route
from core.monitoring import LEVELS
from core.monitoring import LogLevel as Level
from core.texts import T, revive


class IssueLineOut(BaseModel):
    """One step of an issue's way."""

    timestamp: str
    level: Level
    step: str = Field(description="fetch, label, template or done.")
    message: str
    fields: dict[str, Any]


class IssueLogQuery(BaseModel):
    """Which lines: the newest of them, in the order in which they were written."""

    model_config = ConfigDict(extra="forbid")

    level: Level = Field("info", description="Lines of this level and above.")
    limit: int = Field(100, ge=1, le=1000)


class ReprocessedOut(BaseModel):
    """Where the issue stands now."""

    issue: str = Field(description="owner/repo#number.")
    status: Literal["requested", "failed"]
    message: str = Field(description="What is to be done now.")
    error_details: dict[str, Any] | None
    missing_fields: list[str] = Field(description="What the template asks for and the issue does not say.")


@route(
    "GET", "/v1/issues/{issue_id}/logs", permission="logs.read", tag="issues", query=IssueLogQuery,
    response=list[IssueLineOut], errors=[NotFound, Conflict, Upstream, Unavailable, NotConfigured],
    summary=T("Read what was done with an issue that asks for an integration, the oldest first"),
)  # fmt: skip
async def logs(ctx: Context, request: Request) -> list[IssueLineOut]:
    """Read an issue's log. The id is its number, or `owner/repo#number` URL-encoded."""
    query = request.query_as(IssueLogQuery)
    reference = issues.refer(ctx, request.path["issue_id"])
    lines = await issues.log(ctx, reference, levels=LEVELS[LEVELS.index(query.level) :], limit=query.limit)
    return [
        IssueLineOut(
            timestamp=moment(line.at),
            level=line.level,
            step=line.step,
            message=revive(line.message, request.language),
            fields=orjson.loads(line.fields),
        )
        for line in lines
    ]


@route(
    "POST", "/v1/issues/{issue_id}/reprocess", permission="integrations.write", tag="issues", status=202,
    response=ReprocessedOut, errors=[NotFound, Conflict, Upstream, Unavailable, NotConfigured],
    summary=T("Read an issue from GitHub again, and check its label and its template"),
)  # fmt: skip
async def reprocess(ctx: Context, request: Request) -> ReprocessedOut:
    """Take an issue's first steps again. The id is its number, or `owner/repo#number` URL-encoded."""
    outcome = await issues.reprocess(ctx, issues.refer(ctx, request.path["issue_id"]), actor=request.actor)
    return ReprocessedOut(
        issue=str(outcome.reference),
        status=outcome.status,
        message=outcome.message.render(request.language),
        error_details=dict(outcome.error_details) if outcome.error_details else None,
        missing_fields=[field.name for field in outcome.missing],
    )
