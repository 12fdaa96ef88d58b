"""Healing: starting the jobs that ask for lost deliveries, by hand and every few minutes."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import structlog

from core import gaps, integrations, jobs, listing
from core.auth import SYSTEM, Actor
from core.context import Context
from core.errors import CcbError, Conflict, Invalid
from core.gaps.github import token_of
from core.gaps.redelivery import PATIENCE
from core.integrations import Installed
from core.texts import T, revive_text
from storage import gaps as rows
from storage import healing
from storage.gaps import Gap
from storage.jobs import Job

log = structlog.get_logger()

MOST = 10_000
"""Gaps that one job heals."""


async def start(ctx: Context, reference: str, *, keys: Sequence[str] | None, actor: Actor) -> Job:
    """Start a job that asks GitHub for lost deliveries (all, or those with these keys) once more.

    What was given up before is tried anew. Where nothing is known of, it is looked for first. Raises `Conflict` (not
    GitHub's, not active, such a job runs, nobody can tell what is missing) or `Invalid` that names the keys of no open
    delivery.
    """
    actor.require("events.replay")
    installed = await integrations.find(ctx, reference)
    await _refuse(ctx, installed)
    found = await ctx.db.read(rows.listed, installed.id, kind="delivery", keys=keys, limit=MOST)
    if not found and keys is None:
        await _look_first(ctx, installed)
        found = await ctx.db.read(rows.listed, installed.id, kind="delivery", limit=MOST)
    unknown = sorted(set(keys or ()) - {gap.key for gap in found})
    if unknown:
        raise Invalid(
            T(
                "No delivery that is open has the key {keys}. GET …/events/gaps lists them.",
                keys=", ".join(unknown[:3]),
            ),
            path="keys",
            keys=unknown,
        )
    given_up = [gap.key for gap in found if gap.asked >= len(PATIENCE)]
    await ctx.db.write(rows.set_asked, installed.id, given_up, asked=0, asked_at=None)
    return await _start(ctx, installed, found, keys=keys, actor=actor)


async def _look_first(ctx: Context, installed: Installed) -> None:
    """Look for what is missing, for nothing is known; raise `Conflict` where that cannot be told either."""
    await gaps.check(ctx, installed.id)
    kept = await ctx.db.read(rows.check_of, installed.id)
    if kept.problem and not await ctx.db.read(rows.counted, installed.id, state="open"):
        problem = orjson.loads(kept.problem)
        raise Conflict(
            T("It could not be checked what is missing, so nothing is asked for: {reason}",
              reason=revive_text(problem["message"])),
            error="Not checked",
            problem=problem["error"],
        )  # fmt: skip


async def look_after(ctx: Context) -> None:
    """Look for the gaps of each active integration that has `gap_healing` switched on, and heal what can be healed.

    Once the bot's token is at its rate limit, those that share it wait for the next round.
    """
    await gaps.forget(ctx)
    limited = False
    for one in await listing.installed(ctx):
        shares = one.source.kind == "github" and token_of(one) is None
        if one.status != "active" or not one.monitoring.gap_healing or (limited and shares):
            continue
        try:
            limited |= await gaps.check(ctx, one.id) is not None and shares
            await _heal(ctx, one)
        except CcbError as error:  # such as a look by hand at this moment: the next round comes
            log.warning("gaps not looked at", integration_id=one.id, reason=str(error))


async def _heal(ctx: Context, installed: Installed) -> None:
    """Start a job for what has not been given up, unless one runs."""
    found = await ctx.db.read(rows.listed, installed.id, kind="delivery", most_asked=len(PATIENCE), limit=MOST)
    if found and await ctx.db.read(healing.running, installed.id) is None:
        await _start(ctx, installed, found, keys=None, actor=SYSTEM)


async def _start(
    ctx: Context, installed: Installed, found: Sequence[Gap], *, keys: Sequence[str] | None, actor: Actor
) -> Job:
    return await jobs.start(
        ctx,
        kind="heal",
        action="heal.started",
        params={"keys": list(keys) if keys is not None else None},
        total=len(found),
        actor=actor,
        integration_id=installed.id,
    )


async def _refuse(ctx: Context, installed: Installed) -> None:
    if installed.source.kind != "github":
        raise Conflict(
            T(
                "Only GitHub can be asked to deliver again; {name} is sent to by {source}. Ask the sender, or send the "
                "events yourself.",
                name=installed.name,
                source=installed.source.title,
            ),
            source=installed.source.kind,
        )
    if installed.status != "active":
        raise Conflict(
            T("{name} is {status} and would refuse what is delivered. Activate it first.", name=installed.name,
              status=installed.status),
            status=installed.status,
        )  # fmt: skip
    running = await ctx.db.read(healing.running, installed.id)
    if running is not None:
        raise Conflict(T("The job {job} heals it already.", job=running), job=running)
