"""A rule played over the recorded past, before it is saved: how often would it have fired, and when.

Minute by minute the past is handed to the very functions that look at the present (`core.alerts.evaluation`,
`core.alerts.states`, `core.alerting.values`), so that both say the same of the same numbers. Of what is too old for
minutes an hour's values are taken for the whole hour.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from core import audit
from core.alerting.judging import judged
from core.alerting.past import Past, Replay
from core.alerting.values import LONG_WINDOW, Needs, Values, needs, reach
from core.alerts.evaluation import LONGEST_LOOK, evaluate
from core.alerts.language import parse
from core.alerts.rule import Rule
from core.alerts.states import Standing, advance
from core.context import Context
from core.errors import Invalid
from core.metrics.known import METRICS
from core.monitoring import HOURS_KEPT, MINUTES_KEPT, Monitoring
from core.texts import T
from storage import alert_values as rows
from storage import gauges, metrics, rollup
from storage.metrics import MINUTE
from storage.rollup import DAY, HOUR

LONGEST_SECONDS = 30 * 86_400
HOURLY_LOOK = int(LONGEST_LOOK)
"""Seconds from look to look where hours are played: as many as one look may add to what has lasted."""


@dataclass(frozen=True)
class Fired:
    """One time for which the rule would have fired. `ended` None: it would fire still."""

    at: float
    ended: float | None
    highest: float | None


@dataclass(frozen=True)
class Preview:
    """What a rule would have done. `metric`: the one that decides; `missing`: the share of looks without data."""

    start: float
    end: float
    looks: int
    fired: tuple[Fired, ...]
    highest: float | None
    missing: float
    metric: str
    by_hours_until: int | None = None
    kept_only: bool = False


@dataclass(frozen=True)
class _Range:
    """What is played: by hours from `first` to `border`, by minutes from there to `end`."""

    first: int
    border: int
    end: int
    minutes_from: int
    """Since when minutes are read: a day of them before the first that is looked at."""


async def preview(
    ctx: Context, integration_id: str, *, condition: str, resolve_condition: str | None, min_samples: int | None,
    start: float,
) -> Preview:  # fmt: skip
    """Play a rule from `start` until now; raise `Invalid` for what is no rule (with `path` and column) or no time."""
    rule = _parsed(condition, "condition")
    ending = None if resolve_condition is None else _parsed(resolve_condition, "resolve_condition")
    now = ctx.clock.now()
    end = metrics.minute_of(now)
    if not 0 <= metrics.minute_of(start) < end or end - metrics.minute_of(start) > LONGEST_SECONDS + MINUTE:
        raise Invalid(T("from must be between a minute and 30 days ago."), path="from")
    known = (await ctx.db.read(rows.integrations))[integration_id]
    kept_from = metrics.minute_of(now - reach(known.monitoring, LONGEST_SECONDS))
    span = _range(max(metrics.minute_of(start), kept_from), end, now, await ctx.db.read(rollup.until))
    wanted = needs([(integration_id, one) for one in (rule, ending) if one is not None])
    past = await _read(ctx, known, wanted, span)
    found = await asyncio.to_thread(_played, past, wanted, rule, ending, min_samples, span)
    return replace(found, kept_only=metrics.minute_of(start) < kept_from - MINUTE)


def _range(first: int, end: int, now: float, rolled: int) -> _Range:
    """Return how a time is played. `rolled`: up to where hours are there; what is not, is read by minutes. Pure."""
    oldest = math.ceil((now - MINUTES_KEPT) / HOUR) * HOUR
    border = min(oldest, rolled // HOUR * HOUR) + DAY - HOUR
    if first < border:
        return _Range(first // HOUR * HOUR, border, end, border - DAY + HOUR)
    return _Range(first, first, end, min(max(oldest, first // HOUR * HOUR - DAY), rolled // HOUR * HOUR))


def _parsed(text: str, path: str) -> Rule:
    try:
        return parse(text)
    except Invalid as error:
        message = T("{path}: {reason}", path=path, reason=error.message)
        raise Invalid(message, error=error.error, **{**error.details, "path": path}) from None


async def _read(ctx: Context, known: rows.Known, wanted: Needs, span: _Range) -> Past:
    """Read all that a preview looks at, once."""
    of_metrics = {*wanted.metrics, *(metric for _, metric, _ in wanted.aggregates)}
    names = {name for metric in of_metrics for name in METRICS[metric].names} | (
        {"received"} if wanted.silence else set()
    )
    back = max([LONG_WINDOW, *(seconds for *_, seconds in wanted.aggregates)])
    parts = rows.by_hour(max(0, span.first - back), span.minutes_from, span.end, ctx.clock.now() - HOURS_KEPT)
    cells = await ctx.db.read(rows.rows_of, known.id, names, parts)
    sampled = {
        name: await ctx.db.read(gauges.rows_of, known.id, name, parts) for name in of_metrics if not METRICS[name].names
    }
    changes = await audit.newest(
        ctx, integration_id=known.id, action="status.changed", at_from=span.first, at_to=span.end, limit=1000
    )
    return Past(
        known=known,
        off=not Monitoring.model_validate_json(known.monitoring).metrics_enabled,
        cells=cells,
        gauges=sampled,
        changed=[entry.at for entry in reversed(changes)],
        first=span.first,
        minutes_from=span.minutes_from,
    )


def _looks(replay: Replay, span: _Range) -> Iterator[tuple[int, int, Values]]:
    """Yield when each look is, what time it stands for, and what it sees."""
    for hour in range(span.first, span.border, HOUR):
        values = replay.hour(hour)
        for now in range(hour + HOURLY_LOOK, hour + HOUR + 1, HOURLY_LOOK):
            yield now, HOURLY_LOOK, values.moved(float(now))
    for minute in range(max(span.first, span.border), span.end, MINUTE):
        yield minute + MINUTE, MINUTE, replay.minute(minute)


def _played(past: Past, wanted: Needs, rule: Rule, ending: Rule | None, fewest: int | None, span: _Range) -> Preview:
    replay, standing = Replay(past, wanted), Standing(since=float(span.first), looked_at=float(span.first))
    fired: list[Fired] = []
    highest: float | None = None
    resolved_at: float | None = None
    looks = missing = 0
    metric = ""
    for now, seconds, values in _looks(replay, span):
        samples, passed = values.of(past.known.id, status_before=replay.status(now)), standing.passed(now)
        verdict = judged(rule, samples, standing, now=now, fewest=fewest, resolved_at=resolved_at)
        resolve = (
            evaluate(ending, samples, lasted=standing.resolve_lasted, passed=passed, fewest=fewest)
            if ending is not None
            else None
        )
        outcome = advance(standing, verdict, resolve, now=now)
        resolved_at = float(now) if "resolved" in outcome.changes else resolved_at
        standing = outcome.standing
        looks, missing, metric = looks + 1, missing + seconds * (verdict.would is None), metric or verdict.metric
        highest = _higher(highest, verdict.value)
        _note(fired, outcome.changes, verdict.value if verdict.holds else None, float(now))
    return Preview(
        span.first, span.end, looks, tuple(fired), highest, missing / (span.end - span.first), metric,
        span.border if span.first < span.border else None,
    )  # fmt: skip


def _note(fired: list[Fired], changes: Sequence[str], value: float | None, now: float) -> None:
    if "firing" in changes:
        fired.append(Fired(now, None, value))
    elif fired and fired[-1].ended is None:
        last = replace(fired[-1], highest=_higher(fired[-1].highest, value))
        ended = "resolved" in changes or "ended_without_data" in changes
        fired[-1] = replace(last, ended=now) if ended else last


def _higher(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)
