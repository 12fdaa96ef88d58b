"""What counts make of a metric: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.histogram import ERROR, bucket_of
from core.metrics import METRICS
from core.metrics.query import value_of

_ENDS = st.dictionaries(st.sampled_from(["succeeded", "dead", "retried"]), st.integers(0, 10**6))


@given(_ENDS)
def test_an_error_rate_is_a_share_of_the_attempts_that_ended(ends: dict[str, int]) -> None:
    counts = {name: {0: float(count)} for name, count in ends.items()}
    value = value_of(METRICS["error_rate"], counts, seconds=60)
    total = sum(ends.values())
    if total == 0:
        assert value is None
    else:
        assert value == pytest.approx(100 * (total - ends.get("succeeded", 0)) / total, abs=0.05)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=50))
def test_percentiles_of_all_latencies_are_within_the_error(latencies: list[float]) -> None:
    buckets: dict[int, float] = {}
    for latency in latencies:
        buckets[bucket_of(latency)] = buckets.get(bucket_of(latency), 0.0) + 1
    found = [value_of(METRICS[f"latency_p{p}"], {"latency_ms": buckets}, seconds=60) for p in (50, 90, 95, 99)]
    assert found == sorted(found, key=lambda value: value or 0.0)
    exact = sorted(latencies)[max(0, -(-len(latencies) * 99 // 100) - 1)]
    assert found[-1] == pytest.approx(exact, rel=ERROR + 0.001, abs=0.001)


def test_a_rate_is_per_minute_and_counts_are_whole() -> None:
    counts = {"received": {0: 90.0}, "dead": {0: 2.0}, "succeeded": {0: 5.0}}
    assert value_of(METRICS["events_per_minute"], counts, seconds=1800) == 3
    processed = value_of(METRICS["processed"], counts, seconds=1800)
    assert processed == 7 and isinstance(processed, int)
