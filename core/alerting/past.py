"""The recorded past of one integration, given to a rule as the present is: by minutes, by hours where those are gone.

Every row goes into a window once and leaves it once, however many looks there are. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from core.alerting.values import (
    LONG_WINDOW,
    WINDOW,
    Key,
    Needs,
    Values,
    extreme,
    of_gauge,
    reach,
    slot_value,
    slots_of,
    together,
)
from core.alerts.evaluation import Sample
from core.alerts.measures import fewest as default_fewest
from core.alerts.rule import Function
from core.metrics.known import METRICS
from storage import alert_values as rows
from storage import gauges, metrics
from storage.alert_values import Cell
from storage.gauges import Gauge, Sampled
from storage.metrics import MINUTE
from storage.rollup import HOUR

Held = dict[str, dict[int, float]]
"""Name → bucket → how often."""
Counts = Mapping[str, Mapping[int, float]]
"""The same, to be read."""
_Row = TypeVar("_Row", Cell, Sampled)


@dataclass
class Past:
    """What was recorded of one integration, the oldest first: by minute, and of long ago by hour and day."""

    known: rows.Known
    off: bool
    cells: Sequence[Cell]
    gauges: Mapping[str, Sequence[Sampled]]
    changed: Sequence[float]
    first: int
    """The first second that is looked at."""
    minutes_from: int
    """Since when there are minutes; before, whole hours."""


class _Window:
    """What was counted in the last `seconds`: of a row that is longer than a minute, all until it has left wholly."""

    def __init__(self, cells: Sequence[Cell], names: Collection[str], seconds: int) -> None:
        self._cells = [cell for cell in cells if cell.name in names]
        self._starts = [cell.start for cell in self._cells]
        self._ends = [cell.start + cell.seconds for cell in self._cells]
        self._seconds = -(-seconds // MINUTE) * MINUTE
        self._held: Held = {name: {} for name in names}
        self._in = self._out = 0

    def to(self, end: int) -> Held:
        """Return what was counted in the `seconds` before `end`, which is never before the former one."""
        came = bisect_left(self._starts, end, self._in)
        gone = bisect_right(self._ends, end - self._seconds, self._out, came)
        self._add(max(self._in, gone), came, 1)
        self._add(self._out, min(self._in, gone), -1)
        self._in, self._out = came, gone
        return self._held

    def _add(self, first: int, last: int, sign: int) -> None:
        held = self._held
        for _, _, name, bucket, value in self._cells[first:last]:
            buckets = held[name]
            left = buckets.get(bucket, 0.0) + sign * value
            if -1e-9 < left < 1e-9:
                buckets.pop(bucket, None)
            else:
                buckets[bucket] = left


class _Later(Mapping[str, Held]):
    """A window that is moved on when somebody asks: most looks do not."""

    def __init__(self, owner: str, window: _Window, end: int) -> None:
        self._owner, self._window, self._end = owner, window, end

    def __getitem__(self, owner: str) -> Held:
        if owner != self._owner:
            raise KeyError(owner)
        return self._window.to(self._end)

    def __iter__(self) -> Iterator[str]:
        return iter((self._owner,))

    def __len__(self) -> int:
        return 1


@dataclass
class _Samples:
    """A gauge's samples of the last `seconds`; the highest stands first in `_peaks`, the lowest in `_lows`."""

    cells: Sequence[Sampled]
    seconds: int
    _next: int = 0
    _kept: deque[Sampled] = field(default_factory=deque)
    _peaks: deque[Sampled] = field(default_factory=deque)
    _lows: deque[Sampled] = field(default_factory=deque)
    _total: float = 0.0
    _count: int = 0
    _unknown: int = 0

    def to(self, end: int) -> Gauge | None:
        """Return the samples of the `seconds` before `end`, which is never before the former one."""
        start = end - self.seconds // MINUTE * MINUTE
        while self._next < len(self.cells) and self.cells[self._next].start < end:
            self._add(self.cells[self._next])
            self._next += 1
        for line in (self._kept, self._peaks, self._lows):
            while line and line[0].start + line[0].seconds <= start:
                gone = line.popleft()
                if line is self._kept:
                    self._count_it(gone, -1)
        if not self._kept:
            return None
        lowest = self._lows[0].lowest if self._lows else 0.0
        return Gauge(self._total, self._peaks[0].highest, lowest, self._count, self._unknown)

    def _add(self, cell: Sampled) -> None:
        self._kept.append(cell)
        self._count_it(cell, 1)
        while self._peaks and self._peaks[-1].highest <= cell.highest:
            self._peaks.pop()
        self._peaks.append(cell)
        if cell.samples is not None:
            while self._lows and self._lows[-1].lowest >= cell.lowest:
                self._lows.pop()
            self._lows.append(cell)

    def _count_it(self, cell: Sampled, sign: int) -> None:
        if cell.samples is None:
            self._unknown += sign * cell.seconds
        else:
            self._total, self._count = self._total + sign * cell.total, self._count + sign * cell.samples


