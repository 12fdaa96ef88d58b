"""Charts as plain data: limits, gaps, marks, both languages, and the words for who cannot see them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts import Chart, Limit, Mark, Span, alt, spec
from core.charts.axes import heights, scale_of, times, written
from core.metrics import METRICS, Point, Series
from core.texts import T

START = 1_764_000_000
"""2025-11-24T16:00:00Z"""
MOSCOW = ZoneInfo("Europe/Moscow")


def chart(metric: str, value: Callable[[int], float | None], *, count: int = 60, step: int = 60, **more: Any) -> Chart:
    points = tuple(Point(START + number * step, value(number)) for number in range(count))
    series = Series(METRICS[metric], START, START + count * step, step, points[-1].value, points)
    return Chart("Forward", series, **more)


def marks_of(made: dict[str, Any]) -> list[str]:
    return [layer["mark"]["type"] for layer in made["layer"]]


def labels(made: dict[str, Any], axis: str) -> list[str]:
    layers = [made, *made["layer"]]
    found = next(one["encoding"][axis]["axis"] for one in layers if "axis" in one["encoding"].get(axis, {}))
    text = found["labelExpr"]
    return list(json.loads(text[1 : text.rindex(")[")]).values())


def test_what_is_missing_is_a_gap_and_not_zero() -> None:
    made = spec(chart("error_rate", lambda n: None if 10 <= n < 30 else 2.0), "en")
    line = next(layer for layer in made["layer"] if layer["mark"]["type"] == "line")
    values = [row["value"] for row in line["data"]["values"]]
    assert values[9:11] == [2.0, None] and 0 not in values
    (gap, said) = made["layer"][:2]
    assert gap["data"]["values"] == [{"at": START + 600, "end": START + 1800}]
    assert said["encoding"]["text"]["value"] == "no data"


def test_a_point_between_two_gaps_is_seen() -> None:
    made = spec(chart("error_rate", lambda n: 1.0 if n in (5, 20, 21) else None), "en")
    (points,) = (layer for layer in made["layer"] if layer["mark"]["type"] == "point")
    assert [row["at"] for row in points["data"]["values"]] == [START + 5 * 60 + 30]


def test_the_limit_is_dashed_and_named() -> None:
    made = spec(chart("latency_p95", lambda n: 100.0, limits=(Limit(">", 2500),)), "en")
    (rule,) = (layer for layer in made["layer"] if layer["mark"]["type"] == "rule")
    assert rule["mark"]["strokeDash"] and rule["data"]["values"][0]["value"] == 2.5
    assert "limit: > 2.5 s" in json.dumps(made)
    assert max(float(label) for label in labels(made, "y")) > 2.5, "the limit is inside of the plot"


def test_changes_are_numbered_on_the_plot_and_named_below() -> None:
    changes = (Mark(START + 120, T("configuration changed")), Mark(START + 180, T("deployed")),
               Mark(START + 1800, T("state changed")), Mark(START - 60, T("too early")))  # fmt: skip
    made = spec(chart("error_rate", lambda n: 1.0, marks=changes), "en")
    assert made["encoding"]["x"]["axis"]["title"] == [
        "time (UTC)", "1. 16:02 configuration changed", "2. 16:03 deployed", "3. 16:30 state changed",
    ]  # fmt: skip
    assert [row["numbers"] for row in made["layer"][-1]["data"]["values"]] == ["1,2", "3"]


def test_times_for_which_a_rule_held_are_tinted_and_pointed_at() -> None:
    made = spec(chart("error_rate", lambda n: 1.0, spans=(Span(START + 60, START + 1e6),)), "en")
    assert made["layer"][0]["data"]["values"] == [{"at": START + 60, "end": START + 3600}]
    assert marks_of(made)[:3] == ["rect", "rect", "point"]


def test_counts_are_bars() -> None:
    assert "line" not in marks_of(spec(chart("failed", lambda n: n), "en"))


def test_times_and_numbers_are_the_readers() -> None:
    made = spec(chart("queue_depth", lambda n: n * 50, zone=MOSCOW), "ru")
    assert labels(made, "x")[0] == "19:00" and "UTC+03:00" in made["encoding"]["x"]["axis"]["title"][0]
    assert "2\xa0000" in labels(made, "y") or "1\xa0000" in labels(made, "y")
    assert "24 нояб." in made["title"]["subtitle"]


def test_alt_says_the_numbers() -> None:
    made = chart("error_rate", lambda n: None if n < 2 else float(n), limits=(Limit(">", 57),),
                 marks=(Mark(START + 60, T("deployed")),))  # fmt: skip
    assert alt(made, "en") == (
        "error_rate of Forward from 24 Nov 16:00 to 24 Nov 17:00 (UTC). Lowest 2 %, highest 59 % at 24 Nov 16:59, "
        "last 59 %. The limit > 57 % is met at 2 points. 2 of 60 points have no data. 24 Nov 16:01: deployed."
    )
    assert spec(made, "en")["description"] == alt(made, "en")
    assert "no data" in alt(chart("error_rate", lambda n: None), "en")


@pytest.mark.parametrize(
    ("metric", "largest", "shown"),
    [
        ("latency_p95", 900, "900 ms"),
        ("latency_p95", 90_000, "90 s"),
        ("queue_age", 900, "15 min"),
        ("queue_age", 0.5, "500 ms"),
        ("error_rate", 12.345, "12.3 %"),
        ("received", 12_345, "12,345"),
        ("events_per_minute", 3, "3 per minute"),
    ],
)
def test_values_are_said_in_a_unit_that_is_easily_read(metric: str, largest: float, shown: str) -> None:
    assert scale_of(METRICS[metric], [largest]).shown(largest, "en") == shown


def test_a_time_that_is_small_on_its_scale_has_its_own() -> None:
    minutes = scale_of(METRICS["latency_p95"], [600_000])
    assert [minutes.shown(value, "en") for value in (0, 500, 6_000, 90_000)] == [
        "0 min",
        "500 ms",
        "0.1 min",
        "1.5 min",
    ]
    assert scale_of(METRICS["queue_age"], [7200]).shown(30, "ru") == "30 с"


def test_days_begin_at_midnight_of_the_zone_also_when_clocks_are_put_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = 1_761_170_400  # 2025-10-23T00:00 in Berlin, the clocks are put back on the 26th
    ticks = times(start, start + 7 * 86_400, zone=berlin, language="en")
    assert [tick.label for tick in ticks][:5] == ["23 Oct", "24 Oct", "25 Oct", "26 Oct", "27 Oct"]
    assert ticks[4].at - ticks[3].at == 25 * 3600


@given(st.floats(min_value=0, max_value=1e12), st.booleans())
def test_the_vertical_axis_holds_the_largest_value_in_few_ticks(top: float, whole: bool) -> None:
    ticks = heights(top, whole=whole, language="en")
    assert ticks[0].at == 0 and ticks[-1].at >= top * (1 - 1e-6) and 2 <= len(ticks) <= 7
    assert not whole or all(float(tick.at).is_integer() for tick in ticks)


@given(st.integers(0, 2_000_000_000), st.integers(60, 400 * 86_400), st.sampled_from(["UTC", "Asia/Kathmandu"]))
def test_the_time_axis_has_few_ticks_inside_of_the_range(start: int, span: int, zone: str) -> None:
    ticks = times(start, start + span, zone=ZoneInfo(zone), language="en")
    assert len(ticks) <= 9 and all(start <= tick.at <= start + span for tick in ticks)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_any_number_is_written(value: float) -> None:
    assert math.isclose(float(written(value, "en").replace(",", "")), value, rel_tol=0.01, abs_tol=0.006)


def test_a_share_has_no_room_above_all() -> None:
    made = spec(chart("error_rate", lambda n: 100.0, limits=(Limit(">", 5),)), "en")
    assert labels(made, "y") == ["0", "25", "50", "75", "100"]


def test_limits_that_are_near_to_each_other_are_named_together() -> None:
    limits = (Limit(">", 5.2), Limit(">", 5), Limit("<=", 0.5), Limit(">", 5))
    made = json.dumps(spec(chart("error_rate", lambda n: 6.0, limits=limits), "en"))
    assert "limit: > 5 %, > 5.2 %" in made and "limit: <= 0.5 %" in made


def test_a_small_cost_is_not_nothing() -> None:
    small = chart("claude_cost", lambda n: 0.00012 if n == 3 else 0.0)
    assert "highest 0.00012 USD" in alt(small, "en")
    assert labels(spec(small, "en"), "y")[-1] == "0.00015"


def test_a_long_name_does_not_widen_the_picture() -> None:
    made = spec(chart("error_rate", lambda n: 1.0), "en")
    long = spec(replace(chart("processing_p95", lambda n: 1.0), name="long " * 40), "en")
    assert made["title"]["text"] == "error_rate · Forward" and len(long["title"]["text"]) <= 60
