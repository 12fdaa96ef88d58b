"""Delays: bounded, growing, honest about Retry-After."""

from __future__ import annotations

import random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events.retry import LONGEST, LONGEST_ASKED, Backoff, delay

BACKOFFS = get_args(Backoff)


@pytest.mark.parametrize(
    ("backoff", "bounds"),
    [("exponential", [2, 10, 50, 250, 1250]), ("linear", [10, 20, 30, 40, 50]), ("fixed", [10, 10, 10, 10, 10])],
)
def test_the_table_of_the_docs(backoff: Backoff, bounds: list[float]) -> None:
    longest = [
        delay(backoff, attempt=n, base=2.0, retry_after=None, dice=lambda: 0.999999) for n in range(1, 6)
    ]  # fmt: skip
    assert longest == pytest.approx([b if backoff == "exponential" else b * 1.05 for b in bounds], rel=1e-3)


def test_exponential_takes_full_jitter() -> None:
    rolled = [
        delay("exponential", attempt=2, base=2.0, retry_after=None, dice=random.Random(1).random) for _ in range(3)
    ]
    assert delay("exponential", attempt=2, base=2.0, retry_after=None, dice=lambda: 0.0) == 0.0
    assert all(0 <= r < 10 for r in rolled)


@given(
    st.sampled_from(BACKOFFS), st.integers(1, 1000), st.floats(0.001, 3600), st.none() | st.floats(0, 1e9),
    st.floats(0, 1, exclude_max=True),
)  # fmt: skip
def test_never_negative_never_for_ever_never_before_it_was_asked_for(
    backoff: Backoff, attempt: int, base: float, retry_after: float | None, roll: float
) -> None:
    wait = delay(backoff, attempt=attempt, base=base, retry_after=retry_after, dice=lambda: roll)
    assert 0 <= wait <= max(LONGEST * 1.05, LONGEST_ASKED)
    assert wait >= min(retry_after or 0, LONGEST_ASKED)
