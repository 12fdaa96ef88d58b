"""Durations, read and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import durations
from core.errors import Invalid


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604800), ("0s", 0)])
def test_what_people_write(text: str, seconds: float) -> None:
    assert durations.parse(text) == seconds


@given(st.text(max_size=12))
def test_anything_else_is_refused_with_the_form(text: str) -> None:
    try:
        assert durations.parse(text) >= 0
    except Invalid as error:
        assert "15m" in str(error)


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(0.04, "0.0 ms"), (0.44, "0.4 ms"), (148.2, "148 ms"), (2140, "2.1 s"), (185_000, "3 min 5 s")],
)
def test_what_people_read(milliseconds: float, shown: str) -> None:
    assert durations.show(milliseconds) == shown


@pytest.mark.parametrize(
    ("milliseconds", "english", "russian"),
    [
        (0.44, "0.4 ms", "0,4 мс"),
        (148.2, "148 ms", "148 мс"),
        (2140, "2.1 s", "2,1 с"),
        (185_000, "3 min 5 s", "3 мин 5 с"),
    ],
)
def test_each_reads_them_in_their_own_form(milliseconds: float, english: str, russian: str) -> None:
    assert durations.said(milliseconds, "en-US") == english
    assert durations.said(milliseconds, "ru-RU") == russian
