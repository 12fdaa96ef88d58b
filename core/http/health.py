"""Is it up? `/health` for people and monitors, `/health/live` and `/health/ready` for whoever starts and stops it."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import health
from core.context import Context
from core.errors import Malformed, TooMany, Unauthenticated, Unavailable
from core.http.middleware import caller
from core.http.node import NODE
from core.http.routes import Request, json_response, route
from core.texts import T, Text

VERSION = version("claude-code-bot")


class HealthQuery(BaseModel):
    """How to ask."""

    model_config = ConfigDict(extra="forbid")

    fresh: bool = Field(False, description="Ask everything anew, outside services too, and show details; needs a key.")


class DependencyOut(BaseModel):
    """Something that the engine depends on."""

    status: health.Status
    latency_ms: float | None = Field(None, description="How long it took to answer.")
    settings: list[str] | None = Field(None, description="What would configure it.")
    detail: str | None = Field(None, description="What it said; only with `fresh`.")


class HealthOut(BaseModel):
    """The engine's health. `down`: a dependency without which nothing works does not answer.

    `starting`: all is well so far, and the first answer of an outside service is still to come.
    """

    status: health.Overall
    version: str
    uptime_seconds: float
    dependencies: dict[str, DependencyOut]


class AliveOut(BaseModel):
    """A plain yes."""

    status: Literal["ok"]


@route(
    "GET", "/health", permission=None, open=True, tag="health", query=HealthQuery, response=HealthOut,
    errors=(Unavailable, Malformed, Unauthenticated, TooMany),
    summary=T("Health of the engine and of what it depends on"),
)  # fmt: skip
async def overall(ctx: Context, request: Request) -> web.Response:
    """Answer 200, or 503 when it is down. What outside services said is at most a minute old."""
    fresh = request.query_as(HealthQuery).fresh
    if fresh:
        await caller(ctx, request.raw)
    found = await health.report(ctx, fresh=fresh)
    shown = HealthOut(
        status=found.status,
        version=VERSION,
        uptime_seconds=round(time.monotonic() - request.raw.app[NODE].started, 1),
        dependencies={
            name: _out(finding, request.language if fresh else None) for name, finding in found.dependencies.items()
        },
    )
    content: dict[str, Any] = shown.model_dump(exclude_none=True)
    if found.status == "down":
        raise Unavailable(T("What the engine cannot do without does not work: `dependencies` says what."), **content)
    return json_response(content)


@route(
    "GET", "/health/live", permission=None, open=True, tag="health", response=AliveOut,
    summary=T("Does the process serve? (liveness)"),
)  # fmt: skip
async def live(ctx: Context, request: Request) -> AliveOut:
    """Answer as long as the process serves, whatever it depends on."""
    return AliveOut(status="ok")


@route(
    "GET", "/health/ready", permission=None, open=True, tag="health", response=AliveOut, errors=(Unavailable,),
    summary=T("May requests be sent here? (readiness)"),
)  # fmt: skip
async def ready(ctx: Context, request: Request) -> AliveOut:
    """Answer 200, or 503 when the database does not answer or this node is stopping."""
    if request.raw.app[NODE].stopping:
        raise Unavailable(T("This node is stopping."))
    if (await health.one(ctx, "database")).status != "ok":
        raise Unavailable(T("The database does not answer."))
    return AliveOut(status="ok")


def _out(finding: health.Finding, language: str | None) -> DependencyOut:
    """Show a finding; without a language its detail stays unsaid, for it is not everybody's."""
    detail = finding.detail
    said = detail.render(language or "en") if isinstance(detail, Text) else detail
    return DependencyOut(
        status=finding.status,
        latency_ms=finding.latency_ms,
        settings=list(finding.settings) or None,
        detail=(said or None) if language else None,
    )
