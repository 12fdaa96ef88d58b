from __future__ import annotations

from core.alerts.measures import MEASURES
from core.metrics.known import METRICS


def test_rules_know_every_metric_in_its_own_unit() -> None:
    """The layers keep the one from importing the other, so that a package can be read without metrics."""
    units = {name: metric.unit for name, metric in METRICS.items()}
    assert {name: unit for name, unit in MEASURES.items() if name != "status"} == units
