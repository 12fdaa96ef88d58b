"""Asking for metrics over a range of time: one value for all of it, and a series of points.

Counts are kept by the minute, later by the hour and by the day (`core.monitoring`). A range is read from the longest
rows that fit between its points: it begins with a whole one and takes in every one that has begun before its end.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core import histogram, webhook_log
from core.context import Context
from core.errors import Invalid
from core.metrics import gauges
from core.metrics.known import COST, METRICS, Metric
from core.monitoring import HOURS_KEPT, MINUTES_KEPT
from core.texts import T
from storage import metrics as rows
from storage import rollup, spending
from storage.rollup import DAY, HOUR

MOST_POINTS = 120
"""Points of a series whose step nobody named."""
MOST_POINTS_ASKED = 1500
"""Points of a series, whatever its step."""
_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)

REFUSALS = frozenset(name for name, metric in METRICS.items() if set(metric.names) & set(rows.CAUSES))
"""Metrics of what was refused, which is written once a second."""

Number = int | float
Histograms = Mapping[str, Mapping[int, float]]
"""Name → bucket → count; a plain count has the bucket 0 alone."""


@dataclass(frozen=True, slots=True)
class Point:
    """One slot of a series: its first second, and its value (None: nothing to say)."""

    at: int
    value: Number | None


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over a range of time. `step`: seconds between two points."""

    metric: Metric
    start: int
    end: float
    step: int
    value: Number | None
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of time in slots; the last one may be shorter than the others. `level`: the rows that it is read from."""

    start: int
    end: float
    step: int
    level: int

    @property
    def slots(self) -> range:
        return range(_slots(self.end - self.start, self.step))

    def seconds(self, slot: int) -> float:
        """Return how long a slot is."""
        return min(self.step, self.end - self.start - slot * self.step)

    def series(self, metric: Metric, value: Number | None, points: Iterable[Number | None]) -> Series:
        """Return a series of one value for each slot."""
        placed = (Point(self.start + slot * self.step, point) for slot, point in zip(self.slots, points, strict=True))
        return Series(metric, self.start, self.end, self.step, value, tuple(placed))


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was counted over a range: together, and slot by slot."""

    whole: Histograms
    slots: Mapping[int, Histograms]


async def query(
    ctx: Context,
    *,
    integration_id: str | None,
    names: Iterable[str],
    start: float,
    end: float,
    step: int | None = None,
) -> dict[str, Series]:
    """Return metrics from `start` to `end` (seconds since the epoch), of one integration or (None) of all together.

    Nothing is recorded of the future, so an end there is taken as now. `step`: whole minutes in seconds; None: as many
    points as are well to be drawn. It is longer than asked for where the range begins so long ago that what is between
    is no longer kept. Raises `Invalid` for a metric that there is not, for an end that is not behind the
    start, and for a step that would give too many points.
    """
    wanted = [metric_named(name) for name in names]
    now = ctx.clock.now()
    start, end = max(start, 0.0), min(end, now)
    if end <= start:
        raise Invalid(T("from must be before to, and not in the future."), path="from")
    span = _span(start, end, _step(end - rows.minute_of(start), step), now)
    if any(metric.name in REFUSALS for metric in wanted):
        await webhook_log.flush(ctx)  # those refused in this second too
    counted = await _read(ctx, integration_id, [metric for metric in wanted if metric.names], span)
    made = {metric.name: _made(metric, counted, span) for metric in wanted if metric.names}
    sampled = [metric for metric in wanted if not metric.names]
    present = await gauges.now(ctx, integration_id=integration_id) if sampled else {}
    for metric in sampled:
        peaks = await ctx.db.read(
            rollup.peaks, integration_id=integration_id, name=metric.name, start=span.start, end=span.end,
            step=span.step, level=span.level,
        )  # fmt: skip
        points = [_tidy(metric, peaks.get(slot, 0.0)) for slot in span.slots]
        made[metric.name] = span.series(metric, _tidy(metric, present[metric.name]), points)
    return {metric.name: made[metric.name] for metric in wanted}


