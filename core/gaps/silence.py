"""Silence: nothing has arrived for longer than the integration's usual rhythm explains.

The rule. Of the last 200 events the intervals are taken; it is silent when nothing has come for longer than each of:

- four times the interval that 95 of 100 of them do not exceed,
- ten minutes,
- a quarter more than the longest interval of the last seven days: a night, or a weekend, is normal once it was seen.

So a pattern is told once, then learned; fewer than 20 events say nothing. A change of the integration (switched on,
configured) starts the wait anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from core.context import Context
from core.gaps.outcome import Outcome
from core.ids import first_id
from core.integrations import Installed
from storage import arrivals, gaps
from storage.gaps import GapCheck

FEWEST = 20
NEWEST = 200
TIMES_USUAL = 4.0
SHORTEST = 600.0
SLACK = 1.25
DAY = 86400.0
DAYS = 7
_MOST_READ = 100_000
"""Events whose times one look reads."""


def usual(times: Sequence[float]) -> float | None:
    """Return the interval that 95 of 100 do not exceed (nearest rank); None for fewer than 20 times, in order."""
    if len(times) < FEWEST:
        return None
    intervals = sorted(max(0.0, after - before) for before, after in pairwise(times))
    return intervals[math.ceil(0.95 * len(intervals)) - 1]


def patience(times: Sequence[float], longest: float) -> float | None:
    """Return after how many seconds without an event it is silent; None where there are too few to tell.

    `longest`: the longest interval of the last seven days.
    """
    rhythm = usual(times)
    return None if rhythm is None else max(TIMES_USUAL * rhythm, SHORTEST, SLACK * longest)


def learned(kept: Mapping[int, float], times: Sequence[float], *, now: float) -> dict[int, float]:
    """Return for each of the last days the longest interval that ended on it; `times` are in order."""
    days = {day: longest for day, longest in kept.items() if day > now // DAY - DAYS - 1}
    for before, after in pairwise(times):
        day = int(after // DAY)
        if day > now // DAY - DAYS - 1:
            days[day] = max(days.get(day, 0.0), after - before)
    return days


async def look(ctx: Context, installed: Installed, kept: GapCheck, outcome: Outcome) -> None:
    """Open a gap for a silence, go on with one that lasts, close one that has ended."""
    now = ctx.clock.now()
    since = kept.event_mark or first_id("evt", now - DAYS * DAY)
    fresh = await ctx.db.read(arrivals.times, installed.id, since=since, limit=_MOST_READ)
    days = learned({int(day): value for day, value in orjson.loads(kept.rhythm).items()}, fresh, now=now)
    outcome.values["rhythm"] = orjson.dumps({str(day): value for day, value in days.items()}).decode()
    newest = await ctx.db.read(arrivals.times, installed.id, since="", limit=NEWEST)
    await _end(ctx, installed, fresh)
    limit = patience(newest, max(days.values(), default=0.0))
    if limit is None or installed.status != "active":
        return
    if now - max(newest[-1], installed.updated_at) > limit:
        await ctx.db.write(gaps.put, [_gap(installed, newest[-1], limit, now)])


def _gap(installed: Installed, last: float, limit: float, now: float) -> dict[str, Any]:
    return {
        "integration_id": installed.id,
        "key": f"silence:{int(last)}",
        "kind": "silence",
        "at_from": last,
        "at_to": now,
        "detail": orjson.dumps({"usual_seconds": round(limit, 1)}).decode(),
        "detected_at": now,
    }


async def _end(ctx: Context, installed: Installed, fresh: Sequence[float]) -> None:
    for gap in await ctx.db.read(gaps.listed, installed.id, kind="silence"):
        later = next((time for time in fresh if time > gap.at_from), None)
        if later is not None:
            now = ctx.clock.now()
            await ctx.db.write(gaps.close, installed.id, [gap.key], now=now, why="ended", at_to=later)
