"""A rule played over the recorded past, before it is saved: how often would it have fired, and when.

Minute by minute the past is handed to the very functions that look at the present (`core.alerts.evaluation`,
`core.alerts.states`, `core.alerting.values`), so that both say the same of the same numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from core import audit
from core.alerting.values import (
    LONG_WINDOW,
    MOST_SLOTS,
    WINDOW,
    Key,
    Needs,
    Values,
    extremes,
    needs,
    of_gauge,
    together,
)
from core.alerts.evaluation import Sample, evaluate
from core.alerts.language import parse
from core.alerts.measures import fewest as default_fewest
from core.alerts.rule import Rule
from core.alerts.states import Standing, advance
from core.context import Context
from core.errors import Invalid
from core.metrics.known import METRICS
from core.monitoring import Monitoring
from core.texts import T
from storage import alert_values as rows
from storage import metrics
from storage.metrics import MINUTE

LONGEST_SECONDS = 30 * 86_400
BY_MINUTE_SECONDS = 7 * 86_400
"""Up to so long a past is looked at every minute; a longer one every other minute."""
LONGEST_BACK = 86_400
"""How far before its beginning a preview reads for `avg(…, 7d)`: what is longer is told of what there is."""


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


@dataclass
class _Past:
    """What was recorded of one integration, by minute."""

    known: rows.Known
    off: bool
    counts: Mapping[int, Mapping[str, Mapping[int, float]]]
    gauges: Mapping[str, Mapping[int, float]]
    changed: Sequence[float]
    first: int


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
        raise Invalid(T("from must be between a minute and 30 days ago."), path="from")
    wanted = needs([rule] if ending is None else [rule, ending])
    past = await _read(ctx, integration_id, wanted, first, end)
    return await asyncio.to_thread(_played, past, wanted, rule, ending, min_samples, first, end)


def _parsed(text: str, path: str) -> Rule:
    try:
        return parse(text)
    except Invalid as error:
        message = T("{path}: {reason}", path=path, reason=error.message)
        raise Invalid(message, error=error.error, **{**error.details, "path": path}) from None


async def _read(ctx: Context, integration_id: str, wanted: Needs, first: int, end: int) -> _Past:
    known = (await ctx.db.read(rows.integrations))[integration_id]
    of_metrics = {*wanted.metrics, *(metric for _, metric, _ in wanted.aggregates)}
    counted = [METRICS[name] for name in of_metrics if METRICS[name].names]
    names = {name for metric in counted for name in metric.names} | ({"received"} if wanted.silence else set())
    back = min(LONGEST_BACK, max([LONG_WINDOW, *(seconds for *_, seconds in wanted.aggregates)]))
    start = max(0, first - back)
    slots = (
        await ctx.db.read(rows.counts, names, start=start, end=end, step=MINUTE, only=[integration_id]) if names else []
    )
    gauges: dict[str, Mapping[int, float]] = {}
    for name in of_metrics:
        if not METRICS[name].names:
            found = await ctx.db.read(
                metrics.peaks, integration_id=integration_id, name=name, start=start, end=end, step=MINUTE
            )
            gauges[name] = {start + slot * MINUTE: value for slot, value in found.items()}
    changes = await audit.newest(
        ctx, integration_id=integration_id, action="status.changed", at_from=first, at_to=end, limit=1000
    )
    return _Past(
        known=known,
        off=not Monitoring.model_validate_json(known.monitoring).metrics_enabled,
        counts={start + slot * MINUTE: found.get(integration_id, {}) for slot, found in slots},
        gauges=gauges,
        changed=[entry.at for entry in reversed(changes)],
        first=start,
    )


@dataclass
class _Sum:
    """What was counted in the last `seconds`, moved on minute by minute."""

    past: _Past
    seconds: int
    end: int
    """The first minute that is not in it."""
    held: dict[str, dict[int, float]] = field(default_factory=dict)

    def to(self, end: int) -> dict[str, dict[int, float]]:
        """Return what was counted in the `seconds` before `end`."""
        width = -(-self.seconds // MINUTE) * MINUTE
        for minute in range(self.end, end, MINUTE):
            self._add(minute, 1.0)
            self._add(minute - width, -1.0)
        self.end = end
        return self.held

    def _add(self, minute: int, sign: float) -> None:
        for name, buckets in self.past.counts.get(minute, {}).items():
            held = self.held.setdefault(name, {})
            for bucket, value in buckets.items():
                left = held.get(bucket, 0.0) + sign * value
                if abs(left) < 1e-9:
                    held.pop(bucket, None)
                else:
                    held[bucket] = left


class _Replay:
    """Gives the values of each minute."""

    def __init__(self, past: _Past, wanted: Needs) -> None:
        self._past = past
        self._id = past.known.id
        self._wanted = wanted
        self._known = replace(past.known, updated_at=float(past.first))  # what it was changed to says nothing of then
        self._short = _Sum(past, WINDOW, past.first)
        self._long = _Sum(past, LONG_WINDOW, past.first)
        self._sums = {key: _Sum(past, key[2], past.first) for key in wanted.aggregates}
        self._kept: dict[Key, tuple[int, Mapping[str, Sample]]] = {}
        self._slots: dict[tuple[int, int], dict[str, dict[int, float]]] = {}
        self._careful = any(default_fewest(name) for name in wanted.metrics)
        self._newest = float(past.first)
        self._silent = self._silences() if wanted.silence else {}

    def at(self, minute: int, previous: int) -> tuple[Values, str]:
        """Return the values at the end of a minute, and the status at the look before."""
        end, past = minute + MINUTE, self._past
        depth = past.gauges.get(metrics.QUEUE_DEPTH, {}).get(minute, 0.0)
        age = past.gauges.get(metrics.QUEUE_AGE, {}).get(minute, 0.0)
        values = Values(
            float(end),
            {self._id: self._known},
            short={self._id: self._short.to(end)},
            long={self._id: self._long.to(end)} if self._careful else {},
            waiting={self._id: (round(depth), end - age)},
            aggregates={key: self._aggregate(key, end) for key in self._wanted.aggregates},
            last={self._id: self._silent.get(minute, self._newest)},
            uncounted=frozenset({self._id}) if past.off else frozenset(),
        )
        changed = any(previous < at <= end for at in past.changed)
        return values, "another" if changed else self._known.status

    def _aggregate(self, key: Key, end: int) -> Mapping[str, Sample]:
        function, name, seconds = key
        counts = self._sums[key].to(end)
        if METRICS[name].names and function not in ("min", "max"):
            return {self._id: together(function, name, counts, seconds)}
        kept = self._kept.get(key)
        if kept is not None and end < kept[0] + max(MINUTE, seconds / 100):
            return kept[1]
        made = {self._id: self._gauge(key, end)} if not METRICS[name].names else self._extremes(key, end)
        self._kept[key] = (end, made)
        return made

    def _gauge(self, key: Key, end: int) -> Sample:
        function, name, seconds = key
        recorded = self._past.gauges.get(name, {})
        found = [recorded[at] for at in range(end - seconds // MINUTE * MINUTE, end, MINUTE) if at in recorded]
        if not found:
            return Sample(0.0)
        return of_gauge(function, rows.Gauge(sum(found), max(found), min(found), len(found)), seconds)

    def _extremes(self, key: Key, end: int) -> Mapping[str, Sample]:
        function, name, seconds = key
        step = max(WINDOW, -(-seconds // (MOST_SLOTS * MINUTE)) * MINUTE)
        wanted = -(-seconds // step)
        last = end // step * step
        slots = [(at, {self._id: self._slot(at, step)}) for at in range(last - wanted * step, last, step)]
        return extremes(function, name, [one for one in slots if one[1][self._id]], step, wanted)

    def _slot(self, start: int, step: int) -> dict[str, dict[int, float]]:
        """Return what was counted in `step` seconds from `start`; it is asked for many times."""
        kept = self._slots.get((start, step))
        if kept is None:
            kept = self._slots[start, step] = _Sum(self._past, LONGEST_SECONDS * 2, start).to(start + step)
        return kept

    def _silences(self) -> dict[int, float]:
        """Return, for each minute, when the last event before its end came."""
        found: dict[int, float] = {}
        last = float(self._past.first)
        minutes = sorted(self._past.counts)
        for minute in range(self._past.first, (minutes[-1] if minutes else self._past.first) + MINUTE, MINUTE):
            if any(value for value in self._past.counts.get(minute, {}).get("received", {}).values()):
                last = float(minute + MINUTE)
            found[minute] = last
        self._newest = last
        return found


def _played(
    past: _Past, wanted: Needs, rule: Rule, ending: Rule | None, fewest: int | None, first: int, end: int
) -> Preview:
    step = MINUTE if end - first <= BY_MINUTE_SECONDS else 2 * MINUTE
    replay, standing = _Replay(past, wanted), Standing(since=float(first), looked_at=float(first))
    fired: list[Fired] = []
    highest: float | None = None
    looks = missing = 0
    metric = ""
    previous = first
    for minute in range(first, end, step):
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
