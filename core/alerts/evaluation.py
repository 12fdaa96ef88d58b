"""Whether a rule holds, told from samples: yes, no, or unknown (Kleene's logic). Pure.

Time that a condition has lasted is added up look by look, and one look adds at most `LONGEST_LOOK`: a clock that jumps,
or a time in which nobody looked, neither fulfils a `for` nor breaks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from core.alerts.measures import MEASURES
from core.alerts.rule import (
    COMPARE,
    Aggregate,
    All,
    Changes,
    Comparison,
    Either,
    Function,
    Lasting,
    Metric,
    Not,
    Quantity,
    Rule,
    Scaled,
    Side,
    Silence,
)

LONGEST_LOOK = 120.0
"""Seconds that one look adds to what has lasted."""

Truth = bool | None
"""None: nobody can tell, for there is no data."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A metric's value in its own unit; None where there is none. `count`: of how many events it tells."""

    value: float | None
    count: int = 0


NOTHING = Sample(None)


class Samples(Protocol):
    """What is known of one integration at one moment."""

    def metric(self, name: str, *, fewest: int | None) -> Sample:
        """Return the present value; None where fewer than `fewest` events tell of it (None: the metric's default)."""
        ...

    def aggregate(self, function: Function, metric: str, seconds: int) -> Sample:
        """Return a metric over the last `seconds`."""
        ...

    def changes(self) -> float | None:
        """Return how often the status has changed since the last look."""
        ...

    def silent_for(self) -> float | None:
        """Return for how many seconds nothing has come in; None where nothing is expected."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look found. `would`: whether it would hold if every `for` had lasted long enough already.

    `value`, `threshold`: the sides of the comparison that decided, in its metric's unit.
    """

    holds: Truth
    would: Truth
    lasted: Mapping[str, float] = field(default_factory=dict)
    metric: str = ""
    value: float | None = None
    threshold: float | None = None
    count: int = 0


def evaluate(
    rule: Rule, samples: Samples, *, lasted: Mapping[str, float], passed: float, fewest: int | None = None
) -> Verdict:
    """Return whether `rule` holds; `lasted`: of the look before, `passed`: the seconds since then."""
    look = _Look(samples, lasted, min(max(passed, 0.0), LONGEST_LOOK), fewest)
    holds, would = look.at(rule, "r")
    metric, value, threshold, count = look.decided(would if holds is False else holds)
    return Verdict(holds, would, look.now_lasted, metric, value, threshold, count)


_Seen = tuple[Truth, str, float | None, float | None, int]


class _Look:
    """One walk over a rule."""

    def __init__(self, samples: Samples, lasted: Mapping[str, float], passed: float, fewest: int | None) -> None:
        self._samples = samples
        self._lasted = lasted
        self._passed = passed
        self._fewest = fewest
        self.now_lasted: dict[str, float] = {}
        self._seen: list[_Seen] = []

    def at(self, node: Rule, path: str) -> tuple[Truth, Truth]:
        match node:
            case Comparison():
                truth = self._comparison(node)
                return truth, truth
            case Silence(seconds):
                truth = self._silence(seconds)
                return truth, truth
            case Not(condition):
                holds, would = self.at(condition, f"{path}.0")
                return _not(holds), _not(would)
            case Lasting(condition, seconds):
                return self._lasting(condition, seconds, path)
            case All(conditions):
                parts = [self.at(part, f"{path}.{number}") for number, part in enumerate(conditions)]
                return _all(holds for holds, _ in parts), _all(would for _, would in parts)
            case Either(conditions):
                parts = [self.at(part, f"{path}.{number}") for number, part in enumerate(conditions)]
                return (
                    _not(_all(_not(holds) for holds, _ in parts)),
                    _not(_all(_not(would) for _, would in parts)),
                )

    def decided(self, holds: Truth) -> tuple[str, float | None, float | None, int]:
        """Return the comparison to show: the first that is as the whole rule is, else the first."""
        fitting = [seen for seen in self._seen if seen[0] is holds] or self._seen
        return fitting[0][1:] if fitting else ("", None, None, 0)

    def _lasting(self, condition: Rule, seconds: int, path: str) -> tuple[Truth, Truth]:
        holds, would = self.at(condition, f"{path}.0")
        before = self._lasted.get(path)
        if holds is None:  # unknown neither breaks it nor counts
            if before is not None:
                self.now_lasted[path] = before
            return None, would
        if not holds:
            return False, would
        lasted = self.now_lasted[path] = 0.0 if before is None else before + self._passed
        return lasted >= seconds, True

    def _comparison(self, node: Comparison) -> Truth:
        left, right = self._side(node.left), self._side(node.right)
        metric = _metric_of(node.left) or _metric_of(node.right)
        truth = None
        if left.value is not None and right.value is not None:
            truth = COMPARE[node.operator](left.value, right.value)
        measured, other = (right, left) if isinstance(node.left, Quantity) else (left, right)
        unit = _per_unit(metric)
        self._seen.append((truth, metric, _divided(measured.value, unit), _divided(other.value, unit), measured.count))
        return truth

    def _silence(self, seconds: int) -> Truth:
        silent = self._samples.silent_for()
        truth = None if silent is None else silent >= seconds
        self._seen.append((truth, "no_events", silent, float(seconds), 0))
        return truth

    def _side(self, node: Side) -> Sample:
        """Return a side's value: percent, a number, or milliseconds."""
        match node:
            case Quantity(value, _):
                return Sample(float(value))
            case Scaled(factor, measure):
                found = self._side(measure)
                return Sample(None if found.value is None else float(factor * Decimal(found.value)), found.count)
            case Metric(name):
                return _in_milliseconds(name, self._samples.metric(name, fewest=self._fewest))
            case Aggregate(function, metric, seconds):
                return _in_milliseconds(metric, self._samples.aggregate(function, metric, seconds))
            case Changes():
                return Sample(self._samples.changes())


def _in_milliseconds(metric: str, sample: Sample) -> Sample:
    return sample if sample.value is None else Sample(sample.value * _per_unit(metric), sample.count)


def _per_unit(metric: str) -> float:
    return 1000.0 if MEASURES.get(metric) == "s" else 1.0


def _divided(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _metric_of(node: Side) -> str:
    match node:
        case Metric(name) | Aggregate(_, name, _) | Changes(name):
            return name
        case Scaled(_, measure):
            return _metric_of(measure)
        case _:
            return ""


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _all(truths: Iterable[Truth]) -> Truth:
    found = list(truths)
    if any(truth is False for truth in found):
        return False
    return None if any(truth is None for truth in found) else True
