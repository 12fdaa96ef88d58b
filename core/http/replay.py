"""Replay: run stored events again, one or many; retry and discard what is dead."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from core import integrations
from core.context import Context
from core.errors import Conflict, NotFound
from core.events import replay
from core.events.replay import Wish
from core.http.jobs import JobOut, accepted
from core.http.routes import Request, json_response, route, time_of
from core.http.times import AGO
from core.texts import T
from storage.replay import Sample

Effects = Literal["resume", "again"]
EventId = Annotated[str, Field(max_length=100)]
TypeName = Annotated[str, Field(max_length=500)]
_BOUNDS: list[JsonValue] = [
    {"required": ["from"], "properties": {"from": {"type": "string"}}},
    {"required": ["event_ids"], "properties": {"event_ids": {"type": "array"}}},
]
"""One of them must be there: a replay of everything is asked for by the time from which on."""


class _Choice(BaseModel):
    """Which events."""

    model_config = ConfigDict(extra="forbid")

    from_: str | None = Field(
        None,
        alias="from",
        description="15m, 1h, 7d ago, or ISO 8601: when they were received.",
        json_schema_extra=AGO,
    )
    to: str | None = Field(None, description="Until then; else until now.", json_schema_extra=AGO)
    event_ids: list[EventId] | None = Field(None, min_length=1, max_length=1000)


class ReplayIn(_Choice):
    """Which events to run again, and what of them."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"anyOf": _BOUNDS})

    status: list[Literal["succeeded", "failed", "dead", "skipped", "discarded"]] | None = Field(
        None, min_length=1, description="Else failed, dead and skipped; with effects again succeeded too."
    )
    type: list[TypeName] | None = Field(None, min_length=1, max_length=100)
    effects: Effects = Field("resume", description="resume: what is done stays done. again: all is done once more.")
    dry_run: bool = Field(False, description="Only say what would run.")
    confirm: bool = Field(False, description="Needed with effects again.")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.from_ is None and self.event_ids is None:
            raise ValueError(T("give from, event_ids, or both"))
        return self


class BulkIn(_Choice):
    """Which events of those that failed."""

    type: list[TypeName] | TypeName | None = None
    error: str | None = Field(None, min_length=1, max_length=500, description="The short error, exactly.")


class RetryIn(BulkIn):
    """Which events to try again."""

    status: list[Literal["dead", "failed", "discarded"]] = Field(["dead"], min_length=1)


class DiscardIn(BulkIn):
    """Which events to set aside."""

    status: list[Literal["dead", "failed"]] = Field(["dead"], min_length=1)


class OneIn(BaseModel):
    """How to run one event again."""

    model_config = ConfigDict(extra="forbid")

    effects: Effects = "resume"
    confirm: bool = False


class SampleOut(BaseModel):
    """One event that would run."""

    event_id: str
    type: str
    status: str
    would: Literal["resume", "run", "again"] = Field(
        description="resume: what is left of the stored actions. run: the handler, then its actions. again: a new run."
    )
    effects_done: int
    effects_left: int | None = Field(description="Null: known once the handler has run.")


class PreviewOut(BaseModel):
    """What a replay would do."""

    would_run: int
    by_status: dict[str, int]
    by_type: dict[str, int]
    effects_skipped: int = Field(description="Effects that are done and would not be repeated.")
    effects_repeated: int = Field(description="Effects that are done and would be repeated.")
    sample: list[SampleOut] = Field(description="The oldest ten.")


class QueuedOut(BaseModel):
    """An event that is in the queue again."""

    event_id: str
    status: Literal["queued"] = "queued"
    run: int


