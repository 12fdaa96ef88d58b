"""Spans, values and times of alerts in words. Pure."""

from __future__ import annotations

from core.alerting.subjects import read_condition
from core.alerts.measures import MEASURES
from core.alerts.rule import Comparison, Lasting, Metric
from core.texts import TN, T, Text


def span(seconds: float) -> Text:
    """Return a span in the largest unit of which there are at least two, rounded down."""
    whole = max(0, int(seconds))
    if whole < 120:
        return T("{count} s", count=whole)
    if whole < 7200:
        return T("{count} min", count=whole // 60)
    if whole < 172_800:
        return T("{count} h", count=whole // 3600)
    return TN("{count} day", "{count} days", whole // 86_400)


def measured(metric: str, value: float | None) -> Text:
    """Return a value with its unit, in the reader's own form: `12.4 %`, `640 ms`, `31`."""
    if value is None:
        return T("–")
    match MEASURES.get(metric):
        case "%":
            return T("{n} %", n=_number(value))
        case "ms":
            return _lasting(value)
        case "s":
            return _lasting(value * 1000)
        case _:
            return _lasting(value * 1000) if metric == "no_events" else _number(value)


def _lasting(milliseconds: float) -> Text:
    if milliseconds < 1000:
        return T("{n} ms", n=_number(milliseconds, digits=1 if milliseconds < 10 else 0))
    if milliseconds < 60_000:
        return T("{n} s", n=_number(milliseconds / 1000))
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return T("{minutes} min {seconds} s", minutes=minutes, seconds=seconds)


def _number(value: float, *, digits: int = 1) -> Text:
    """Return a number; the sign between its parts is the reader's, also when the text was stored meanwhile."""
    shown = f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.0f}"
    whole, _, fraction = shown.partition(".")
    return T("{whole}.{fraction}", whole=whole, fraction=fraction) if fraction.strip("0") else T("{n}", n=whole)


def rule_of(condition: str, metric: str | None) -> str:
    """Return a rule as it stands beside its metric's name: `> 5% for 5m`; the whole one where it says more.

    So too where another version of the engine has written it, and this one cannot read it.
    """
    rule = read_condition(condition)
    compared = rule.condition if isinstance(rule, Lasting) else rule
    simple = isinstance(compared, Comparison) and compared.left == Metric(metric or "")
    return condition.removeprefix(f"{metric} ") if simple else condition
