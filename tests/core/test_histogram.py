"""Latency histograms: how close their percentiles are, and that they add up."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.histogram import ERROR, LARGEST_MS, SMALLEST_MS, bucket_of, percentile, value_of

durations = st.floats(SMALLEST_MS, LARGEST_MS)


def exact(values: list[float], q: float) -> float:
    return sorted(values)[max(0, math.ceil(round(q * len(values), 9)) - 1)]


@pytest.mark.parametrize(("ms", "bucket"), [(1, 0), (1.0001, 1), (2, 8), (1024, 80), (0.5, -8), (1.09, 1), (1.091, 2)])
def test_eight_buckets_from_one_value_to_its_double(ms: float, bucket: int) -> None:
    assert bucket_of(ms) == bucket


@pytest.mark.parametrize(
    ("ms", "counted"), [(0, SMALLEST_MS), (-5, SMALLEST_MS), (math.nan, SMALLEST_MS), (math.inf, LARGEST_MS)]
)
def test_what_is_out_of_bounds_goes_to_the_bound(ms: float, counted: float) -> None:
    assert bucket_of(ms) == bucket_of(counted)


@given(durations)
def test_a_bucket_stands_for_what_is_close_to_all_that_it_holds(ms: float) -> None:
    assert abs(value_of(bucket_of(ms)) - ms) <= ERROR * ms * (1 + 1e-9)


@given(durations, durations)
def test_the_order_is_kept(one: float, other: float) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(durations, min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_percentile_is_close_to_the_exact_one(values: list[float], q: float) -> None:
    found = percentile(Counter(map(bucket_of, values)), q)
    assert found == pytest.approx(exact(values, q), rel=ERROR * (1 + 1e-9))


@given(st.lists(durations, max_size=50), st.lists(durations, max_size=50))
def test_histograms_add_up(some: list[float], more: list[float]) -> None:
    apart = Counter(map(bucket_of, some)) + Counter(map(bucket_of, more))
    assert percentile(apart, 0.9) == percentile(Counter(map(bucket_of, some + more)), 0.9)


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None and percentile({3: 0}, 0.5) is None


def test_counts_may_be_fractions_and_empty_buckets_are_passed_over() -> None:
    assert percentile({0: 0.25, 8: 0.25, 16: 0.0, 24: 0.5}, 0.5) == value_of(8)
    assert percentile({-3: 0.0, 8: 1.0}, 0.0) == value_of(8)


def test_the_error_is_what_the_docstring_says() -> None:
    assert pytest.approx(0.0433, abs=1e-3) == ERROR
