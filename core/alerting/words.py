"""Spans, values and times of alerts in words. Pure."""

from __future__ import annotations

from core import durations
from core.alerts.measures import MEASURES
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


def measured(metric: str, value: float | None) -> str:
    """Return a value with its unit: `12.4 %`, `640 ms`, `31`."""
    if value is None:
        return "–"
    match MEASURES.get(metric):
        case "%":
            return f"{_number(value)} %"
        case "ms":
            return durations.show(value)
        case "s":
            return durations.show(value * 1000)
        case _:
            return durations.show(value * 1000) if metric == "no_events" else _number(value)


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:.0f}"
