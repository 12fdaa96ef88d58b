"""Metrics: what there is, asked over a range of time, and why there may be nothing."""

from core.metrics.gauges import sample
from core.metrics.known import METRICS, Kind, Metric
from core.metrics.query import Point, Series, query, value_of
from core.metrics.rollup import roll, roll_late
from core.metrics.status import Status, status

__all__ = [
    "METRICS", "Kind", "Metric", "Point", "Series", "Status", "query", "roll", "roll_late", "sample", "status",
    "value_of",
]  # fmt: skip
