"""What alert rules can be about: the metrics, and the unit in which each is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Unit = Literal["%", "ms", "s", "count", "count/min", "USD", "status"]
Dimension = Literal["percent", "duration", "count", "money", "status"]

MEASURES: Mapping[str, Unit] = {
    "received": "count",
    "processed": "count",
    "succeeded": "count",
    "failed": "count",
    "retried": "count",
    "effects": "count",
    "duplicates": "count",
    "skipped": "count",
    "rejected": "count",
    "rejected_signature": "count",
    "rejected_inactive": "count",
    "rejected_malformed": "count",
    "rejected_too_large": "count",
    "rejected_unknown": "count",
    "deliveries_2xx": "count",
    "deliveries_3xx": "count",
    "deliveries_4xx": "count",
    "deliveries_5xx": "count",
    "deliveries_none": "count",
    "sandbox_time": "ms",
    "claude_cost": "USD",
    "events_per_minute": "count/min",
    "error_rate": "%",
    "latency_p50": "ms",
    "latency_p90": "ms",
    "latency_p95": "ms",
    "latency_p99": "ms",
    "processing_p50": "ms",
    "processing_p90": "ms",
    "processing_p95": "ms",
    "processing_p99": "ms",
    "queue_depth": "count",
    "queue_age": "s",
    "webhook_failures": "count",
    "status": "status",
}
"""`status` is the integration's state: it has no size, only changes."""

FEWEST: Mapping[Literal["ratio", "percentile"], int] = {"ratio": 5, "percentile": 10}
"""Of how many events a value must tell to be believed, unless a rule says otherwise."""

_DIMENSIONS: Mapping[Unit, Dimension] = {
    "%": "percent",
    "ms": "duration",
    "s": "duration",
    "count": "count",
    "count/min": "count",
    "USD": "money",
    "status": "status",
}


def fewest(measure: str) -> int:
    """Return of how many events a metric must tell to be believed; counts and gauges need none."""
    if measure == "error_rate":
        return FEWEST["ratio"]
    return FEWEST["percentile"] if measure.startswith(("latency_p", "processing_p")) else 0


def dimension(measure: str) -> Dimension:
    """Return what a metric's values are compared with: durations with durations, whatever their unit."""
    return _DIMENSIONS[MEASURES[measure]]
