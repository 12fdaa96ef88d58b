"""Replaying stored events: what would run, what the ledger would skip, and the jobs that do it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core import audit, jobs
from core.auth import Actor
from core.context import Context
from core.errors import Conflict, Invalid, NotFound
from core.events import trace
from core.integrations import Installed
from core.jobs.kinds.events import again_step, selection
from core.texts import TN, T
from storage import replay as rows
from storage.jobs import Job
from storage.replay import Sample, Selection

RESUMABLE = ("failed", "dead", "skipped")
"""What a replay takes unless it is told; one that repeats effects takes what has succeeded too."""
UNDER_WAY = rows.UNDER_WAY
"""What waits in the queue or is being worked on."""
SAMPLE = 10
"""Events that a dry run shows."""
_LATEST = 253402300799.0  # the end of the year 9999
MOMENT = 0.001
"""Identifiers know milliseconds: a replay without an end takes in the present one."""
BEFORE_ALERT = 3600.0
"""Seconds before its alert began from which on what failed belongs to it: the window that the alert tells of."""


@dataclass(frozen=True)
class Wish:
    """Which events, and how: `again` repeats effects that are done, otherwise they are skipped. Times in seconds."""

    statuses: Sequence[str] | None = None
    types: Sequence[str] | None = None
    received_from: float | None = None
    received_to: float | None = None
    event_ids: Sequence[str] | None = None
    error: str | None = None
    again: bool = False


def failed_around(began: float, until: float) -> Wish:
    """Wish for what has failed, or is dead, of the events of an alert that `began` then."""
    return Wish(statuses=("failed", "dead"), received_from=began - BEFORE_ALERT, received_to=until)


@dataclass(frozen=True)
class Preview:
    """What a replay would do. `effects`: those that the ledger holds as done, skipped by a resume, else repeated."""

    by_status: Mapping[str, int]
    by_type: Mapping[str, int]
    effects: int
    sample: Sequence[Sample]

    @property
    def would_run(self) -> int:
        """How many events."""
        return sum(self.by_status.values())


async def preview(ctx: Context, installed: Installed, wish: Wish) -> Preview:
    """Return what a replay would do; writes nothing. Raises `Invalid`, `NotFound`."""
    params, counts = await _chosen(ctx, installed, wish)
    meant = selection(installed.id, params)
    return Preview(
        by_status=_sums(counts, 0),
        by_type=_sums(counts, 1),
        effects=await ctx.db.read(rows.effects_done, meant),
        sample=await ctx.db.read(rows.sample, meant, limit=SAMPLE),
    )


async def start(ctx: Context, installed: Installed, wish: Wish, *, confirmed: bool, actor: Actor) -> Job:
    """Start a replay.

    Raises `Invalid`, `NotFound`, or `Conflict` when effects would be repeated and nobody confirmed it.
    """
    actor.require("events.replay")
    if wish.again and not confirmed:
        found = await preview(ctx, installed, wish)
        raise _unconfirmed(found.would_run, found.effects)
    return await _start(ctx, installed, wish, kind="replay", action="replay.started", actor=actor)


async def retry(ctx: Context, installed: Installed, wish: Wish, *, actor: Actor) -> Job:
    """Try events again that are dead (or failed, where the wish says so); done effects stay done."""
    actor.require("events.replay")
    return await _start(ctx, installed, wish, kind="retry", action="events.retried", actor=actor)


async def discard(ctx: Context, installed: Installed, wish: Wish, *, actor: Actor) -> Job:
    """Set events aside that are dead (or failed, where the wish says so)."""
    actor.require("events.replay")
    return await _start(ctx, installed, wish, kind="discard", action="events.discarded", actor=actor)


async def one(
    ctx: Context, installed: Installed, event_id: str, *, again: bool, confirmed: bool, actor: Actor
) -> tuple[str, int]:
    """Put one event back into the queue; return its id and its run.

    Raises `NotFound`, or `Conflict` when it is in the queue already, has nothing left to do, is of a type that the
    package does not handle, or would repeat effects and nobody confirmed it.
    """
    actor.require("events.replay")
    event = await trace.find(ctx, event_id, integration_id=installed.id)
    _refuse(installed, event.id, event.status, event.type, again=again)
    meant = Selection(installed.id, (event.status,), handled=(event.type,), event_ids=(event.id,))
    if again and not confirmed:
        raise _unconfirmed(1, await ctx.db.read(rows.effects_done, meant))
    run = event.run + (1 if again else 0)
    entry = audit.entry(
        ctx,
        actor,
        "replay.started",
        integration_id=installed.id,
        subject=event.id,
        before={"status": event.status, "run": event.run},
        after={"status": "queued", "run": run, "effects": "again" if again else "resume"},
    )
    step, now = again_step(actor.name, again=again), ctx.clock.now()
    if not await ctx.db.write(rows.requeue_one, meant, event.id, again=again, now=now, step=step, entry=entry):
        raise _under_way(event.id)
    return event.id, run


def _refuse(installed: Installed, event_id: str, status: str, type: str, *, again: bool) -> None:
    if status in UNDER_WAY:
        raise _under_way(event_id)
    if status == "succeeded" and not again:
        raise Conflict(
            T('Everything of {event} is done. `"effects": "again"` with `"confirm": true` does it once more.',
              event=event_id),
            status=status,
        )  # fmt: skip
    if not installed.source_params.handles(type):
        raise Conflict(
            T("{event} is of the type {type}, which {name} does not handle.", event=event_id, type=type,
              name=installed.name),
            status=status,
        )  # fmt: skip


def _under_way(event_id: str) -> Conflict:
    return Conflict(T("{event} is in the queue already, or is being worked on.", event=event_id), event=event_id)


async def _start(ctx: Context, installed: Installed, wish: Wish, *, kind: str, action: str, actor: Actor) -> Job:
    params, counts = await _chosen(ctx, installed, wish)
    total = sum(count for _, _, count in counts)
    return await jobs.start(
        ctx, kind=kind, action=action, params=params, total=total, actor=actor, integration_id=installed.id
    )


async def _chosen(
    ctx: Context, installed: Installed, wish: Wish
) -> tuple[dict[str, Any], Sequence[tuple[str, str, int]]]:
    """Return a job's parameters and how many events of each status and type they choose at this moment."""
    params = await _params(ctx, installed, wish)
    everything = replace(selection(installed.id, params), handled=None)
    counts = await ctx.db.read(rows.count, everything)
    handled = sorted(
        {type for status, type, _ in counts if status == "skipped" and installed.source_params.handles(type)}
    )
    kept = [(status, type, count) for status, type, count in counts if status != "skipped" or type in handled]
    return params | ({"handled": handled} if "skipped" in params["status"] else {}), kept


