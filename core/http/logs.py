"""What an integration said, and what was refused at its door."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core import integrations, log_lines, webhook_log
from core.context import Context
from core.errors import NotFound
from core.http.routes import Request, moment, route
from core.monitoring import LogLevel
from core.texts import T, revive


class LogLineOut(BaseModel):
    """One line of an integration's own log."""

    timestamp: str
    level: LogLevel
    message: str
    fields: dict[str, Any]
    event_id: str | None = Field(description="The event that it is about.")


class LogQuery(BaseModel):
    """Which lines, newest first."""

    model_config = ConfigDict(extra="forbid")

    level: LogLevel = Field("debug", description="Lines of this level and above.")
    limit: int = Field(100, ge=1, le=1000)


class RefusedOut(BaseModel):
    """A delivery that was refused."""

    timestamp: str
    status: int = Field(description="What it was answered.")
    reason: str
    message: str
    remote: str
    suppressed: int = Field(description="How many more of the kind came at that time and have no line of their own.")


class RefusedQuery(BaseModel):
    """How many, newest first."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=1000)


@route(
    "GET", "/v1/integrations/{id}/logs", permission="logs.read", tag="integrations", query=LogQuery,
    response=list[LogLineOut], errors=[NotFound], summary=T("Read an integration's own log, newest first"),
)  # fmt: skip
async def logs(ctx: Context, request: Request) -> list[LogLineOut]:
    """Read the lines that the `log` action wrote, and those of the engine about attempts that failed.

    Of a request, of which no integration has come yet, the steps on its way are read.
    """
    query = request.query_as(LogQuery)
    found = await log_lines.find(ctx, request.path["id"])
    lines = await log_lines.newest(ctx, found, level=query.level, limit=query.limit, language=request.language)
    return [
        LogLineOut(
            timestamp=moment(line.at),
            level=line.level,
            message=line.message,
            fields=line.fields,
            event_id=line.event_id,
        )
        for line in lines
    ]


@route(
    "GET", "/v1/integrations/{id}/webhook-logs", permission="logs.read", tag="webhooks", query=RefusedQuery,
    response=list[RefusedOut], errors=[NotFound], summary=T("Read which deliveries were refused, and why"),
)  # fmt: skip
async def webhook_logs(ctx: Context, request: Request) -> list[RefusedOut]:
    """Read the refused deliveries."""
    installed = await integrations.find(ctx, request.path["id"])
    refused = await webhook_log.entries(ctx, installed.id, request.query_as(RefusedQuery).limit)
    return [
        RefusedOut(
            timestamp=moment(line.at),
            status=line.status,
            reason=line.reason,
            message=revive(line.detail, request.language),
            remote=line.remote,
            suppressed=line.suppressed,
        )
        for line in refused
    ]