async def _read(ctx: Context, integration_id: str | None, wanted: Sequence[Metric], span: _Span) -> _Counted:
    names = sorted({name for metric in wanted for name in metric.names})
    cells = await ctx.db.read(
        rollup.cells, integration_id=integration_id, names=names, start=span.start, end=span.end, step=span.step,
        level=span.level,
    )  # fmt: skip
    if COST in names:
        spent = await ctx.db.read(
            spending.by_slot, integration_id=integration_id, start=span.start, end=span.end, step=span.step
        )
        cells += [rows.Cell(slot, COST, 0, cost) for slot, cost in spent.items()]
    whole: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    slots: dict[int, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
    for cell in cells:
        whole[cell.name][cell.bucket] += cell.value
        slots[cell.slot][cell.name][cell.bucket] += cell.value
    return _Counted(whole, slots)


def _made(metric: Metric, counted: _Counted, span: _Span) -> Series:
    value = value_of(metric, counted.whole, seconds=span.end - span.start)
    points = (value_of(metric, counted.slots.get(slot, {}), seconds=span.seconds(slot)) for slot in span.slots)
    return span.series(metric, value, points)


def metric_named(name: str) -> Metric:
    """Return a metric; raise `Invalid` that lists them."""
    if name not in METRICS:
        raise Invalid(
            T("There is no metric {name}. There are: {known}.", name=repr(name[:60]), known=", ".join(METRICS)),
            path="metric",
            known=list(METRICS),
        )
    return METRICS[name]


def value_of(metric: Metric, counts: Histograms, *, seconds: float) -> Number | None:
    """Return what `counts` over `seconds` make of a metric. Pure."""
    counted = _total(counts, metric.counted)
    match metric.kind:
        case "counter":
            return _tidy(metric, counted)
        case "rate":
            return _tidy(metric, counted * rows.MINUTE / seconds)
        case "ratio":
            whole = _total(counts, metric.whole)
            return _tidy(metric, counted / whole * 100) if whole else None
        case "percentile":
            found = histogram.percentile(counts.get(metric.counted[0], {}), metric.q)
            return None if found is None else _tidy(metric, found)
        case _:
            raise AssertionError(f"{metric.name} is not made of counts")


def _total(counts: Histograms, names: Sequence[str]) -> float:
    return math.fsum(value for name in names for value in counts.get(name, {}).values())


def _tidy(metric: Metric, value: Number) -> Number:
    """Round to what is worth reading."""
    if metric.unit == "count":
        return round(value)
    if metric.unit == "USD":
        return round(value, 4)
    return round(value, 3 if abs(value) < 100 else 1)


def _span(start: float, end: float, step: int, now: float) -> _Span:
    """Return a range in slots that begins with a whole row of the longest that fit, of those that are still kept."""
    level = next(level for level in (DAY, HOUR, rows.MINUTE) if step % level == 0)
    for kept, longer in ((MINUTES_KEPT, HOUR), (HOURS_KEPT, DAY)):
        if start < now - kept:
            level = max(level, longer)
        if end < now - kept:  # the minutes or hours of the last part are gone too
            end = float(math.ceil(end / longer) * longer)
    return _Span(rollup.floor(start, level), end, math.ceil(step / level) * level, level)


def _step(seconds: float, step: int | None) -> int:
    """Return the step of a series over a range: what was asked for, or the least with few enough points."""
    if step is None:
        fitting = (known for known in _STEPS if _slots(seconds, known) <= MOST_POINTS)
        return next(fitting, math.ceil(seconds / MOST_POINTS / _STEPS[-1]) * _STEPS[-1])
    if step < rows.MINUTE or step % rows.MINUTE:
        raise Invalid(T("step takes whole minutes, such as 1m, 15m or 1h."), path="step")
    if _slots(seconds, step) > MOST_POINTS_ASKED:
        raise Invalid(
            T("A step of {step} s would give {count} points; at most {limit} are given. Ask for a longer step.",
              step=step, count=_slots(seconds, step), limit=MOST_POINTS_ASKED),
            path="step",
        )  # fmt: skip
    return step


def _slots(seconds: float, step: int) -> int:
    return math.ceil(seconds / step)
