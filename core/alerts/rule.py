"""An alert rule as a value: the tree that `core.alerts.language` reads from a text, and its text again. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import singledispatch
from typing import Literal, TypeAlias

Function = Literal["avg", "min", "max", "sum"]
Comparator = Literal[">", ">=", "<", "<=", "==", "!="]

COMPARE: Mapping[Comparator, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
"""What each comparator means."""

_SECONDS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True)
class Metric:
    """The present value of a metric."""

    name: str


@dataclass(frozen=True)
class Aggregate:
    """A metric over the last `seconds`."""

    function: Function
    metric: str
    seconds: int


@dataclass(frozen=True)
class Changes:
    """How often a metric (`status`) has changed since the rule was last looked at."""

    metric: str


@dataclass(frozen=True)
class Scaled:
    """A measure, times a number."""

    factor: Decimal
    measure: Metric | Aggregate | Changes


@dataclass(frozen=True)
class Quantity:
    """A fixed value: a percentage, a duration in milliseconds, a count, or an amount of USD."""

    value: Decimal
    dimension: Literal["percent", "duration", "count", "money"]


Side: TypeAlias = Metric | Aggregate | Changes | Scaled | Quantity


@dataclass(frozen=True)
class Comparison:
    """Two sides of one dimension."""

    left: Side
    operator: Comparator
    right: Side


@dataclass(frozen=True)
class Silence:
    """No event has come in for `seconds`."""

    seconds: int


@dataclass(frozen=True)
class Lasting:
    """The condition has held without a break for `seconds`."""

    condition: Rule
    seconds: int


@dataclass(frozen=True)
class Not:
    """The condition does not hold."""

    condition: Rule


@dataclass(frozen=True)
class All:
    """Every condition holds (`and`)."""

    conditions: tuple[Rule, ...]


@dataclass(frozen=True)
class Either:
    """At least one condition holds (`or`)."""

    conditions: tuple[Rule, ...]


Rule: TypeAlias = Comparison | Silence | Lasting | Not | All | Either


@singledispatch
def show(node: Rule | Side) -> str:
    """Return the rule as text that `core.alerts.language.parse` reads as the same rule; every `for` in parentheses."""
    raise TypeError(f"{type(node).__name__} is no part of a rule")


@show.register
def _(node: Metric) -> str:
    return node.name


@show.register
def _(node: Aggregate) -> str:
    return f"{node.function}({node.metric}, {duration(node.seconds)})"


@show.register
def _(node: Changes) -> str:
    return f"changes({node.metric})"


@show.register
def _(node: Scaled) -> str:
    return f"{_number(node.factor)} * {show(node.measure)}"


@show.register
def _(node: Quantity) -> str:
    if node.dimension == "percent":
        return f"{_number(node.value)}%"
    if node.dimension == "count":
        return _number(node.value)
    if node.dimension == "money":
        return f"{_number(node.value)} USD"
    for unit, seconds in _SECONDS:
        if node.value and node.value % (seconds * 1000) == 0:
            return f"{_number(node.value / (seconds * 1000))}{unit}"
    return f"{_number(node.value)}ms"


@show.register
def _(node: Comparison) -> str:
    return f"{show(node.left)} {node.operator} {show(node.right)}"


@show.register
def _(node: Silence) -> str:
    return f"no_events for {duration(node.seconds)}"


@show.register
def _(node: Lasting) -> str:
    inner = show(node.condition) if isinstance(node.condition, Comparison) else f"({show(node.condition)})"
    return f"{inner} for {duration(node.seconds)}"


@show.register
def _(node: Not) -> str:
    return f"not {_part(node.condition)}"


@show.register
def _(node: All) -> str:
    return " and ".join(map(_part, node.conditions))


@show.register
def _(node: Either) -> str:
    return " or ".join(map(_part, node.conditions))


def _part(node: Rule) -> str:
    """Return a condition as a part of another: in parentheses wherever a reader could take it for more or less."""
    return f"({show(node)})" if isinstance(node, All | Either | Lasting | Silence) else show(node)


def duration(seconds: int) -> str:
    """Return a time as a rule says it: `90s`, `5m`."""
    unit, size = next((unit, size) for unit, size in _SECONDS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _number(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
