"""How the queue stands, and what of it is not as it should be, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.integrations import Installed
from core.texts import TN, T, Text
from storage import queue_status as rows
from storage.queue_status import Share, Standing

DEEP = 100
"""Events that wait, beyond which a queue is too deep (the troubleshooting guide's own bound)."""
OLD_SECONDS = 300.0
"""How long an event may wait for a worker."""


@dataclass(frozen=True)
class Status:
    """How the queue stands. `oldest_age` is in seconds; `sentences` say what is wrong, or that nothing is."""

    standing: Standing
    oldest_age: float | None
    paused: bool
    healthy: bool
    sentences: tuple[Text, ...]

    @property
    def depth(self) -> int:
        """How many events wait for a worker, or for their next attempt."""
        standing = self.standing
        return standing.queued + max(0, standing.troubles["failed"] - sum(standing.waiting_for.values()))


async def of_integration(ctx: Context, installed: Installed) -> Status:
    """Return how an integration's queue stands."""
    now = ctx.clock.now()
    standing = await ctx.db.read(rows.standing, now=now, integration_id=installed.id)
    return judged(standing, now=now, paused=installed.status != "active")


async def of_all(ctx: Context) -> Status:
    """Return how the queue of all integrations stands."""
    now = ctx.clock.now()
    paused = await ctx.db.read(rows.any_paused)
    return judged(await ctx.db.read(rows.standing, now=now), now=now, paused=paused)


async def by_integration(ctx: Context, *, most: int) -> Sequence[Share]:
    """Return the integrations that have most in the queue or dead, those in trouble first."""
    return await ctx.db.read(rows.shares, most=most)


def judged(standing: Standing, *, now: float, paused: bool) -> Status:
    """Say what is wrong with a queue. Pure."""
    age_seconds = None if standing.oldest is None else max(0.0, now - standing.oldest)
    wrong = tuple(_wrong(standing, age_seconds, paused=paused))
    return Status(standing, age_seconds, paused, healthy=not wrong, sentences=wrong or (_well(standing),))


def age(seconds: float) -> Text:
    """Return how long something has lasted, in words."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return _counted(unit, int(seconds // length))
    return _counted("second", int(seconds))


def _counted(unit: str, count: int) -> Text:
    match unit:
        case "day":
            return TN("{count} day", "{count} days", count)
        case "hour":
            return TN("{count} hour", "{count} hours", count)
        case "minute":
            return TN("{count} minute", "{count} minutes", count)
        case _:
            return TN("{count} second", "{count} seconds", count)


def _wrong(standing: Standing, oldest: float | None, *, paused: bool) -> list[Text]:
    sentences: list[Text] = []
    if paused and standing.queued:
        sentences.append(T("Events wait because their integration is not active: activate it, and they run."))
    elif oldest is not None and oldest > OLD_SECONDS:
        sentences.append(
            T("The oldest event has waited for {age}: see whether a worker runs (GET /health).", age=age(oldest))
        )
    if standing.queued > DEEP:
        waits = standing.queued
        sentences.append(
            TN("{shown} event waits for a worker.", "{shown} events wait for a worker.", waits, shown=_shown(waits))
        )
    if dead := standing.troubles["dead"]:
        sentences.append(
            TN(
                "{shown} event is dead: mend the cause, then POST …/events/retry or …/events/discard.",
                "{shown} events are dead: mend the cause, then POST …/events/retry or …/events/discard.",
                dead,
                shown=_shown(dead),
            )
        )
    for service, count in sorted(standing.waiting_for.items()):
        sentences.append(
            TN(
                "{shown} event waits for {service}, which is not configured.",
                "{shown} events wait for {service}, which is not configured.",
                count,
                shown=_shown(count),
                service=service,
            )
        )
    return sentences


def _well(standing: Standing) -> Text:
    if standing.queued or standing.processing:
        return T(
            "All is well: {queued} waiting, {running} being worked on.",
            queued=standing.queued,
            running=standing.processing,
        )
    return T("All is well: nothing waits.")


def _shown(count: int) -> Text | int:
    return T("{count} or more", count=count) if count >= rows.COUNTED else count
