"""Events and their steps: `/v1/events` over all integrations, `/v1/integrations/{id}/events` for one."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import durations, integrations
from core.context import Context
from core.errors import NotFound
from core.events import trace
from core.http.routes import Request, json_response, moment, route, time_of
from core.http.times import AGO, in_order
from core.ids import first_id
from core.texts import T, revive
from storage import event_list
from storage import events as rows
from storage.integrations import OWN

Status = Literal["queued", "processing", "succeeded", "failed", "dead", "skipped", "discarded"]


class ErrorOut(BaseModel):
    """Why the last attempt failed."""

    error: str
    message: str


class EventOut(BaseModel):
    """One accepted delivery, and where it stands."""

    id: str
    integration_id: str
    integration: str = Field(description="The integration's slug.")
    type: str
    status: Status
    timestamp: str = Field(description="When it was received.")
    processing_time: str | None = Field(description="From its acceptance to its end, for people.")
    processing_time_ms: float | None
    attempt: int
    attempts: int = Field(description="The most tries that its integration's configuration allows.")
    run: int
    duplicates: int = Field(description="How often it was delivered again.")
    size: int = Field(description="Bytes of the body.")
    remote: str
    delivery_id: str | None
    version: str | None = Field(description="The commit or package that the last attempt ran.")
    error: ErrorOut | None
    retry_at: str | None
    waiting_for: str | None = Field(description="A service that is not configured, which it waits for.")


class StepOut(BaseModel):
    """One hop of an event's way."""

    name: str
    target: str
    detail: str
    status: Literal["success", "error", "skipped"]
    duration: str
    duration_ms: float
    error_message: str | None
    attempt: int
    run: int
    started_at: str


EVENT_ID = "^evt_[0-9A-HJKMNP-TV-Z]{26}$"


class Page(BaseModel):
    """Which events, newest first."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    type: str | None = None
    duplicate: bool = Field(False, description="Only those that were delivered more than once.")
    from_: str | None = Field(None, alias="from", description="15m, 1h, 7d ago, or ISO 8601.", json_schema_extra=AGO)
    to: str | None = Field(None, json_schema_extra=AGO)
    q: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The beginning of an event's id; else the delivery id, or a part of the type or of the error.",
    )
    after: str | None = Field(
        None, pattern=EVENT_ID, description="The id of the last event of the page before; the Link header has it."
    )
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=100_000)


class AllPage(Page):
    """Which events, over all integrations."""

    integration: str | None = Field(None, description="Id or slug.")
    own: bool = Field(True, description="Whether those of the bot's own GitHub webhook (`ccb-github`) are among them.")


@route(
    "GET", "/v1/events", permission="events.read", tag="events", query=AllPage, response=list[EventOut],
    errors=[NotFound], headers=["Link"], summary=T("List the events of all integrations, newest first"),
)  # fmt: skip
async def all_events(ctx: Context, request: Request) -> web.Response:
    """List events. A `Link` header with `rel="next"` leads to the next page, at the same cost everywhere.

    A type, a text, and the statuses succeeded and skipped are looked for among the next 20,000 events: such a page may
    have fewer events than `limit`, or none, and still a next one. Of queued events the newest 20,000 are listed.
    """
    query = request.query_as(AllPage)
    return await _page(ctx, request, query, query.integration, own=query.own)


@route(
    "GET", "/v1/integrations/{id}/events", permission="events.read", tag="events", query=Page,
    response=list[EventOut], errors=[NotFound], headers=["Link"],
    summary=T("List an integration's events, newest first"),
)  # fmt: skip
async def integration_events(ctx: Context, request: Request) -> web.Response:
    """List one integration's events; see `/v1/events` for how pages follow each other."""
    return await _page(ctx, request, request.query_as(Page), request.path["id"])


@route(
    "GET", "/v1/events/{event_id}", permission="events.read", tag="events", response=EventOut, errors=[NotFound],
    summary=T("Get an event"),
)  # fmt: skip
async def event(ctx: Context, request: Request) -> EventOut:
    """Get one event."""
    return await _out(ctx, await trace.find(ctx, request.path["event_id"]), request.language)


@route(
    "GET", "/v1/integrations/{id}/events/{event_id}", permission="events.read", tag="events", response=EventOut,
    errors=[NotFound],
    summary=T("Get an event of an integration"),
)  # fmt: skip
async def integration_event(ctx: Context, request: Request) -> EventOut:
    """Get one event of this integration."""
    return await _out(ctx, await _of_integration(ctx, request), request.language)


