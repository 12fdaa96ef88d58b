"""Looking for an integration's gaps, and saying what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, get_args

import orjson

from core import integrations
from core.context import Context
from core.errors import Conflict, Upstream
from core.gaps import deliveries, github, sequence, silence
from core.gaps.outcome import Outcome
from core.integrations import Installed
from core.texts import T, Text
from storage import arrivals
from storage import gaps as rows
from storage.gaps import Gap, GapCheck, State

Method = Literal["github_deliveries", "sequence", "silence"]
METHODS: tuple[Method, ...] = get_args(Method)
KEPT_SECONDS = 30 * 86400.0
"""How long a gap is kept after it was closed."""
LONGEST_SECONDS = 25.0
"""How long one look may take; what is left then is the next one's."""


@dataclass(frozen=True)
class Overview:
    """What is known of an integration's gaps."""

    installed: Installed
    method: Method
    check: GapCheck
    gaps: Sequence[Gap]
    total: int


def method_of(installed: Installed) -> Method:
    """Return how gaps of an integration are noticed."""
    if installed.source.kind == "github":
        return "github_deliveries"
    return "sequence" if installed.source_params.sequence_path else "silence"


async def overview(ctx: Context, reference: str, *, state: State = "open", limit: int = 1000) -> Overview:
    """Return the gaps that are stored, newest first, and how the last look went."""
    installed = await integrations.find(ctx, reference)
    check = await ctx.db.read(rows.check_of, installed.id)
    found = await ctx.db.read(rows.listed, installed.id, state=state, limit=limit)
    total = await ctx.db.read(rows.counted, installed.id, state=state)
    return Overview(installed, method_of(installed), check, found, total)


async def known(ctx: Context, reference: str, *, state: State = "open", limit: int = 1000) -> Overview:
    """Return the same; where nobody has looked yet, look first, for at most 25 seconds."""
    found = await overview(ctx, reference, state=state, limit=limit)
    if found.check.checked_at is not None:
        return found
    with suppress(Conflict):  # somebody is looking at this moment
        await check(ctx, reference)
    return await overview(ctx, reference, state=state, limit=limit)


async def forget(ctx: Context) -> None:
    """Delete the gaps that were closed more than 30 days ago."""
    await ctx.db.write(rows.forget, closed_before=ctx.clock.now() - KEPT_SECONDS)


async def check(ctx: Context, reference: str) -> float | None:
    """Look for gaps now, for at most 25 seconds; what GitHub refuses is kept as the look's `problem`.

    Returns until when GitHub is to be left in peace (its rate limit; until then it is not asked), None where it may be
    asked. Raises `Conflict` while another look goes on.
    """
    installed = await integrations.find(ctx, reference)
    now = ctx.clock.now()
    if not await ctx.db.write(rows.begin, installed.id, now=now, until=now + 2 * LONGEST_SECONDS):
        raise Conflict(
            T("{name} is being looked at for gaps at this moment. Ask again in a minute.", name=installed.name),
            integration=installed.id,
        )
    values: dict[str, Any] = {}
    try:
        kept = await ctx.db.read(rows.check_of, installed.id)
        if kept.wait_until is None or kept.wait_until <= now:
            values = await _look(ctx, installed, kept)
    finally:
        await ctx.db.write(rows.set_check, installed.id, {"running_until": None, **values})
    until: float | None = values["wait_until"] if values else kept.wait_until
    return until


async def _look(ctx: Context, installed: Installed, kept: GapCheck) -> dict[str, Any]:
    outcome = Outcome()
    newest = await ctx.db.read(arrivals.newest_event, installed.id)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await _by_method(ctx, installed, kept, outcome)
    except TimeoutError:
        slow = T(
            "It took longer than {seconds} s. The next look goes on where this one stopped.", seconds=LONGEST_SECONDS
        )
        outcome.fail(Upstream(slow, error="Not finished"), now=ctx.clock.now())
    return {
        "checked_at": ctx.clock.now(),
        "complete": outcome.complete,
        "wait_until": outcome.wait_until,
        "problem": outcome.problem,
        "findings": orjson.dumps(outcome.findings).decode(),
        "event_mark": newest[0] if newest else kept.event_mark,
        **outcome.values,
    }


async def _by_method(ctx: Context, installed: Installed, kept: GapCheck, outcome: Outcome) -> None:
    method = method_of(installed)
    if method == "github_deliveries":
        await github.look(ctx, installed, kept, outcome)
        return
    if method == "sequence":
        await sequence.look(ctx, installed, kept, outcome)
    await silence.look(ctx, installed, kept, outcome)


def message(gap: Gap) -> Text:
    """Return in words what is missing, and why where that is known."""
    detail = orjson.loads(gap.detail)
    if gap.kind == "delivery":
        name = f"{detail['event']}.{detail['action']}" if detail["action"] else detail["event"]
        why = deliveries.reason(detail["status_code"], detail["status"])
        return T("GitHub sent {event} and it never arrived: {why}.", event=name, why=why)
    if gap.kind == "sequence":
        return T("Of the sender's count {numbers} never arrived.", numbers=sequence.numbers_of(gap))
    minutes = round((gap.at_to - gap.at_from) / 60)
    usual = round(detail["usual_seconds"] / 60)
    return T(
        "Nothing has arrived for {minutes} min; usually something comes within {usual} min.",
        minutes=minutes,
        usual=usual,
    )
