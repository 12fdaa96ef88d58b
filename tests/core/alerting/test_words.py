"""Values, rules and times as people read them."""

from __future__ import annotations

import pytest

from core.alerting.facts import cause
from core.alerting.words import measured, rule_of
from core.texts import T, revive
from core.times import readable


@pytest.mark.parametrize(
    ("metric", "value", "english"),
    [
        ("error_rate", 12.4, "12.4 %"), ("error_rate", 60.0, "60 %"), ("failed", 31.0, "31"),
        ("failed", 1204.4, "1204"), ("latency_p95", 640.0, "640 ms"), ("latency_p95", 0.4, "0.4 ms"),
        ("latency_p95", 2100.0, "2.1 s"), ("queue_age", 185.0, "3 min 5 s"), ("no_events", 3600.0, "60 min 0 s"),
        ("claude_cost", 0.5, "0.5"), ("error_rate", None, "–"),
    ],
)  # fmt: skip
def test_values_have_their_unit(metric: str, value: float | None, english: str) -> None:
    assert measured(metric, value).render("en") == english


def test_a_value_is_still_the_readers_after_it_was_stored() -> None:
    assert revive(measured("latency_p95", 640.0).dump(), "ru") == "640 мс"


@pytest.mark.parametrize(
    ("condition", "metric", "shown"),
    [
        ("error_rate > 5%", "error_rate", "> 5%"),
        ("error_rate > 5% for 5m", "error_rate", "> 5% for 5m"),
        ("error_rate > 3 * avg(error_rate, 1d)", "error_rate", "> 3 * avg(error_rate, 1d)"),
        ("avg(error_rate, 1d) > 5%", "error_rate", "avg(error_rate, 1d) > 5%"),
        ("5% < error_rate", "error_rate", "5% < error_rate"),
        ("queue_depth > 100 and queue_age > 2m", "queue_depth", "queue_depth > 100 and queue_age > 2m"),
        ("no_events for 1h", "no_events", "no_events for 1h"),
    ],
)
def test_a_rule_beside_its_metric_does_not_name_it_twice(condition: str, metric: str, shown: str) -> None:
    assert rule_of(condition, metric) == shown


def test_times_are_written_for_people() -> None:
    said = "since 2026-11-24T22:58:40.986Z, until 2026-01-02T03:04:05Z."
    assert readable(said, "en") == "since 24 Nov 2026, 22:58 UTC, until 2 Jan 2026, 03:04 UTC."
    assert readable("с 2026-11-24T22:58:40.986Z", "ru") == "с 24 нояб. 2026, 22:58 UTC"


@pytest.mark.parametrize(
    ("count", "of", "most", "said"),
    [
        (29, 31, True, "Most are one error in slack_message #deploys: no such channel (29)"),
        (3, 31, False, "The commonest error in slack_message #deploys: no such channel (3 of 31)"),
        (1, 1, False, "The error in slack_message #deploys: no such channel"),
    ],
)
def test_that_most_are_one_error_is_said_where_it_is_so(count: int, of: int, most: bool, said: str) -> None:
    found = cause(T("no such channel"), count, of, ("slack_message", "#deploys"), most=most)
    assert str(found) == said
    assert " in " not in str(cause(T("no such channel"), count, of, None, most=most))
