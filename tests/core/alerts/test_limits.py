"""The limits that a chart draws of a rule."""

from __future__ import annotations

import pytest

from core.alerts.language import parse
from core.alerts.limits import limits_of


@pytest.mark.parametrize(
    ("rule", "metric", "limits"),
    [
        ("error_rate > 5%", "error_rate", [(">", 5.0)]),
        ("5% < error_rate for 5m", "error_rate", [(">", 5.0)]),
        ("error_rate > 5%", "failed", []),
        ("latency_p95 > 2s", "latency_p95", [(">", 2000.0)]),
        ("queue_depth > 100 and queue_age > 2m", "queue_age", [(">", 120.0)]),
        ("failed > 1 or failed >= 10", "failed", [(">", 1.0), (">=", 10.0)]),
        ("not failed > 1", "failed", []),
        ("error_rate > 3 * avg(error_rate, 1d)", "error_rate", []),
        ("no_events for 1h", "received", []),
    ],
)
def test_limits(rule: str, metric: str, limits: list[tuple[str, float]]) -> None:
    assert list(limits_of(parse(rule), metric)) == limits
