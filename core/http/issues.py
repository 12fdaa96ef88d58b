"""Integration requests that are GitHub issues: their logs, and taking them up again."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core import issues
from core.context import Context
from core.errors import Conflict, NotConfigured, NotFound, Unavailable, Upstream
from core.http.requests import RequestLineOut, line_out
from core.http.routes import Request, route
from core.monitoring import LEVELS
from core.monitoring import LogLevel as Level
from core.requests.model import Status
from core.texts import T


class IssueLogQuery(BaseModel):
    """Which lines: the newest of them, in the order in which they were written."""

    model_config = ConfigDict(extra="forbid")

    level: Level = Field("info", description="Lines of this level and above.")
    limit: int = Field(100, ge=1, le=1000)


class ReprocessedOut(BaseModel):
    """Where the issue stands now."""

    issue: str = Field(description="owner/repo#number.")
    request: str | None = Field(description="The request's id; null: it is none yet, for its label is missing.")
    status: Status = Field(description="The request's; failed, where it is none.")
    message: str = Field(description="What is to be done now.")
    error_details: dict[str, Any] | None
    missing_fields: list[str] = Field(description="What the template asks for and the issue does not say.")


@route(
    "GET", "/v1/issues/{issue_id}/logs", permission="logs.read", tag="issues", query=IssueLogQuery,
    response=list[RequestLineOut], errors=[NotFound, Conflict, Upstream, Unavailable, NotConfigured],
    summary=T("Read what was done with an issue that asks for an integration, the oldest first"),
)  # fmt: skip
async def logs(ctx: Context, request: Request) -> list[RequestLineOut]:
    """Read an issue's log. The id is its number, or `owner/repo#number` URL-encoded."""
    query = request.query_as(IssueLogQuery)
    reference = issues.refer(ctx, request.path["issue_id"])
    lines = await issues.log(ctx, reference, levels=LEVELS[LEVELS.index(query.level) :], limit=query.limit)
    return [line_out(line, request.language) for line in lines]


@route(
    "POST", "/v1/issues/{issue_id}/reprocess", permission="integrations.write", tag="issues", status=202,
    response=ReprocessedOut, errors=[NotFound, Conflict, Upstream, Unavailable, NotConfigured],
    summary=T("Take an issue up: begin what it asks for, or begin it again"),
)  # fmt: skip
async def reprocess(ctx: Context, request: Request) -> ReprocessedOut:
    """Read an issue from GitHub and begin what it asks for, or begin it again where it failed or was edited.

    The id is its number, or `owner/repo#number` URL-encoded.
    """
    outcome = await issues.reprocess(ctx, issues.refer(ctx, request.path["issue_id"]), actor=request.actor)
    details = outcome.error_details(request.language)
    return ReprocessedOut(
        issue=str(outcome.reference),
        request=outcome.asked.id if outcome.asked is not None else None,
        status=outcome.status,
        message=outcome.message.render(request.language),
        error_details=details,
        missing_fields=(details or {}).get("missing_fields", []),
    )
