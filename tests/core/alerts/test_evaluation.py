"""Whether a rule holds, and how its state moves: examples, and what must hold of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts.evaluation import LONGEST_LOOK, Sample, Truth, Verdict, evaluate
from core.alerts.language import parse
from core.alerts.policy import Firing, Silence, decide
from core.alerts.rule import Function
from core.alerts.states import CLEAR_SECONDS, Standing, advance


@dataclass
class Known:
    """Samples that a test names."""

    values: dict[str, float | None] = field(default_factory=dict)
    silent: float | None = None
    changed: float | None = 0.0

    def metric(self, name: str, *, fewest: int | None) -> Sample:
        return Sample(self.values.get(name))

    def aggregate(self, function: Function, metric: str, seconds: int) -> Sample:
        return Sample(self.values.get(f"{function}({metric})"))

    def changes(self) -> float | None:
        return self.changed

    def silent_for(self) -> float | None:
        return self.silent


def holds(text: str, **values: float | None) -> Truth:
    return evaluate(parse(text), Known(values), lasted={}, passed=0).holds


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("error_rate > 5%", True),
        ("error_rate > 6%", False),
        ("5% < error_rate", True),
        ("latency_p95 > 0.5s", True),
        ("queue_age >= 2m", True),
        ("queue_age > latency_p95", True),
        ("latency_p50 > 1s", None),
        ("latency_p50 > 1s and error_rate > 6%", False),
        ("latency_p50 > 1s and error_rate > 5%", None),
        ("latency_p50 > 1s or error_rate > 5%", True),
        ("latency_p50 > 1s or error_rate > 6%", None),
        ("not latency_p50 > 1s", None),
        ("not error_rate > 6%", True),
        ("error_rate > 5% for 1m", False),
        ("not error_rate > 5% for 1m", True),
        ("failed > 2 * failed", False),
        ("changes(status) > 0", False),
        ("no_events for 1h", None),
    ],
)
def test_what_is_unknown_is_no_answer(text: str, truth: Truth) -> None:
    assert holds(text, error_rate=5.5, latency_p95=600, queue_age=120, failed=3) is truth


def test_the_comparison_that_decided_is_shown() -> None:
    found = evaluate(parse("failed > 3 or queue_age > 2m"), Known({"failed": 1, "queue_age": 180}), lasted={}, passed=0)
    assert (found.metric, found.value, found.threshold) == ("queue_age", 180, 120)


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(-1e6, 1e6)), max_size=40))
def test_time_is_added_up_look_by_look(looks: list[tuple[Truth, float]]) -> None:
    """Whatever the clock does, `for 5m` is never fulfilled by fewer than three looks at which it held."""
    rule, held = parse("failed > 0 for 5m"), 0
    lasted: dict[str, float] = {}
    for truth, passed in looks:
        value = None if truth is None else float(truth)
        found = evaluate(rule, Known({"failed": value}), lasted=lasted, passed=passed)
        lasted = dict(found.lasted)
        held = held + 1 if truth else held if truth is None else 0
        assert found.holds in ((True, False) if truth else (truth,))
        if found.holds:
            assert (held - 1) * LONGEST_LOOK >= 300


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(-1e5, 1e5)), max_size=60))
def test_every_alert_begins_and_ends_once(looks: list[tuple[Truth, float]]) -> None:
    now, standing, active = 1e9, Standing(since=1e9), ""
    for truth, passed in looks:
        now += passed
        outcome = advance(standing, Verdict(truth, truth), None, now=now)
        standing = outcome.standing
        for change in outcome.changes:
            if change == "pending":
                assert active == ""
                active = "pending"
            elif change == "firing":
                assert active == "pending"
                active = "firing"
            elif change in ("resolved", "ended_without_data"):
                assert active == "firing"
                active = ""
            elif change == "withdrawn":
                assert active == "pending"
                active = ""
        assert (standing.state == "firing") == (active == "firing")
        assert not (truth is None and "resolved" in outcome.changes), "missing data is never ok"


def test_a_value_that_swings_ends_nothing() -> None:
    standing, now = Standing(since=0), 0.0
    for number in range(50):
        now += 20
        standing = advance(standing, Verdict(number % 4 == 0, number % 4 == 0), None, now=now).standing
    assert standing.state == "firing" and CLEAR_SECONDS > 3 * 20


def firing() -> Standing:
    """Return how a rule stands that fires since a moment ago."""
    return advance(Standing(since=0), Verdict(True, True), None, now=20).standing


def states(standing: Standing, looks: Iterable[tuple[Truth, Truth]], now: float = 20.0) -> list[str]:
    """Return how it stands after each look, 20 seconds apart: at the condition, and at that for the end."""
    found: list[str] = []
    for holds, ends in looks:
        now += 20
        standing = advance(standing, Verdict(holds, holds), Verdict(ends, ends), now=now).standing
        found.append(standing.state)
    return found


def test_the_end_takes_two_minutes_without_a_break() -> None:
    well, ill = (False, True), (True, False)
    assert states(firing(), [well] * 7) == ["firing"] * 6 + ["ok"]
    assert states(firing(), [*[well] * 6, ill, *[well] * 6]) == ["firing"] * 13, "a break begins it anew"
    assert states(firing(), [(False, False)] * 20) == ["firing"] * 20, "its own condition for the end does not hold"


def test_a_condition_must_last() -> None:
    """What is unknown neither counts nor breaks it, and the first look at which it holds has lasted nothing."""
    rule, lasted, found = parse("failed > 0 for 5m"), dict[str, float](), []
    for failed in (1, 1, None, 1, 1, 0, 1, 1, 1, 1):
        seen = evaluate(rule, Known({"failed": failed}), lasted=lasted, passed=100)
        lasted = dict(seen.lasted)
        found.append(seen.holds)
    assert found == [False, False, None, False, True, False, False, False, False, True]


def test_a_standing_keeps_its_beginning() -> None:
    standing, begun = Standing(since=5, looked_at=5), []
    for now, holds in ((25, False), (45, False), (65, True), (85, True)):
        outcome = advance(standing, Verdict(holds, True), None, now=now)
        standing = outcome.standing
        begun.append((standing.state, standing.since, outcome.changes))
    assert begun == [
        ("pending", 25, ("pending",)), ("pending", 25, ()), ("firing", 65, ("firing",)), ("firing", 65, ()),
    ]  # fmt: skip


def test_what_is_unknown_ends_nothing() -> None:
    assert advance(firing(), Verdict(False, False), Verdict(None, None), now=40).changes == ("no_data",)
    assert states(firing(), [(False, None)] * 20) == ["firing"] * 20, "nobody can tell whether it is well"
    assert states(firing(), [(None, True)] * 20) == ["firing"] * 20


def test_a_pending_alert_waits_a_quarter_of_an_hour_for_data() -> None:
    standing, now, changes = advance(Standing(since=0), Verdict(False, True), None, now=20).standing, 20.0, []
    assert standing.state == "pending"
    for _ in range(47):
        now += 20
        outcome = advance(standing, Verdict(None, None), None, now=now)
        standing = outcome.standing
        changes.append(outcome.changes)
    assert changes == [*[()] * 45, ("withdrawn",), ()] and standing.state == "no_data"


def test_only_what_fired_within_the_hour_is_flapping() -> None:
    for apart, flapping in ((1300.0, [False] * 6), (600.0, [False] * 3 + [True] * 3)):
        standing, now, found = Standing(since=0), 0.0, []
        for _ in range(6):
            now += apart - 140
            outcome = advance(standing, Verdict(True, True), None, now=now)
            found.append(outcome.flapping)
            standing = outcome.standing
            for _ in range(7):
                now += 20
                standing = advance(standing, Verdict(False, False), None, now=now).standing
            assert standing.state == "ok"
        assert found == flapping, apart


def test_who_is_told() -> None:
    alert = Firing("int_1", "Errors", "critical")
    assert decide(alert, [], 0).say == "fired"
    for silence, quiet in (
        (Silence("s", 0, 10), True),
        (Silence("s", 0, 10, "int_1", "Errors", "critical"), True),
        (Silence("s", 0, 10, "int_2"), False),
        (Silence("s", 0, 10, None, "Other"), False),
        (Silence("s", 0, 10, None, None, "info"), False),
        (Silence("s", 6, 10), False),
        (Silence("s", 0, 5), False),
    ):
        assert (decide(alert, [silence], 5).silence == "s") is quiet, silence
    told = Firing("int_1", "Errors", "critical", told_at=0)
    assert decide(told, [], 4 * 3600 - 1).say is None and decide(told, [], 4 * 3600).say == "repeat"
    assert decide(Firing("i", "r", "info", 0, repeat_seconds=300), [], 300).say == "repeat"
    assert decide(Firing("i", "r", "info", 0, acknowledged=True), [], 1e9).quiet == "acknowledged"
    assert decide(Firing("i", "r", "info", 0, snoozed_until=50), [], 49).quiet == "snoozed"
    assert decide(Firing("i", "r", "info", 0, True, snoozed_until=50), [], 50).say == "repeat"
    always = [Silence("s", 0, 1e9)]
    assert decide(told, always, 4 * 3600).quiet == "silenced", "at the repeat too"
    assert decide(Firing("i", "r", "info", 0, snoozed_until=50), always, 50).quiet == "silenced"