class Replay:
    """Gives the values of each minute, or hour, one after the other."""

    def __init__(self, past: Past, wanted: Needs) -> None:
        self._past, self._id, self._wanted = past, past.known.id, wanted
        self._known = replace(past.known, updated_at=float(past.first))  # what it was changed to says nothing of then
        names = frozenset(name for metric in wanted.metrics for name in METRICS[metric].names)
        careful = [metric for metric in wanted.metrics if default_fewest(metric)]
        self._short = _Window(past.cells, names, WINDOW)
        of_careful = frozenset(name for metric in careful for name in METRICS[metric].names)
        self._long = _Window(past.cells, of_careful, LONG_WINDOW)
        self._sums = {
            key: _Window(past.cells, frozenset(METRICS[key[1]].names), key[2])
            for key in wanted.aggregates
            if METRICS[key[1]].names and key[0] not in ("min", "max")
        }
        self._samples = {
            key: _Samples(past.gauges[key[1]], key[2]) for key in wanted.aggregates if not METRICS[key[1]].names
        }
        self._kept: dict[Key, tuple[int, Sample]] = {}
        self._slots: dict[tuple[str, int, int], float | None] = {}
        self._of = {
            metric: _of(past, metric) for function, metric, _ in wanted.aggregates if function in ("min", "max")
        }
        self._present = {name: {one.start: one for one in cells} for name, cells in past.gauges.items()}
        self._came = sorted({(one.start, one.seconds) for one in past.cells if one.name == "received" and one.value})
        self._counted = [cell for cell in past.cells if cell.name in names]
        self._last, self._event = float(past.first), 0
        self._change = 0

    def minute(self, minute: int) -> Values:
        """Return the values at the end of a minute."""
        end = minute + MINUTE
        now = {name: samples.get(minute) for name, samples in self._present.items()}
        gauges_now = {name: one.highest if one is not None else 0.0 for name, one in now.items()}
        return self._values(
            end, gauges_now, short={self._id: self._short.to(end)}, long=_Later(self._id, self._long, end)
        )

    def hour(self, hour: int) -> Values:
        """Return the values of a whole hour: of a count, what came in the window on average; of a gauge its mean."""
        counts: Held = defaultdict(lambda: defaultdict(float))
        for cell in _between(self._counted, hour, hour + HOUR):
            counts[cell.name][cell.bucket] += cell.value
        means = {name: _mean(samples, hour) for name, samples in self._past.gauges.items()}
        whole = {self._id: counts}
        return replace(self._values(hour + HOUR, means, short=whole, long=whole, hourly=True), short_seconds=HOUR)

    def _values(
        self, end: int, present: Mapping[str, float], *, short: Mapping[str, Counts], long: Mapping[str, Counts],
        hourly: bool = False,
    ) -> Values:  # fmt: skip
        depth, age = (present.get(name, 0.0) for name in (metrics.QUEUE_DEPTH, metrics.QUEUE_AGE))
        return Values(
            float(end),
            {self._id: self._known},
            short=short,
            long=long,
            waiting={self._id: (round(depth), end - age)},
            aggregates={key: {self._id: self._aggregate(key, end, hourly)} for key in self._wanted.aggregates},
            last={self._id: self._newest(end)},
            uncounted=frozenset({self._id}) if self._past.off else frozenset(),
        )

    def status(self, end: int) -> str:
        """Return the status at the look before that at `end`, which is never before the former one."""
        return "another" if self._changed(end) else self._known.status

    def _newest(self, end: int) -> float:
        """Return when the last event before `end` came: the end of its minute, or of its hour."""
        while self._event < len(self._came) and self._came[self._event][0] < end:
            self._last = max(self._last, float(sum(self._came[self._event])))
            self._event += 1
        return self._last

    def _changed(self, end: int) -> bool:
        before = self._change
        while self._change < len(self._past.changed) and self._past.changed[self._change] <= end:
            self._change += 1
        return self._change > before

    def _aggregate(self, key: Key, end: int, hourly: bool) -> Sample:
        """Return a function's value; of a whole hour, a shorter time is that hour."""
        function, name, seconds = key
        long = max(reach(self._known.monitoring, seconds), HOUR if hourly else 0)
        if key in self._sums:
            return _part(together(function, name, self._sums[key].to(end), long), function, seconds / long)
        if key in self._samples:
            gauge = self._samples[key].to(end)
            return Sample(0.0) if gauge is None else _part(of_gauge(function, gauge, long), function, seconds / long)
        kept = self._kept.get(key)
        if kept is None or end >= kept[0] + max(MINUTE, seconds / 100):  # as often as the present is read anew
            kept = self._kept[key] = (end, self._extreme(key, end, hourly))
        return kept[1]

    def _extreme(self, key: Key, end: int, hourly: bool) -> Sample:
        function, name, seconds = key
        # The minute before `end` is the one that has begun; an hour is over.
        now = end if hourly else end - 1
        long = max(seconds, HOUR) if hourly else seconds
        least = HOUR if now - long < self._past.minutes_from else WINDOW
        slots = slots_of(now, long, least=least).since(now - max(reach(self._known.monitoring, seconds), least))
        starts = range(slots.start, end, slots.step)
        values = {number: self._slot(name, start, slots.step, end) for number, start in enumerate(starts)}
        return extreme(function, name, values, slots)

    def _slot(self, name: str, start: int, step: int, end: int) -> float | None:
        """Return the value of a slot; one that is over is asked for often."""
        key = (name, start, step)
        if key in self._slots:
            return self._slots[key]
        counts: Held = defaultdict(lambda: defaultdict(float))
        for cell in _between(self._of[name], start, min(start + step, end)):
            counts[cell.name][cell.bucket] += cell.value
        value = slot_value(name, counts, step)
        if start + step <= end:
            self._slots[key] = value
        return value


def _between(cells: Sequence[_Row], start: int, end: int) -> Sequence[_Row]:
    """Return the rows that begin between two times."""
    return cells[bisect_left(cells, start, key=_start) : bisect_left(cells, end, key=_start)]


def _start(cell: Cell | Sampled) -> int:
    return cell.start


def _mean(samples: Sequence[Sampled], hour: int) -> float:
    """Return the mean of an hour's samples; the highest where nothing else is known. A minute without one is 0."""
    found = gauges.together(gauges.of_row(row) for row in _between(samples, hour, hour + HOUR))
    return found.highest if found.unknown else found.total / (HOUR // MINUTE)


def _part(sample: Sample, function: Function, share: float) -> Sample:
    """Return of a sum over more than was asked for what belongs to the time that was."""
    if function != "sum" or share >= 1 or sample.value is None:
        return sample
    return Sample(sample.value * share, sample.count)


def _of(past: Past, metric: str) -> list[Cell]:
    names = METRICS[metric].names
    return [cell for cell in past.cells if cell.name in names]
