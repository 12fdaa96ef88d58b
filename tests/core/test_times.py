from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import moment
from core.errors import Invalid
from core.times import time_of

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - 90), ("15m", NOW - 900), ("1h", NOW - 3600), ("7d", NOW - 7 * 86400), (None, None),
        ("2023-11-14T22:13:20Z", NOW), ("2023-11-15T01:13:20+03:00", NOW), ("2023-11-14T22:13:20", NOW),
        ("2023-11-14T22:13:20.250Z", NOW + 0.25), ("2023-11-14", 1_699_920_000.0),
    ],
)  # fmt: skip
def test_a_time_as_people_write_it(text: str | None, expected: float | None) -> None:
    assert time_of(text, now=NOW, path="from") == expected


def test_a_duration_may_lead_ahead() -> None:
    assert time_of("30d", now=NOW, path="expires_at", ahead=True) == NOW + 30 * 86400


@pytest.mark.parametrize(
    "text", ["", "soon", "5", "5w", "-1h", "1h30m", "2023-13-01", "9999999d", "٣h", "9999-12-31T23:59:59-12:00"]
)
def test_what_is_no_time_is_refused_by_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        time_of(text, now=NOW, path="from")
    assert refused.value.details["path"] == "from"


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_is_read_back(milliseconds: int) -> None:
    shown = moment(milliseconds / 1000)
    assert shown.endswith("Z") and len(shown) == len("2023-11-14T22:13:20.000Z")
    read = time_of(shown, now=NOW, path="from")
    assert read is not None and abs(read - milliseconds / 1000) < 0.001
