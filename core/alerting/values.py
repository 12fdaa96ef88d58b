"""The values that rules look at, as they were read, handed to each rule as its samples. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from core import durations
from core.alerts.evaluation import NOTHING, Sample
from core.alerts.measures import fewest as default_fewest
from core.alerts.rule import Aggregate, All, Comparison, Either, Function, Lasting, Metric, Not, Rule, Scaled, Silence
from core.metrics.known import COST, METRICS
from core.metrics.known import Metric as Known
from core.metrics.query import value_of
from core.monitoring import Monitoring
from storage import alert_values as rows
from storage import gauges, metrics
from storage.rollup import DAY, HOUR

WINDOW = 300
"""Seconds that the present value of a metric is about, the minute that has begun included."""
LONG_WINDOW = 3600
"""Where fewer events than needed came in the window, the last hour is looked at."""
MOST_SLOTS = 60
"""Slots that `min` and `max` look at: of five minutes, or longer where the time is."""
_STEPS = (WINDOW, 600, 900, 1800, *(hours * HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 24)))

Key = tuple[Function, str, int]
GAUGES = (metrics.QUEUE_DEPTH, metrics.QUEUE_AGE)


@dataclass(frozen=True, slots=True)
class Needs:
    """What rules look at, and of which integrations."""

    metrics: Mapping[str, frozenset[str]]
    aggregates: Mapping[Key, frozenset[str]]
    silence: frozenset[str]


def needs(rules: Iterable[tuple[str, Rule]]) -> Needs:
    """Return what rules, each of an integration, look at, all together."""
    metrics_of, aggregates, silence = defaultdict[str, set[str]](set), defaultdict[Key, set[str]](set), set[str]()
    for owner, rule in rules:
        for node in _leaves(rule):
            match node:
                case Metric(name):
                    metrics_of[name].add(owner)
                case Aggregate(function, name, seconds):
                    aggregates[function, name, seconds].add(owner)
                case Silence():
                    silence.add(owner)
    return Needs(
        {name: frozenset(owners) for name, owners in metrics_of.items()},
        {key: frozenset(owners) for key, owners in aggregates.items()},
        frozenset(silence),
    )


def _leaves(node: object) -> Iterator[object]:
    match node:
        case Comparison(left, _, right):
            yield from _leaves(left)
            yield from _leaves(right)
        case Not(condition) | Lasting(condition, _):
            yield from _leaves(condition)
        case All(conditions) | Either(conditions):
            for part in conditions:
                yield from _leaves(part)
        case Scaled(_, measure):
            yield measure
        case _:
            yield node


_Counts = Mapping[str, Mapping[str, Mapping[int, float]]]


@dataclass(slots=True)
class Values:
    """What was read for one look."""

    now: float
    known: Mapping[str, rows.Known]
    short: _Counts = field(default_factory=dict)
    short_seconds: int = WINDOW
    """What `short` is about; an hour where nothing finer is known."""
    long: _Counts = field(default_factory=dict)
    waiting: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    aggregates: Mapping[Key, Mapping[str, Sample]] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)
    uncounted: frozenset[str] = frozenset()
    """Integrations whose metrics are switched off."""

    def moved(self, now: float) -> Values:
        """Return the same at another moment; what waits is as old then."""
        by = now - self.now
        waiting = {one: (depth, since + by) for one, (depth, since) in self.waiting.items()}
        return replace(self, now=now, waiting=waiting)

    def of(self, integration_id: str, *, status_before: str | None, blind_until: float | None = None) -> Of:
        """Return the samples of one integration; `status_before`: at the last look; `blind_until`: nobody looked."""
        return Of(self, integration_id, status_before, blind_until)


@dataclass(frozen=True, slots=True)
class Of:
    """The samples of one integration; fills `core.alerts.evaluation.Samples`."""

    values: Values
    id: str
    status_before: str | None
    blind_until: float | None
    newest: bool = False
    """Whether a metric is that of the window alone, of however few events."""

    def metric(self, name: str, *, fewest: int | None) -> Sample:
        """Return the present value."""
        if name in GAUGES:
            return self._gauge(name)
        if self.id in self.values.uncounted and name != COST:
            return NOTHING
        least = default_fewest(name)
        least = max(least and 1, fewest) if least and fewest is not None else least
        sample = _in_window(name, self.values.short.get(self.id, {}), self.values.short_seconds)
        if self.newest:
            return sample
        if least and sample.count < least:
            sample = _sample(name, self.values.long.get(self.id, {}), LONG_WINDOW)
        return Sample(None, sample.count) if sample.count < least else sample

    def aggregate(self, function: Function, metric: str, seconds: int) -> Sample:
        """Return a metric over the last `seconds`."""
        if self.id in self.values.uncounted and metric not in (*GAUGES, COST):
            return NOTHING
        return self.values.aggregates[function, metric, seconds].get(self.id) or _empty(function, metric, seconds)

    def changes(self) -> float | None:
        """Return 1 where the status is another than at the last look."""
        known = self.values.known.get(self.id)
        if known is None or self.status_before is None:
            return None if known is None else 0.0
        return float(known.status != self.status_before)

    def silent_for(self) -> float | None:
        """Return the seconds since the last event, or the last change of the integration, or since one looks again."""
        known = self.values.known.get(self.id)
        if known is None or known.status != "active":
            return None
        since = max(self.values.last.get(self.id, 0.0), known.updated_at, self.blind_until or 0.0)
        return max(0.0, self.values.now - since)

    def parts(self, name: str, samples: int) -> tuple[int, int] | None:
        """Return what a ratio is made of, in the window in which it tells of `samples`."""
        metric = METRICS.get(name)
        if metric is None or metric.kind != "ratio":
            return None
        for counts in (self.values.short, self.values.long):
            mine = counts.get(self.id, {})
            whole = _total(mine, metric.whole)
            if whole == samples:
                return _total(mine, metric.counted), whole
        return None

    def _gauge(self, name: str) -> Sample:
        depth, since = self.values.waiting.get(self.id, (0, self.values.now))
        return Sample(float(depth) if name == metrics.QUEUE_DEPTH else max(0.0, self.values.now - since), depth)


def _total(counts: Mapping[str, Mapping[int, float]], names: Sequence[str]) -> int:
    return round(sum(value for name in names for value in counts.get(name, {}).values()))


def events(metric: Known, counts: Mapping[str, Mapping[int, float]]) -> int:
    """Return of how many events a value tells."""
    return _total(counts, metric.whole if metric.kind == "ratio" else metric.counted)


def _sample(name: str, counts: Mapping[str, Mapping[int, float]], seconds: float) -> Sample:
    metric = METRICS[name]
    return Sample(value_of(metric, counts, seconds=seconds), events(metric, counts))


def _in_window(name: str, counts: Mapping[str, Mapping[int, float]], seconds: int) -> Sample:
    """Return what was counted over `seconds` as in the window: of more on average, and at least 1 of what is whole."""
    sample, metric = _sample(name, counts, seconds), METRICS[name]
    if seconds == WINDOW or metric.kind != "counter" or sample.value is None:
        return sample
    mean = sample.value * WINDOW / seconds
    return Sample(math.ceil(mean) if metric.unit == "count" else mean, sample.count)


def _empty(function: Function, metric: str, seconds: int) -> Sample:
    """Return what an integration without a row has: counts are 0, a ratio or percentile is nothing."""
    if metric in GAUGES:
        return Sample(0.0)
    return _sample(metric, {}, seconds)


@lru_cache(maxsize=10_000)
def reach(monitoring: str, seconds: int) -> int:
    """Return how far back a time of `seconds` reaches: what is older than `metrics_retention` is not there."""
    return min(seconds, int(durations.parse(Monitoring.model_validate_json(monitoring).metrics_retention)))


def start_of(now: float, window: int) -> int:
    """Return the first minute of the time before `now`, the minute that has begun included."""
    return metrics.minute_of(now) - max(0, -(-window // metrics.MINUTE) - 1) * metrics.MINUTE


def together(function: Function, name: str, counts: Mapping[str, Mapping[int, float]], seconds: int) -> Sample:
    """Return what was counted over a time as one value; an average of counts is that in the window."""
    sample = _sample(name, counts, seconds)
    if function == "avg" and METRICS[name].kind == "counter" and sample.value is not None:
        return Sample(sample.value * WINDOW / max(seconds, WINDOW), sample.count)
    return sample


@dataclass(frozen=True, slots=True)
class Slots:
    """What `min` and `max` look at: slots of `step` seconds from `start`; `whole` of them are over.

    The first `gone` of them are of a time of which nothing is kept.
    """

    start: int
    step: int
    whole: int
    gone: int = 0

    def since(self, time: float) -> Slots:
        """Return the same without what began before `time`."""
        return replace(self, gone=min(max(0, math.ceil((time - self.start) / self.step)), self.whole))


def slots_of(end: float, seconds: int, *, least: int = WINDOW) -> Slots:
    """Return the slots of the time before `end`. From thirty hours on they are whole hours or days, read as such.

    `least`: how long each is at least.
    """
    exact = max(-(-seconds // MOST_SLOTS), least)
    step = next((known for known in _STEPS if exact <= known), -(-exact // DAY) * DAY)
    if step < HOUR:
        return Slots(start_of(end, seconds), step, -(-seconds // step))
    level = DAY if step % DAY == 0 else HOUR
    start = math.ceil((end - seconds) / level) * level
    return Slots(start, step, int((end - start) // step))


def slot_value(name: str, counts: Mapping[str, Mapping[int, float]], step: int) -> float | None:
    """Return a slot's value, of a count what it would be in the window."""
    value = _sample(name, counts, step).value
    return value if value is None or METRICS[name].kind != "counter" else value * WINDOW / step


def extreme(function: Function, name: str, values: Mapping[int, float | None], slots: Slots) -> Sample:
    """Return the least or greatest of the slots; of a count, none is 0, and one not over no least."""
    zeros = METRICS[name].kind in ("counter", "rate")
    if function == "min" and zeros:
        values = {slot: value for slot, value in values.items() if slots.gone <= slot < slots.whole}
    found = [value for value in values.values() if value is not None]
    if function == "max":
        return Sample(max(found, default=0.0 if zeros else None))
    if zeros and len(found) < slots.whole - slots.gone:
        return Sample(0.0)
    return Sample(min(found, default=None))


def of_gauge(function: Function, gauge: gauges.Gauge, seconds: int) -> Sample:
    """Return what samples make of a gauge; a minute without one is 0."""
    minutes = max(1, (seconds - gauge.unknown) // metrics.MINUTE)
    match function:
        case "max":
            return Sample(gauge.highest)
        case "min":
            return Sample(gauge.lowest if gauge.samples >= minutes else 0.0)
        case "sum":
            return Sample(gauge.total)
        case _:
            return Sample(gauge.total / max(minutes, gauge.samples))
