"""The kind of job that asks GitHub to deliver again: one delivery a second, and each at most three times.

An event is healed when it arrives, by the way that every delivery takes. GitHub's rate limit, an inactive integration
or an outage hold the job up and cost no try; a token that may not do it ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from core import integrations
from core.context import Context
from core.errors import NotConfigured, Upstream
from core.gaps.redelivery import PATIENCE, ask
from core.ids import first_id
from core.integrations import Installed
from core.jobs.kind import KINDS, JobKind
from core.jobs.pieces import PATIENCE_SECONDS, waiting
from core.texts import T
from storage import arrivals, healing
from storage import gaps as rows
from storage import jobs as job_rows
from storage.gaps import Gap
from storage.healing import Piece
from storage.jobs import Job

PACE_SECONDS = 1.0
"""Between two askings."""
LONGEST_SECONDS = 10.0
"""How long one asking may take."""
LOOK_SECONDS = 5.0
"""Between two looks for what was asked for."""


class HealKind(JobKind):
    """What asks for lost deliveries."""

    name = "heal"

    async def step(self, ctx: Context, job: Job) -> None:
        """Count what has arrived, and ask for the next one."""
        assert job.integration_id is not None
        installed = await integrations.find(ctx, job.integration_id)
        await _close_arrived(ctx, installed, job)
        asked = await ctx.db.read(healing.under_way, job)
        if job.status == "cancelled":
            await _stop(ctx, job, asked)
            return
        held = await _held_up(ctx, installed)
        if held is not None:
            await ctx.db.write(job_rows.save, job, {"updated_at": ctx.clock.now(), **held})
            return
        keys = orjson.loads(job.params).get("keys")
        fresh = await ctx.db.read(healing.following, job, keys=keys, most_asked=len(PATIENCE))
        await _go_on(ctx, installed, job, asked, fresh)


async def _go_on(ctx: Context, installed: Installed, job: Job, asked: Sequence[Gap], fresh: Gap | None) -> None:
    now = ctx.clock.now()
    ended = [gap for gap in asked if _is_over(gap, now)]
    left = [gap for gap in asked if not _is_over(gap, now)]
    waits = [*left, fresh] if fresh is not None else left
    chosen = next((gap for gap in waits if gap.asked < len(PATIENCE) and _due(gap) <= now), None)
    takes = fresh if chosen is fresh or chosen is None else None
    arrived = sum(gap.closed_why == "arrived" for gap in ended)
    values: dict[str, Any] = {
        "updated_at": now,
        "succeeded": job.succeeded + arrived,
        "failed": job.failed + len(ended) - arrived,
        "error": None,
        "run_at": now + PACE_SECONDS if fresh or chosen else min([now + LOOK_SECONDS, *map(_due, left)]),
    }
    if takes is not None:
        values |= {"cursor": takes.key, "started": job.started + 1}
    if not waits:
        values |= {"status": "succeeded", "finished_at": now}
    piece = Piece(values, [gap.key for gap in ended], takes.key if takes else None, chosen, now)
    if await ctx.db.write(healing.advance, job, piece) and chosen is not None:
        await _ask(ctx, installed, job, chosen)


def _due(gap: Gap) -> float:
    """Return when to ask for it again, or to give it up: at once where GitHub has not taken an asking yet."""
    return (gap.asked_at or 0.0) + PATIENCE[min(gap.asked, len(PATIENCE)) - 1] if gap.asked else 0.0


def _is_over(gap: Gap, now: float) -> bool:
    return gap.closed_at is not None or (gap.asked >= len(PATIENCE) and _due(gap) <= now)


async def _ask(ctx: Context, installed: Installed, job: Job, gap: Gap) -> None:
    """Ask for one; what GitHub did not take costs no try, and holds the job up or ends it."""
    now = ctx.clock.now()
    try:
        if not await _asked(ctx, installed, gap):
            await ctx.db.write(rows.close, installed.id, [gap.key], now=now, why="gone")
    except (NotConfigured, Upstream) as error:
        values: dict[str, Any] = {"updated_at": now, "error": waiting(error.error, error.message)}
        limited = error.retry_after if isinstance(error, Upstream) else None
        status = error.details.get("status")
        if limited is not None:
            values["run_at"] = now + limited
            await ctx.db.write(rows.set_check, installed.id, {"wait_until": now + limited})
        elif isinstance(error, Upstream) and isinstance(status, int) and status < 500:
            values |= {"status": "failed", "finished_at": now}
        else:
            values["run_at"] = now + PATIENCE_SECONDS
        await ctx.db.write(healing.take_back, gap, job.id, values)


async def _asked(ctx: Context, installed: Installed, gap: Gap) -> bool:
    """Ask, but not for long: other jobs wait meanwhile."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await ask(ctx, installed, gap)
    except TimeoutError:
        raise Upstream(
            T("GitHub did not answer {what} in time. Try again later.", what=f"POST …/{gap.key}/attempts")
        ) from None


async def _close_arrived(ctx: Context, installed: Installed, job: Job) -> None:
    """Close the gaps of which the event has come in since they were asked for."""
    asked = [gap for gap in await ctx.db.read(healing.under_way, job) if gap.closed_at is None and gap.asked_at]
    if asked:
        since = first_id("evt", min(gap.asked_at or 0.0 for gap in asked) - 60)
        arrived = await ctx.db.read(arrivals.stored, installed.id, [gap.key for gap in asked], since=since)
        await ctx.db.write(rows.close, installed.id, sorted(arrived), now=ctx.clock.now(), why="arrived")


async def _held_up(ctx: Context, installed: Installed) -> dict[str, Any] | None:
    """Return what to write into a job that cannot go on just now, or None."""
    now = ctx.clock.now()
    if installed.status != "active":
        reason = T(
            "{name} is {status}. The job goes on when it is active again.",
            name=installed.name,
            status=installed.status,
        )
        return {"run_at": now + PATIENCE_SECONDS, "error": waiting("Integration inactive", reason)}
    until = (await ctx.db.read(rows.check_of, installed.id)).wait_until
    if until is None or until <= now:
        return None
    limited = T("GitHub's rate limit is used up. It takes requests again in {seconds} s.", seconds=round(until - now))
    return {"run_at": until, "error": waiting(Upstream.default_error, limited)}


async def _stop(ctx: Context, job: Job, asked: Sequence[Gap]) -> None:
    """End a cancelled job: what was asked for may still arrive, and the next look closes it."""
    now, arrived = ctx.clock.now(), sum(gap.closed_why == "arrived" for gap in asked)
    values = {
        "updated_at": now,
        "finished_at": now,
        "succeeded": job.succeeded + arrived,
        "skipped": job.skipped + len(asked) - arrived,
    }
    await ctx.db.write(healing.advance, job, Piece(values, [gap.key for gap in asked]))


KINDS.add("heal", HealKind())
