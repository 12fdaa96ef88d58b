"""The recorded past of one integration, given to a rule minute by minute as the present is. Pure.

Every row goes into a window once and leaves it once, however many looks there are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.alerting.values import (
    LONG_WINDOW,
    WINDOW,
    Key,
    Needs,
    Values,
    extreme,
    of_gauge,
    slot_value,
    slots_of,
    together,
)
from core.alerts.evaluation import Sample
from core.alerts.measures import fewest as default_fewest
from core.metrics.known import METRICS
from storage import alert_values as rows
from storage import metrics
from storage.alert_values import Cell
from storage.metrics import MINUTE

Held = dict[str, dict[int, float]]
"""Name → bucket → how often."""


@dataclass
class Past:
    """What was recorded of one integration, the oldest first: by minute, and of long ago by hour and day."""

    known: rows.Known
    off: bool
    cells: Sequence[Cell]
    gauges: Mapping[str, Sequence[Cell]]
    changed: Sequence[float]
    first: int
    """The first minute that is looked at."""


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
    """A gauge's samples of the last `seconds`; the highest stands first in `_peaks`."""

    cells: Sequence[Cell]
    seconds: int
    _next: int = 0
    _kept: deque[Cell] = field(default_factory=deque)
    _peaks: deque[Cell] = field(default_factory=deque)
    _lows: deque[Cell] = field(default_factory=deque)
    _total: float = 0.0
    _minutes: int = 0

    def to(self, end: int) -> rows.Gauge | None:
        """Return the samples of the `seconds` before `end`, which is never before the former one."""
        start = end - self.seconds // MINUTE * MINUTE
        while self._next < len(self.cells) and self.cells[self._next].start < end:
            self._add(self.cells[self._next])
            self._next += 1
        for line in (self._kept, self._peaks, self._lows):
            while line and line[0].start + line[0].seconds <= start:
                gone = line.popleft()
                if line is self._kept and gone.seconds == MINUTE:
                    self._total, self._minutes = self._total - gone.value, self._minutes - 1
        if not self._kept:
            return None
        lowest = self._lows[0].value if self._lows else 0.0
        return rows.Gauge(self._total, self._peaks[0].value, lowest, self._minutes)

    def _add(self, cell: Cell) -> None:
        self._kept.append(cell)
        while self._peaks and self._peaks[-1].value <= cell.value:
            self._peaks.pop()
        self._peaks.append(cell)
        if cell.seconds == MINUTE:
            self._total, self._minutes = self._total + cell.value, self._minutes + 1
            while self._lows and self._lows[-1].value >= cell.value:
                self._lows.pop()
            self._lows.append(cell)


class Replay:
    """Gives the values of each minute, one after the other."""

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
        self._present = {
            name: {one.start: one.value for one in cells if one.seconds == MINUTE}
            for name, cells in past.gauges.items()
        }
        self._came = sorted({one.start for one in past.cells if one.name == "received" and one.value})
        self._last, self._event = float(past.first), 0
        self._change = 0

    def at(self, minute: int, previous: int) -> tuple[Values, str]:
        """Return the values at the end of a minute, and the status at the look before."""
        end, past = minute + MINUTE, self._past
        depth = self._present.get(metrics.QUEUE_DEPTH, {}).get(minute, 0.0)
        age = self._present.get(metrics.QUEUE_AGE, {}).get(minute, 0.0)
        values = Values(
            float(end),
            {self._id: self._known},
            short={self._id: self._short.to(end)},
            long=_Later(self._id, self._long, end),
            waiting={self._id: (round(depth), end - age)},
            aggregates={key: {self._id: self._aggregate(key, end)} for key in self._wanted.aggregates},
            last={self._id: self._newest(end)},
            uncounted=frozenset({self._id}) if past.off else frozenset(),
        )
        return values, "another" if self._changed(end) else self._known.status

    def _newest(self, end: int) -> float:
        """Return when the last event before `end` came, to the minute."""
        while self._event < len(self._came) and self._came[self._event] < end:
            self._last = max(self._last, float(self._came[self._event] + MINUTE))
            self._event += 1
        return self._last

    def _changed(self, end: int) -> bool:
        before = self._change
        while self._change < len(self._past.changed) and self._past.changed[self._change] <= end:
            self._change += 1
        return self._change > before

    def _aggregate(self, key: Key, end: int) -> Sample:
        function, name, seconds = key
        if key in self._sums:
            return together(function, name, self._sums[key].to(end), seconds)
        if key in self._samples:
            gauge = self._samples[key].to(end)
            return Sample(0.0) if gauge is None else of_gauge(function, gauge, seconds)
        kept = self._kept.get(key)
        if kept is None or end >= kept[0] + max(MINUTE, seconds / 100):  # as often as the present is read anew
            kept = self._kept[key] = (end, self._extreme(key, end))
        return kept[1]

    def _extreme(self, key: Key, end: int) -> Sample:
        function, name, seconds = key
        slots = slots_of(end - 1, seconds)  # the minute before `end` is the one that has begun
        starts = range(slots.start, end, slots.step)
        values = {number: self._slot(name, start, slots.step, end) for number, start in enumerate(starts)}
        return extreme(function, name, values, slots)

    def _slot(self, name: str, start: int, step: int, end: int) -> float | None:
        """Return the value of a slot; one that is over is asked for often."""
        key = (name, start, step)
        if key in self._slots:
            return self._slots[key]
        counts: Held = defaultdict(lambda: defaultdict(float))
        cells = self._of[name]
        last = min(start + step, end)
        for cell in cells[bisect_left(cells, start, key=_start) : bisect_left(cells, last, key=_start)]:
            counts[cell.name][cell.bucket] += cell.value
        value = slot_value(name, counts, step)
        if start + step <= end:
            self._slots[key] = value
        return value


def _start(cell: Cell) -> int:
    return cell.start


def _of(past: Past, metric: str) -> list[Cell]:
    names = METRICS[metric].names
    return [cell for cell in past.cells if cell.name in names]