@route(
    "POST", "/v1/integrations/{id}/replay", permission="events.replay", tag="replay", request=ReplayIn, status=202,
    response=JobOut, also={200: PreviewOut}, headers=["Location"], errors=[Conflict, NotFound],
    summary=T("Run stored events again, as a job; with dry_run say what would run"),
)  # fmt: skip
async def start(ctx: Context, request: Request) -> web.Response:
    """Replay events by when they came, what became of them, their types, or their ids.

    What the ledger holds as done is skipped, unless `effects` is `again`. `dry_run` answers 200 and changes nothing.
    """
    wish = request.body_as(ReplayIn)
    installed = await integrations.find(ctx, request.path["id"])
    again = wish.effects == "again"
    meant = _wish(ctx, wish, statuses=wish.status, types=wish.type, again=again)
    if wish.dry_run:
        found = await replay.preview(ctx, installed, meant)
        return json_response(_preview(found, again=again))
    job = await replay.start(ctx, installed, meant, confirmed=wish.confirm, actor=request.actor)
    return accepted(job, request)


@route(
    "POST", "/v1/integrations/{id}/events/{event_id}/replay", permission="events.replay", tag="replay", request=OneIn,
    status=202, response=QueuedOut, errors=[Conflict, NotFound], summary=T("Run one stored event again"),
)  # fmt: skip
async def one(ctx: Context, request: Request) -> QueuedOut:
    """Put one event back into the queue."""
    wish = request.body_as(OneIn)
    installed = await integrations.find(ctx, request.path["id"])
    event_id, run = await replay.one(
        ctx,
        installed,
        request.path["event_id"],
        again=wish.effects == "again",
        confirmed=wish.confirm,
        actor=request.actor,
    )
    return QueuedOut(event_id=event_id, run=run)


@route(
    "POST", "/v1/integrations/{id}/events/retry", permission="events.replay", tag="replay", request=RetryIn,
    status=202, response=JobOut, headers=["Location"], errors=[NotFound],
    summary=T("Try events again that are dead, as a job"),
)  # fmt: skip
async def retry(ctx: Context, request: Request) -> web.Response:
    """Retry dead events (or failed, or discarded ones); done effects stay done."""
    wish = request.body_as(RetryIn)
    installed = await integrations.find(ctx, request.path["id"])
    meant = _bulk(ctx, wish, wish.status)
    return accepted(await replay.retry(ctx, installed, meant, actor=request.actor), request)


@route(
    "POST", "/v1/integrations/{id}/events/discard", permission="events.replay", tag="replay", request=DiscardIn,
    status=202, response=JobOut, headers=["Location"], errors=[NotFound],
    summary=T("Set events aside that are dead, as a job"),
)  # fmt: skip
async def discard(ctx: Context, request: Request) -> web.Response:
    """Discard dead (or failed) events; a replay that names their status still runs them."""
    wish = request.body_as(DiscardIn)
    installed = await integrations.find(ctx, request.path["id"])
    meant = _bulk(ctx, wish, wish.status)
    return accepted(await replay.discard(ctx, installed, meant, actor=request.actor), request)


def _bulk(ctx: Context, wish: BulkIn, statuses: list[Any]) -> Wish:
    types = [wish.type] if isinstance(wish.type, str) else wish.type
    return _wish(ctx, wish, statuses=statuses, types=types, error=wish.error)


def _wish(ctx: Context, choice: _Choice, **more: Any) -> Wish:
    now = ctx.clock.now()
    return Wish(
        received_from=time_of(choice.from_, now=now, path="from"),
        received_to=time_of(choice.to, now=now, path="to"),
        event_ids=choice.event_ids,
        **more,
    )


def _preview(found: replay.Preview, *, again: bool) -> PreviewOut:
    return PreviewOut(
        would_run=found.would_run,
        by_status=dict(found.by_status),
        by_type=dict(found.by_type),
        effects_skipped=0 if again else found.effects,
        effects_repeated=found.effects if again else 0,
        sample=[_sample(event, again=again) for event in found.sample],
    )


def _sample(event: Sample, *, again: bool) -> SampleOut:
    left = None if again or event.effects is None else event.effects - event.effects_done
    would = "again" if again else "run" if event.effects is None else "resume"
    return SampleOut(
        event_id=event.event_id,
        type=event.type,
        status=event.status,
        would=would,
        effects_done=event.effects_done,
        effects_left=left,
    )
