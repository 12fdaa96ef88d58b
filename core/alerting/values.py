"""The values that rules look at: read for all integrations at once, handed to each rule as its samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.alerts.evaluation import NOTHING, Sample
from core.alerts.measures import fewest as default_fewest
from core.alerts.rule import Aggregate, All, Comparison, Either, Function, Lasting, Metric, Not, Rule, Scaled, Silence
from core.context import Context
from core.metrics.known import METRICS
from core.metrics.query import value_of
from core.monitoring import Monitoring
from storage import alert_values as rows
from storage import metrics

WINDOW = 300
"""Seconds that the present value of a metric is about, the minute that has begun included."""
LONG_WINDOW = 3600
"""Where fewer events than needed came in the window, the last hour is looked at."""
MOST_SLOTS = 60
"""Slots that `min` and `max` look at: of five minutes, or longer where the time is."""

Key = tuple[Function, str, int]
_GAUGES = (metrics.QUEUE_DEPTH, metrics.QUEUE_AGE)


@dataclass(frozen=True, slots=True)
class Needs:
    """What rules look at."""

    metrics: frozenset[str]
    aggregates: frozenset[Key]
    silence: bool


def needs(rules: Iterable[Rule]) -> Needs:
    """Return what `rules` look at, all together."""
    nodes = [node for rule in rules for node in _leaves(rule)]
    return Needs(
        frozenset(node.name for node in nodes if isinstance(node, Metric)),
        frozenset((node.function, node.metric, node.seconds) for node in nodes if isinstance(node, Aggregate)),
        any(isinstance(node, Silence) for node in nodes),
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


@dataclass(slots=True)
class Values:
    """What was read for one look."""

    now: float
    known: Mapping[str, rows.Known]
    short: rows.Counts = field(default_factory=dict)
    long: rows.Counts = field(default_factory=dict)
    waiting: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    aggregates: Mapping[Key, Mapping[str, Sample]] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)
    uncounted: frozenset[str] = frozenset()
    """Integrations whose metrics are switched off."""

    def of(self, integration_id: str, *, status_before: str | None) -> Of:
        """Return the samples of one integration; `status_before`: at the last look."""
        return Of(self, integration_id, status_before)


@dataclass(frozen=True, slots=True)
class Of:
    """The samples of one integration; fills `core.alerts.evaluation.Samples`."""

    values: Values
    id: str
    status_before: str | None

    def metric(self, name: str, *, fewest: int | None) -> Sample:
        """Return the present value."""
        if name in _GAUGES:
            return self._gauge(name)
        if self.id in self.values.uncounted:
            return NOTHING
        least = default_fewest(name)
        least = max(least and 1, fewest) if least and fewest is not None else least
        sample = _sample(name, self.values.short.get(self.id, {}), WINDOW)
        if least and sample.count < least:
            sample = _sample(name, self.values.long.get(self.id, {}), LONG_WINDOW)
        return Sample(None, sample.count) if sample.count < least else sample

    def aggregate(self, function: Function, metric: str, seconds: int) -> Sample:
        """Return a metric over the last `seconds`."""
        if self.id in self.values.uncounted and metric not in _GAUGES:
            return NOTHING
        return self.values.aggregates[function, metric, seconds].get(self.id) or _empty(function, metric, seconds)

    def changes(self) -> float | None:
        """Return 1 where the status is another than at the last look."""
        known = self.values.known.get(self.id)
        if known is None or self.status_before is None:
            return None if known is None else 0.0
        return float(known.status != self.status_before)

    def silent_for(self) -> float | None:
        """Return the seconds since the last event, or since the integration was changed, whichever came later."""
        known = self.values.known.get(self.id)
        if known is None or known.status != "active":
            return None
        return max(0.0, self.values.now - max(self.values.last.get(self.id, 0.0), known.updated_at))

    def parts(self, name: str) -> tuple[int, int] | None:
        """Return what a ratio is made of, in the window that its value is about."""
        metric = METRICS.get(name)
        if metric is None or metric.kind != "ratio":
            return None
        for counts in (self.values.short, self.values.long):
            mine = counts.get(self.id, {})
            whole = _total(mine, metric.whole)
            if whole >= default_fewest(name):
                return _total(mine, metric.counted), whole
        return None

    def _gauge(self, name: str) -> Sample:
        depth, since = self.values.waiting.get(self.id, (0, self.values.now))
        return Sample(float(depth) if name == metrics.QUEUE_DEPTH else max(0.0, self.values.now - since), depth)


def _total(counts: Mapping[str, Mapping[int, float]], names: Sequence[str]) -> int:
    return round(sum(value for name in names for value in counts.get(name, {}).values()))


def _sample(name: str, counts: Mapping[str, Mapping[int, float]], seconds: float) -> Sample:
    metric = METRICS[name]
    names = metric.whole if metric.kind == "ratio" else metric.counted
    return Sample(value_of(metric, counts, seconds=seconds), _total(counts, names))


def _empty(function: Function, metric: str, seconds: int) -> Sample:
    """Return what an integration without a row has: counts are 0, a ratio or percentile is nothing."""
    if metric in _GAUGES:
        return Sample(0.0)
    return _sample(metric, {}, seconds)


class Reader:
    """Reads the values of a look; keeps what was read of long times for a while, for it changes slowly."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._kept: dict[Key, tuple[float, Mapping[str, Sample]]] = {}

    async def read(self, wanted: Needs, known: Mapping[str, rows.Known], *, fewest: int) -> Values:
        """Return what `wanted` names, of all integrations. `fewest`: the most events that any rule asks for."""
        now = self._ctx.clock.now()
        off = frozenset(
            one.id for one in known.values() if not Monitoring.model_validate_json(one.monitoring).metrics_enabled
        )
        values = Values(now, known, uncounted=off)
        counted = [METRICS[name] for name in wanted.metrics if name not in _GAUGES]
        if counted:
            names = {name for metric in counted for name in metric.names}
            values.short = await self._counts(names, WINDOW, now)
            careful = [metric for metric in counted if default_fewest(metric.name)]
            few = [
                one
                for one in known
                if any(_sample(m.name, values.short.get(one, {}), WINDOW).count < fewest for m in careful)
            ]
            if few:
                names = {name for metric in careful for name in metric.names}
                values.long = await self._counts(names, LONG_WINDOW, now, only=few)
        values.waiting = await self._ctx.db.read(metrics.waiting)
        if wanted.silence:
            values.last = await self._ctx.db.read(rows.last_events, list(known))
        values.aggregates = {key: await self._aggregate(key, now) for key in sorted(wanted.aggregates)}
        return values

    async def _counts(self, names: set[str], window: int, now: float, only: list[str] | None = None) -> rows.Counts:
        start = _start(now, window)
        found = await self._ctx.db.read(rows.counts, names, start=start, end=now + 1, only=only)
        return found[0][1] if found else {}

    async def _aggregate(self, key: Key, now: float) -> Mapping[str, Sample]:
        function, name, seconds = key
        kept = self._kept.get(key)
        if kept is not None and kept[0] <= now < kept[0] + max(metrics.MINUTE / 2, seconds / 100):
            return kept[1]
        start = _start(now, seconds)
        if name in _GAUGES:
            found = await self._ctx.db.read(rows.gauges, name, start=start, end=now + 1)
            made = {id: of_gauge(function, gauge, seconds) for id, gauge in found.items()}
        elif function in ("min", "max"):
            step = max(WINDOW, -(-seconds // (MOST_SLOTS * metrics.MINUTE)) * metrics.MINUTE)
            names = set(METRICS[name].names)
            slots = await self._ctx.db.read(rows.counts, names, start=start, end=now + 1, step=step)
            made = extremes(function, name, slots, step, -(-seconds // step))
        else:
            found_counts = await self._ctx.db.read(rows.counts, set(METRICS[name].names), start=start, end=now + 1)
            whole = found_counts[0][1] if found_counts else {}
            made = {id: together(function, name, counts, seconds) for id, counts in whole.items()}
        self._kept[key] = (now, made)
        return made


def _start(now: float, window: int) -> int:
    return metrics.minute_of(now) - max(0, -(-window // metrics.MINUTE) - 1) * metrics.MINUTE


def together(function: Function, name: str, counts: Mapping[str, Mapping[int, float]], seconds: int) -> Sample:
    sample = _sample(name, counts, seconds)
    if function == "avg" and METRICS[name].kind == "counter" and sample.value is not None:
        return Sample(sample.value * WINDOW / max(seconds, WINDOW), sample.count)
    return sample


def extremes(
    function: Function, name: str, slots: Sequence[tuple[int, rows.Counts]], step: int, wanted: int
) -> dict[str, Sample]:
    """Return the least or greatest of the slots; of a count, a slot without a row is 0."""
    values: dict[str, list[float]] = {}
    for _, counts in slots:
        for integration_id, mine in counts.items():
            value = _sample(name, mine, step).value
            if value is not None:
                scale = WINDOW / step if METRICS[name].kind == "counter" else 1.0
                values.setdefault(integration_id, []).append(value * scale)
    if function == "max":
        return {id: Sample(max(found)) for id, found in values.items()}
    zeros = METRICS[name].kind in ("counter", "rate")
    return {id: Sample(0.0 if zeros and len(found) < wanted else min(found)) for id, found in values.items()}


def of_gauge(function: Function, gauge: rows.Gauge, seconds: int) -> Sample:
    minutes = max(1, seconds // metrics.MINUTE)
    match function:
        case "max":
            return Sample(gauge.highest)
        case "min":
            return Sample(gauge.lowest if gauge.samples >= minutes else 0.0)
        case "sum":
            return Sample(gauge.total)
        case _:
            return Sample(gauge.total / max(minutes, gauge.samples))
