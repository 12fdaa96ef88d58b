"""A rule played over the recorded past, before it is saved: how often would it have fired, and when.

Minute by minute the past is handed to the very functions that look at the present (`core.alerts.evaluation`,
`core.alerts.states`, `core.alerting.values`), so that both say the same of the same numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core import audit
from core.alerting.past import Past, Replay
from core.alerting.values import LONG_WINDOW, Needs, needs
from core.alerts.evaluation import evaluate
from core.alerts.language import parse
from core.alerts.rule import Rule
from core.alerts.states import Standing, advance
from core.context import Context
from core.errors import Invalid
from core.metrics.known import METRICS
from core.monitoring import HOURS_KEPT, MINUTES_KEPT, Monitoring
from core.texts import T
from storage import alert_values as rows
from storage import metrics
from storage.metrics import MINUTE
from storage.rollup import DAY

LONGEST_SECONDS = 7 * 86_400
"""Minutes are kept for a day longer (`core.monitoring.MINUTES_KEPT`): the first look has its day before."""


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


async def preview(
    ctx: Context, integration_id: str, *, condition: str, resolve_condition: str | None, min_samples: int | None,
    start: float,
) -> Preview:  # fmt: skip
    """Play a rule from `start` until now; raise `Invalid` for what is no rule (with `path` and column) or no time."""
    rule = _parsed(condition, "condition")
    ending = None if resolve_condition is None else _parsed(resolve_condition, "resolve_condition")
    end = metrics.minute_of(ctx.clock.now())
    first = metrics.minute_of(start)
    if not 0 <= first < end or end - first > LONGEST_SECONDS + MINUTE:
        raise Invalid(T("from must be between a minute and 7 days ago."), path="from")
    wanted = needs([(integration_id, one) for one in (rule, ending) if one is not None])
    past = await _read(ctx, integration_id, wanted, first, end)
    return await asyncio.to_thread(_played, past, wanted, rule, ending, min_samples, first, end)


def _parsed(text: str, path: str) -> Rule:
    try:
        return parse(text)
    except Invalid as error:
        message = T("{path}: {reason}", path=path, reason=error.message)
        raise Invalid(message, error=error.error, **{**error.details, "path": path}) from None


async def _read(ctx: Context, integration_id: str, wanted: Needs, first: int, end: int) -> Past:
    """Read all that a preview looks at, once."""
    known = (await ctx.db.read(rows.integrations))[integration_id]
    of_metrics = {*wanted.metrics, *(metric for _, metric, _ in wanted.aggregates)}
    names = {name for metric in of_metrics for name in METRICS[metric].names} | (
        {"received"} if wanted.silence else set()
    )
    back = max([LONG_WINDOW, *(seconds for *_, seconds in wanted.aggregates)])
    kept = rows.Kept(ctx.clock.now() - MINUTES_KEPT, ctx.clock.now() - HOURS_KEPT)
    minutes_from = max(first - DAY, 0)
    cells = await ctx.db.read(
        rows.rows_of, integration_id, names, start=max(0, first - back), minutes_from=minutes_from, end=end, kept=kept
    )
    gauges = {
        name: await ctx.db.read(
            rows.samples_of, integration_id, name, start=max(0, first - back), minutes_from=minutes_from, end=end,
            kept=kept,
        )
        for name in of_metrics
        if not METRICS[name].names
    }  # fmt: skip
    changes = await audit.newest(
        ctx, integration_id=integration_id, action="status.changed", at_from=first, at_to=end, limit=1000
    )
    return Past(
        known=known,
        off=not Monitoring.model_validate_json(known.monitoring).metrics_enabled,
        cells=cells,
        gauges=gauges,
        changed=[entry.at for entry in reversed(changes)],
        first=first,
    )


def _played(
    past: Past, wanted: Needs, rule: Rule, ending: Rule | None, fewest: int | None, first: int, end: int
) -> Preview:
    replay, standing = Replay(past, wanted), Standing(since=float(first), looked_at=float(first))
    fired: list[Fired] = []
    highest: float | None = None
    looks = missing = 0
    metric = ""
    previous = first
    for minute in range(first, end, MINUTE):
        values, status = replay.at(minute, previous)
        now = previous = minute + MINUTE
        samples, passed = values.of(past.known.id, status_before=status), standing.passed(now)
        verdict = evaluate(rule, samples, lasted=standing.lasted, passed=passed, fewest=fewest)
        resolve = (
            evaluate(ending, samples, lasted=standing.resolve_lasted, passed=passed, fewest=fewest)
            if ending is not None
            else None
        )
        outcome = advance(standing, verdict, resolve, now=now)
        standing = outcome.standing
        looks, missing, metric = looks + 1, missing + (verdict.would is None), metric or verdict.metric
        highest = _higher(highest, verdict.value)
        _note(fired, outcome.changes, verdict.value if verdict.holds else None, float(now))
    return Preview(first, end, looks, tuple(fired), highest, missing / max(1, looks), metric)


def _note(fired: list[Fired], changes: Sequence[str], value: float | None, now: float) -> None:
    if "firing" in changes:
        fired.append(Fired(now, None, value))
    elif fired and fired[-1].ended is None:
        last = replace(fired[-1], highest=_higher(fired[-1].highest, value))
        ended = "resolved" in changes or "ended_without_data" in changes
        fired[-1] = replace(last, ended=now) if ended else last


def _higher(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)
