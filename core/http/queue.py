"""The queue: what waits, for how long, and whether that is well."""

from __future__ import annotations

from pydantic import BaseModel, Field

from core import integrations
from core.context import Context
from core.errors import NotFound
from core.events import queue_status
from core.http.routes import Request, moment, route
from core.texts import T


class StatesOut(BaseModel):
    """How many events there are in each state that an event does not stay in, or that wants a look."""

    queued: int
    processing: int
    failed: int
    dead: int
    discarded: int


class QueueOut(BaseModel):
    """How the queue stands. A count of 10,000 means that many or more."""

    depth: int = Field(description="Events that wait for a worker, or for their next attempt.")
    oldest_age_seconds: float | None = Field(description="How long the one that has waited longest waits.")
    oldest_age: str | None = Field(description="The same, for people.")
    in_flight: int = Field(description="Events that workers have in hand.")
    dead: int
    failed: int = Field(description="Events that are tried again later, or wait for a service.")
    waiting_for: dict[str, int] = Field(description="Services that are not configured, and how many events wait.")
    states: StatesOut
    next_attempt_at: str | None = Field(description="When the next event that failed is tried again.")
    paused: bool = Field(description="The integration (of all: any of them) is not active, so that its events wait.")
    healthy: bool
    summary: str


@route(
    "GET", "/v1/integrations/{id}/queue/status", permission="events.read", tag="queue", response=QueueOut,
    errors=[NotFound], summary=T("Ask how an integration's queue stands"),
)  # fmt: skip
async def integration_status(ctx: Context, request: Request) -> QueueOut:
    """Say how many events wait, run, failed and are dead, and whether that is well."""
    installed = await integrations.find(ctx, request.path["id"])
    return _out(await queue_status.of_integration(ctx, installed), request.language)


@route(
    "GET", "/v1/queue/status", permission="events.read", tag="queue", response=QueueOut,
    summary=T("Ask how the queue of all integrations stands"),
)  # fmt: skip
async def status(ctx: Context, request: Request) -> QueueOut:
    """Say the same of all integrations together."""
    return _out(await queue_status.of_all(ctx), request.language)


def _out(found: queue_status.Status, language: str) -> QueueOut:
    standing, troubles = found.standing, found.standing.troubles
    return QueueOut(
        depth=found.depth,
        oldest_age_seconds=None if found.oldest_age is None else round(found.oldest_age, 3),
        oldest_age=None if found.oldest_age is None else queue_status.age(found.oldest_age).render(language),
        in_flight=standing.processing,
        dead=troubles["dead"],
        failed=troubles["failed"],
        waiting_for=standing.waiting_for,
        states=StatesOut(queued=standing.queued, processing=standing.processing, **troubles),
        next_attempt_at=None if standing.next_attempt is None else moment(standing.next_attempt),
        paused=found.paused,
        healthy=found.healthy,
        summary=" ".join(sentence.render(language) for sentence in found.sentences),
    )
