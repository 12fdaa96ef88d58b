"""Sequence: the numbers that a sender counts its events by (`source.sequence_path`), and those that never arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from core.context import Context
from core.gaps.outcome import Outcome
from core.integrations import Installed
from core.texts import T
from storage import arrivals, gaps
from storage.gaps import Gap, GapCheck

LARGEST = 10_000
"""Numbers: a jump over more than these is no gap but a counter that was set anew."""
RUN = 20
"""So many events in a row, each below what was seen, are a counter that was set back."""
FIRST = 200_000
"""Events that the first look goes back over."""
MOST = 1_000
"""Gaps that one look finds, and open ones that it looks at again."""
_NEWEST = 10_000

Range = tuple[int, int]


def missing(low: int, high: int, present: Iterable[int]) -> list[Range]:
    """Return the ranges of numbers from `low` to `high` (both included) that are not `present`."""
    found: list[Range] = []
    for number in sorted({number for number in present if low <= number <= high}):
        if number > low:
            found.append((low, number - 1))
        low = number + 1
    return [*found, (low, high)] if low <= high else found


def was_set_back(mark: int, numbers: Sequence[int]) -> bool:
    """Say whether the newest `numbers` are of a counter that was set back, `mark` being the highest before them."""
    if not numbers or max(numbers) >= mark:
        return False
    return mark - max(numbers) > LARGEST or len(numbers) >= RUN


async def look(ctx: Context, installed: Installed, kept: GapCheck, outcome: Outcome) -> None:
    """Open a gap for each range of numbers that is missing, and close those whose numbers came late."""
    newest = await ctx.db.read(arrivals.numbers, installed.id, after=kept.event_mark, limit=_NEWEST)
    mark, since = kept.sequence_mark, kept.sequence_since
    if mark is None:
        mark = await ctx.db.read(arrivals.lowest, installed.id, most=FIRST)
    elif was_set_back(mark, [number for _, number in newest]):
        outcome.note(
            "sequence",
            T(
                "The sender counts from {number} again, after {mark}: what it counted before is not compared any more.",
                number=newest[-1][1],
                mark=mark,
            ),
        )
        mark, since = min(number for _, number in newest), newest[0][0]
    await _fill(ctx, installed)
    if mark is None:
        return
    jumps, highest = await ctx.db.read(arrivals.breaks, installed.id, above=mark, since=since, limit=MOST)
    await ctx.db.write(gaps.put, _gaps(ctx, installed, jumps, since, outcome))
    if len(jumps) == MOST:
        outcome.complete, highest = False, jumps[-1][1]
    outcome.values |= {"sequence_mark": mark if highest is None else highest, "sequence_since": since}


def _gaps(
    ctx: Context, installed: Installed, jumps: Sequence[tuple[int, int, float]], since: str, outcome: Outcome
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for before, after, at in jumps:
        if after - before > LARGEST:
            outcome.note(
                "sequence",
                T(
                    "The sender's count jumps from {before} to {after}: too far for a gap, so it was set anew.",
                    before=before,
                    after=after,
                ),
            )
            continue
        low, high = before + 1, after - 1
        detail = {"missing": [[low, high]], "since": since}
        found.append(
            {
                "integration_id": installed.id,
                "key": _key(low, high, since),
                "kind": "sequence",
                "at_from": at,
                "at_to": at,
                "detail": orjson.dumps(detail).decode(),
                "detected_at": ctx.clock.now(),
            }
        )
    return found


def _key(low: int, high: int, since: str) -> str:
    """Return a gap's key; after a counter was set back the same numbers can be missing once more."""
    numbers = f"seq:{low}-{high}" if high > low else f"seq:{low}"
    return f"{numbers}@{since[-6:]}" if since else numbers


async def _fill(ctx: Context, installed: Installed) -> None:
    """Look again for what was missing."""
    for gap in await ctx.db.read(gaps.listed, installed.id, kind="sequence", limit=MOST):
        detail = orjson.loads(gap.detail)
        low, high = detail["missing"][0][0], detail["missing"][-1][1]
        present = await ctx.db.read(arrivals.between, installed.id, low, high, since=detail["since"])
        left = [found for low, high in detail["missing"] for found in missing(low, high, present)]
        if not left:
            await ctx.db.write(gaps.close, installed.id, [gap.key], now=ctx.clock.now(), why="arrived")
        elif left != [tuple(found) for found in detail["missing"]]:
            kept = {**gap.model_dump(), "detail": orjson.dumps({**detail, "missing": left}).decode()}
            await ctx.db.write(gaps.put, [kept])


def numbers_of(gap: Gap) -> str:
    """Return the numbers that a gap lacks: `10-12, 15`."""
    ranges: list[Range] = orjson.loads(gap.detail)["missing"]
    return ", ".join(f"{low}-{high}" if high > low else str(low) for low, high in ranges)
