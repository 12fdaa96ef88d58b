"""The looks at a snapshot, one by one; through the door they are tested in `tests/core/http`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.integrations import Held
from core.status.problems import problems, summary
from core.status.snapshot import Service, Snapshot, commonest
from core.status.words import span
from core.texts import T, Text
from storage.integration_status import Failures, Queue, Waiting

NOW = 1_700_000_000.0
GOOD = Snapshot(slug="a", status="active", now=NOW, last_activity=NOW - 5)


def told(**changes: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.severity) for problem in problems(replace(GOOD, **changes))]


def failures(*texts: Text, at: float = NOW - 60) -> Failures:
    reasons = [(at, orjson.dumps({"error": "E", "message": text.dump()}).decode()) for text in texts]
    return Failures(len(texts), at, reasons)


def test_nothing_is_wrong() -> None:
    assert told() == []
    assert "nothing is wrong" in str(summary(GOOD, []))


def test_what_retention_has_deleted_is_not_taken_for_what_never_came() -> None:
    quiet = replace(GOOD, activated_at=NOW - 8 * 86400, last_activity=None)
    assert [problem.code for problem in problems(quiet)] == ["never_received"]
    swept = replace(quiet, events_kept=7 * 86400.0)
    assert problems(swept) == [] and "in the last 7 days" in str(summary(swept, []))
    assert [p.code for p in problems(replace(swept, activated_at=NOW - 86400))] == ["never_received"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "paused"}, ("paused", "error")),
        ({"status": "inactive"}, ("inactive", "error")),
        ({"status": "inactive", "missing": ("token",)}, ("configuration_incomplete", "error")),
        ({"status": "failed", "error": "Rate limit exceeded"}, ("failed", "error")),
        ({"status": "generating"}, ("unfinished", "warning")),
        ({"scheduler": "nobody"}, ("no_scheduler", "error")),
        ({"waiting": [Waiting("email", 3, NOW - 600)]}, ("waiting_for_service", "error")),
        ({"needs": (Service("email", "E-mail", ("CCB_SMTP_URL",), None),)}, ("service_not_configured", "warning")),
        ({"dead": failures(T("x"))}, ("dead_events", "error")),
        ({"dead": failures(T("x"), at=NOW - 90_000)}, ("dead_events", "warning")),
        ({"failing": failures(T("x"))}, ("failing", "warning")),
        ({"queue": Queue(2, NOW - 400, NOW - 301, 0)}, ("queue_late", "error")),
        ({"refused": {"too_large": 2}}, ("refused_too_large", "error")),
        ({"refused": {"expired": 1}}, ("refused_expired", "error")),
        ({"refused": {"inactive": 1}}, ("refused_inactive", "warning")),
        ({"refused": {"malformed": 1}}, ("refused_malformed", "warning")),
        ({"activated_at": NOW - 601, "last_activity": None}, ("never_received", "warning")),
        ({"rotation_ends": NOW + 60}, ("rotation_ends", "warning")),
        ({"lagging": ("b.example",)}, ("grants_lag", "warning")),
        ({"held": Held("abc", ("hosts: b.example",))}, ("version_waits", "warning")),
        ({"illegible": T("x")}, ("configuration_illegible", "error")),
    ],
)
def test_one_thing_is_wrong(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert told(**changes) == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"queue": Queue(2, NOW - 400, NOW - 299, 0)},
        {"queue": Queue(2, NOW - 400, NOW + 60, 0)},  # a retry that is not due yet
        {"activated_at": NOW - 599, "last_activity": None},
        {"activated_at": NOW - 601},
        {"rotation_ends": NOW + 4 * 3600},
    ],
)
def test_nothing_is_wrong_yet(changes: dict[str, Any]) -> None:
    assert told(**changes) == []


def test_errors_come_before_warnings_and_causes_before_what_follows() -> None:
    many = {"lagging": ("b",), "dead": failures(T("x")), "scheduler": "nobody", "failing": failures(T("y"))}
    assert [code for code, _ in told(**many)] == ["no_scheduler", "dead_events", "failing", "grants_lag"]
    snapshot = replace(GOOD, **many)  # type: ignore[arg-type]  # the mapping holds the fields' own types
    assert str(summary(snapshot, problems(snapshot))).endswith("There are 3 more problems.")


def test_the_commonest_reason_is_found_whatever_numbers_are_in_it() -> None:
    slow = [T("It takes requests again in {seconds} s.", seconds=n) for n in (7, 12)]
    found = commonest(failures(T("Something else."), *slow), since=NOW - 100)
    assert found is not None
    reason, count, total = found
    assert (str(reason), count, total) == ("It takes requests again in 7 s.", 2, 3)
    assert commonest(failures(T("x")), since=NOW) is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "1 minute"), (119, "1 minute"), (120, "2 minutes"), (7199, "119 minutes"), (7200, "2 hours"),
     (2 * 86400 - 1, "47 hours"), (2 * 86400, "2 days")],
)  # fmt: skip
def test_spans(seconds: float, expected: str) -> None:
    assert str(span(seconds)) == expected


@given(
    st.builds(
        Snapshot,
        slug=st.just("a"),
        status=st.sampled_from(["active", "paused", "inactive", "failed", "generating", "requested"]),
        now=st.just(NOW),
        missing=st.lists(st.text(max_size=5), max_size=2).map(tuple),
        refused=st.dictionaries(st.text(max_size=8), st.integers(1, 10), max_size=4),
        last_activity=st.none() | st.floats(0, NOW),
        activated_at=st.none() | st.floats(0, NOW),
        lagging=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    )
)
def test_every_snapshot_can_be_told_in_every_language(snapshot: Snapshot) -> None:
    found = problems(snapshot)
    for language in ("en", "ru"):
        assert summary(snapshot, found).render(language)
        assert all(problem.message.render(language) and problem.fix.render(language) for problem in found)


@pytest.mark.parametrize("reason", ["mismatch", "missing"])
def test_who_knows_the_address_cannot_make_an_integration_look_broken(reason: str) -> None:
    code = f"refused_{reason}"
    assert told(refused={reason: 1}) == [(code, "error")]
    assert told(refused={reason: 1}, recent={"succeeded": 1}) == [(code, "warning")]