async def _params(ctx: Context, installed: Installed, wish: Wish) -> dict[str, Any]:
    default = (*RESUMABLE, "succeeded") if wish.again else RESUMABLE
    start, end = _within(wish.received_from), _within(wish.received_to)
    latest = ctx.clock.now() + MOMENT if end is None else end
    if start is not None and start >= latest:
        raise Invalid(T("`from` must be before `to`, and not in the future."), path="from")
    chosen = list(dict.fromkeys(wish.event_ids)) if wish.event_ids is not None else None
    if chosen is not None:
        await _know(ctx, installed, chosen)
    elif end is None:
        end = latest
    return {
        "from": start,
        "to": end,
        "status": list(dict.fromkeys(wish.statuses or default)),
        "type": list(wish.types) if wish.types is not None else None,
        "error": wish.error,
        "event_ids": chosen,
        "effects": "again" if wish.again else "resume",
    }


def _within(at: float | None) -> float | None:
    """Return a time that can be written as a date: `999999d` ago is none."""
    return None if at is None else min(max(0.0, at), _LATEST)


async def _know(ctx: Context, installed: Installed, event_ids: Sequence[str]) -> None:
    """Raise `NotFound` that lists those of `event_ids` that are no events of the integration."""
    known = await ctx.db.read(rows.known, installed.id, event_ids)
    unknown = [event_id for event_id in event_ids if event_id not in known]
    if unknown:
        raise NotFound(
            T("{name} has no such events: {events}.", name=installed.name, events=", ".join(unknown[:10])),
            unknown=unknown,
        )


def _sums(counts: Sequence[tuple[str, str, int]], place: int) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in counts:
        sums[str(row[place])] += row[2]
    return dict(sorted(sums.items()))


def _unconfirmed(events: int, effects: int) -> Conflict:
    return Conflict(
        T(
            'This would run {events} once more and repeat {effects} that are done. Send `"confirm": true` with it.',
            events=TN("{count} event", "{count} events", events),
            effects=TN("{count} effect", "{count} effects", effects),
        ),
        error="Confirmation needed",
        would_run=events,
        effects_repeated=effects,
    )
