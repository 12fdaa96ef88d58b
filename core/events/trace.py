"""What happened to an event, step by step, for whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from core.context import Context
from core.errors import NotFound
from core.texts import T, Text, revive
from storage import events as rows


@dataclass(frozen=True)
class Hop:
    """One step, its texts in the reader's language. `started_at` in seconds since the epoch."""

    name: str
    target: str
    detail: str
    status: str
    duration_ms: float
    error_message: str | None
    attempt: int
    run: int
    started_at: float


async def find(ctx: Context, event_id: str, *, integration_id: str | None = None) -> rows.Event:
    """Return an event (of that integration, where one is named); raise `NotFound`."""
    event = await ctx.db.read(rows.get, event_id) if event_id.isprintable() else None
    if event is None or integration_id not in (None, event.integration_id):
        raise NotFound(
            T("There is no event {event}. `ccb events` lists the newest.", event=ascii(event_id)[1:-1]),
            event=ascii(event_id)[1:-1],
        )
    return event


async def hops(ctx: Context, event: rows.Event, *, language: str) -> Sequence[Hop]:
    """Return the event's steps in order, those before its acceptance first."""
    later = await ctx.db.read(rows.steps, event.id)
    return [
        *_intake(event, language),
        *(
            Hop(
                name=step.name,
                target=step.target,
                detail=revive(step.detail, language) if step.detail else "",
                status=step.status,
                duration_ms=step.duration_ms,
                error_message=revive(step.error_message, language) if step.error_message else None,
                attempt=step.attempt,
                run=step.run,
                started_at=step.started_at,
            )
            for step in later
        ),
    ]


def _intake(event: rows.Event, language: str) -> list[Hop]:
    return [
        Hop(
            name=step["name"],
            target="",
            detail=_intake_detail(event, step).render(language),
            status="success",
            duration_ms=step["ms"],
            error_message=None,
            attempt=0,
            run=0,
            started_at=step["at"],
        )
        for step in orjson.loads(event.intake)
    ]


def _intake_detail(event: rows.Event, step: dict[str, str]) -> Text:
    match step["name"]:
        case "receive":
            return T("{size} from {remote}", size=size(event.size), remote=event.remote)
        case "verify":
            return T("{proof}", proof=step["by"])
        case _ if step["delivery"]:
            return T("delivery {delivery}…, first of its kind", delivery=step["delivery"])
        case _ if step["recognisable"]:
            return T("by a key in its payload, first of its kind")
        case _:
            return T("its sender gives no delivery id: taken as new")


def size(count: int) -> str:
    """Return a number of bytes for people, in units of 1,000: `840 B`, `10.1 KB`, `2.4 MB`."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
