from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retry_after import seconds

NOW = 784_111_777.0
"""Sun, 06 Nov 1994 08:49:37 GMT, the RFC's own example."""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9" * 400, None),
    ],
)
def test_reads_both_forms_and_nothing_else(value: str | None, expected: float | None) -> None:
    assert seconds(value, now=NOW) == expected


@given(st.text(max_size=60), st.floats(0, 4e9))
def test_never_fails_and_never_goes_back_in_time(value: str, now: float) -> None:
    wait = seconds(value, now=now)
    assert wait is None or 0 <= wait < 1e12


@given(st.integers(0, 3_000_000_000), st.integers(0, 10**6))
def test_a_date_is_as_far_as_it_says(now: int, ahead: int) -> None:
    assert seconds(formatdate(now + ahead, usegmt=True), now=float(now)) == ahead
