"""The fixed values that a rule compares a metric with: what a chart of the metric draws as its limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from core.alerts.measures import MEASURES
from core.alerts.rule import All, Comparator, Comparison, Either, Lasting, Metric, Quantity, Rule, Side

_TURNED: dict[Comparator, Comparator] = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}
assert set(_TURNED) == set(get_args(Comparator))


def limits_of(rule: Rule, metric: str) -> Iterator[tuple[Comparator, float]]:
    """Give each comparator and value, in the metric's own unit. What stands under a `not` is no limit of its own."""
    match rule:
        case Comparison(left, operator, right):
            found = _limit(left, operator, right, metric) or _limit(right, _TURNED[operator], left, metric)
            if found is not None:
                yield found
        case Lasting(condition, _):
            yield from limits_of(condition, metric)
        case All(conditions) | Either(conditions):
            for condition in conditions:
                yield from limits_of(condition, metric)


def _limit(left: Side, operator: Comparator, right: Side, metric: str) -> tuple[Comparator, float] | None:
    if not isinstance(left, Metric) or left.name != metric or not isinstance(right, Quantity):
        return None
    in_seconds = MEASURES[metric] == "s"  # a rule's durations are milliseconds
    return operator, float(right.value) / (1000 if in_seconds else 1)