@route(
    "GET", "/v1/events/{event_id}/steps", permission="events.read", tag="events", response=list[StepOut],
    errors=[NotFound], summary=T("Trace an event: its steps in order"),
)  # fmt: skip
async def steps(ctx: Context, request: Request) -> list[StepOut]:
    """List an event's steps."""
    return await _steps(ctx, await trace.find(ctx, request.path["event_id"]), request.language)


@route(
    "GET", "/v1/integrations/{id}/events/{event_id}/steps", permission="events.read", tag="events",
    response=list[StepOut], errors=[NotFound],
    summary=T("Trace an event of an integration: its steps in order"),
)  # fmt: skip
async def integration_steps(ctx: Context, request: Request) -> list[StepOut]:
    """List the steps of an event of this integration."""
    return await _steps(ctx, await _of_integration(ctx, request), request.language)


async def _of_integration(ctx: Context, request: Request) -> rows.Event:
    installed = await integrations.find(ctx, request.path["id"])
    return await trace.find(ctx, request.path["event_id"], integration_id=installed.id)


async def _page(
    ctx: Context, request: Request, query: Page, reference: str | None, *, own: bool = True
) -> web.Response:
    found = await _found(ctx, query, reference, own=own)
    headers = {}
    if found.after is not None:
        following = request.raw.rel_url.without_query_params("offset").update_query(after=found.after)
        headers["Link"] = f'<{following}>; rel="next"'
    return json_response([await _out(ctx, event, request.language) for event in found.events], headers=headers)


async def integration_events_of(
    ctx: Context, request: Request, query: Page, reference: str
) -> tuple[list[EventOut], str | None]:
    """Return an integration's events as they are shown, and after which the next page begins."""
    found = await _found(ctx, query, reference)
    return [await _out(ctx, event, request.language) for event in found.events], found.after


async def _found(ctx: Context, query: Page, reference: str | None, *, own: bool = True) -> event_list.Found:
    installed = await integrations.find(ctx, reference) if reference is not None else None
    now = ctx.clock.now()
    received_from = time_of(query.from_, now=now, path="from")
    received_to = time_of(query.to, now=now, path="to")
    in_order(received_from, received_to)
    wanted = event_list.Wanted(
        now=now,
        integration_id=installed.id if installed else None,
        status=query.status,
        type=query.type,
        duplicate=query.duplicate,
        without=None if own else OWN,
        first=first_id("evt", received_from) if received_from is not None else None,
        before=first_id("evt", received_to) if received_to is not None else None,
        after=query.after,
        text=query.q,
        limit=query.limit,
        offset=query.offset,
    )
    return await ctx.db.read(event_list.page, wanted)


async def _out(ctx: Context, event: rows.Event, language: str) -> EventOut:
    installed = await integrations.find(ctx, event.integration_id)
    took = (event.finished_at - event.received_at) * 1e3 if event.finished_at else None
    error: dict[str, Any] | None = orjson.loads(event.error) if event.error else None
    return EventOut(
        id=event.id,
        integration_id=event.integration_id,
        integration=installed.slug,
        type=event.type,
        status=event.status,
        timestamp=moment(event.received_at),
        processing_time=durations.show(took) if took is not None else None,
        processing_time_ms=round(took, 3) if took is not None else None,
        attempt=event.attempt,
        attempts=installed.engine.retry_attempts,
        run=event.run,
        duplicates=event.duplicates,
        size=event.size,
        remote=event.remote,
        delivery_id=event.delivery_id,
        version=event.version,
        error=ErrorOut(error=error["error"], message=revive(error["message"], language)) if error else None,
        retry_at=moment(event.run_at) if event.run_at and event.status == "failed" else None,
        waiting_for=event.waiting_for,
    )


async def _steps(ctx: Context, event: rows.Event, language: str) -> list[StepOut]:
    return [
        StepOut(
            name=hop.name,
            target=hop.target,
            detail=hop.detail,
            status=hop.status,
            duration=durations.show(hop.duration_ms),
            duration_ms=round(hop.duration_ms, 3),
            error_message=hop.error_message,
            attempt=hop.attempt,
            run=hop.run,
            started_at=moment(hop.started_at),
        )
        for hop in await trace.hops(ctx, event, language=language)
    ]
