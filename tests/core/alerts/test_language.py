"""The language of alert rules: what can be said, and how wrong rules are answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.alerts.language import DEEPEST, FUNCTIONS, LONGEST, LONGEST_TIME, parse
from core.alerts.measures import MEASURES, dimension
from core.alerts.rule import (
    Aggregate,
    All,
    Changes,
    Comparison,
    Either,
    Lasting,
    Metric,
    Not,
    Quantity,
    Rule,
    Scaled,
    Side,
    Silence,
    show,
)
from core.errors import Invalid

PERCENT = Comparison(Metric("error_rate"), ">", Quantity(Decimal(5), "percent"))
SLOW = Comparison(Metric("latency_p95"), ">", Quantity(Decimal(500), "duration"))
OFTEN = Comparison(Metric("failed"), ">", Quantity(Decimal(3), "count"))
OLD = Comparison(Metric("queue_age"), ">", Quantity(Decimal(120_000), "duration"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("error_rate > 5%", PERCENT),
        ("error_rate>5.0%", PERCENT),
        ("latency_p95 > 500ms for 5m", Lasting(SLOW, 300)),
        ("latency_p95 > 0.5s", SLOW),
        ("queue_age > 2m", OLD),
        ("failed > 3 and queue_age > 2m", All((OFTEN, OLD))),
        ("no_events for 1h", Silence(3600)),
        (
            "error_rate > 3 * avg(error_rate, 1d)",
            Comparison(Metric("error_rate"), ">", Scaled(Decimal(3), Aggregate("avg", "error_rate", 86400))),
        ),
        (
            "error_rate > avg(error_rate, 1d) * 3",
            Comparison(Metric("error_rate"), ">", Scaled(Decimal(3), Aggregate("avg", "error_rate", 86400))),
        ),
        ("changes(status) > 0", Comparison(Changes("status"), ">", Quantity(Decimal(0), "count"))),
        ("latency_p95 > queue_age", Comparison(Metric("latency_p95"), ">", Metric("queue_age"))),
        # `and` binds more tightly than `or`, `not` than `and`, and `for` most tightly of all.
        ("failed > 3 or error_rate > 5% and queue_age > 2m", Either((OFTEN, All((PERCENT, OLD))))),
        ("(failed > 3 or error_rate > 5%) and queue_age > 2m", All((Either((OFTEN, PERCENT)), OLD))),
        ("not failed > 3 and queue_age > 2m", All((Not(OFTEN), OLD))),
        ("error_rate > 5% and latency_p95 > 500ms for 5m", All((PERCENT, Lasting(SLOW, 300)))),
        ("(error_rate > 5% and latency_p95 > 500ms) for 5m", Lasting(All((PERCENT, SLOW)), 300)),
        ("NOT failed > 3 FOR 90s", Not(Lasting(OFTEN, 90))),
        ("((((failed > 3))))", OFTEN),
        ("failed\n\t> 3 ", OFTEN),
    ],
)
def test_what_can_be_said(text: str, rule: Rule) -> None:
    assert parse(text) == rule


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("error_rate>5.50%", "error_rate > 5.5%"),
        ("error_rate > 5 %", "error_rate > 5%"),
        ("queue_age > 7200s for 120s", "queue_age > 2h for 2m"),
        ("latency_p50 >= 0ms", "latency_p50 >= 0ms"),
        ("failed > 3 and queue_age > 2m for 5m", "failed > 3 and (queue_age > 2m for 5m)"),
        ("no_events for 1h or failed > 100", "(no_events for 1h) or failed > 100"),
    ],
)
def test_rules_are_shown_in_one_way(text: str, shown: str) -> None:
    assert show(parse(text)) == shown


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("error_rate > 500ms", 14, "500ms cannot be compared with error_rate: that takes a percentage such as 5%"),
        ("error_rate > 0.05", 14, "a percentage such as 5%"),
        ("latency_p95 > 5%", 15, "a duration such as 500ms"),
        ("latency_p95 > 500", 15, "a duration such as 500ms"),
        ("queue_depth > 2m", 15, "a number such as 100"),
        ("500ms < error_rate", 1, "a percentage such as 5%"),
        ("error_rate > avg(latency_p95, 1h)", 14, "a percentage"),
        ("latncy_p95 > 500ms", 1, "did you mean latency_p95?"),
        ("Error_Rate > 5%", 1, "did you mean error_rate?"),
        ("failed > 3 and zzz > 1", 16, "there are: received, processed"),
        ("average(failed, 1h) > 3", 1, "did you mean avg?"),
        ("avg(faild, 1h) > 3", 5, "did you mean failed?"),
        ("avg(failed) > 3", 1, "avg(failed, 1d)"),
        ("sum(error_rate, 1h) > 5%", 5, "sum of error_rate has no meaning"),
        ("avg(status, 1h) > 5", 5, "avg of status has no meaning"),
        ("status > 3", 1, "changes(status) > 0"),
        ("changes(failed) > 0", 9, "of status alone"),
        ("changes(status, 1h) > 0", 17, "takes no time"),
        ("5 > 3", 1, "One side must be a metric"),
        ("5% * failed > 3", 1, "without a unit"),
        ("error_rate > 5min", 14, "'5min' is no quantity"),
        ("error_rate > 5.%", 14, "is no quantity"),
        ("error_rate > 1234567890123%", 14, "is no quantity"),
        ("failed > 3 for 5", 16, "such as 15m"),
        ("failed > 3 for 500ms", 16, "such as 15m"),
        ("failed > 3 for 0m", 16, "between 1s and 366d"),
        ("failed > 3 for 367d", 16, "between 1s and 366d"),
        ("error_rate", 11, "the rule ends here. Expected: a comparison"),
        ("error_rate > ", 13, "Expected: a metric, a number"),
        ("", 1, "Expected: a metric, a number, not, no_events, ("),
        ("(failed > 3", 12, "the rule ends here. Expected: )"),
        ("failed > 3)", 11, "')' cannot stand here. Expected: the end"),
        ("failed > 3 extra", 12, "'extra' cannot stand here"),
        ("error_rate = 5%", 12, "'=' cannot stand here. Expected: a comparison (> >= < <= == !=), (, *"),
        ("failed > 3 && queue_depth > 3", 12, "'&&' cannot stand here. Expected: or, and, for, *, the end"),
        ("ошибок > 5", 1, "'ошибок' cannot stand here. Expected: a metric, a number, not, no_events, ("),
        ("failed > 3 for", 15, "the rule ends here. Expected: a time such as 5m"),
        ("avg(failed, ) > 3", 13, "')' cannot stand here. Expected: a time such as 5m"),
        ("no_events > 3", 11, "Expected: for"),
        ("failed > -3", 10, "'-' cannot stand here"),
        ("failed > ٣", 10, "cannot stand here"),
        ("not " * DEEPEST + "failed > 3", 4 * DEEPEST + 1, f"more than {DEEPEST} conditions"),
        ("failed > 3" + " " * LONGEST, LONGEST + 1, f"longer than {LONGEST}"),
    ],
)
def test_wrong_rules_are_answered_with_the_place_and_what_belongs_there(text: str, column: int, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"Column {column}: ")
    assert caught.value.details["column"] == column
    assert isinstance(caught.value.details["expected"], list)


def test_what_grows_when_it_is_written_in_full_is_refused_as_well() -> None:
    text = " or ".join(["(failed>1)for 1m"] * 24)
    assert len(text) < LONGEST
    with pytest.raises(Invalid, match="longer than"):
        parse(text)


def test_a_deep_rule_of_parentheses_and_nots_does_not_overflow() -> None:
    assert parse("(" * 240 + "failed > 3" + ")" * 240) == OFTEN
    with pytest.raises(Invalid, match="conditions inside of each other"):
        parse("not(" * 98 + "failed > 3" + ")" * 98)


seconds = st.one_of(
    *(st.integers(1, min(999_999, LONGEST_TIME // size)).map(size.__mul__) for size in (1, 60, 3600, 86400))
)
names = st.sampled_from([name for name in MEASURES if name != "status"])
decimals = st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=3)


@st.composite
def measures(draw: st.DrawFn) -> Side:
    name = draw(names)
    function = draw(st.sampled_from([f for f in FUNCTIONS if f != "sum" or dimension(name) == "count"]))
    kinds: list[Metric | Aggregate | Changes] = [
        Metric(name),
        Aggregate(function, name, draw(seconds)),
        Changes("status"),
    ]
    plain = draw(st.sampled_from(kinds))
    return Scaled(draw(decimals), plain) if draw(st.booleans()) else plain


def kind(side: Any) -> Any:
    match side:
        case Metric(name) | Aggregate(metric=name):
            return dimension(name)
        case Scaled(measure=inner):
            return kind(inner)
        case _:
            return "count"


@st.composite
def comparisons(draw: st.DrawFn) -> Rule:
    left = draw(measures())
    right = draw(measures())
    if kind(left) != kind(right) or draw(st.booleans()):
        right = Quantity(draw(decimals), kind(left))
    left, right = (left, right) if draw(st.booleans()) else (right, left)
    return Comparison(left, draw(st.sampled_from([">", ">=", "<", "<=", "==", "!="])), right)


def composed(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(All), several.map(Either), inner.map(Not), st.tuples(inner, seconds).map(lambda p: Lasting(*p))
    )


rules = st.recursive(comparisons() | seconds.map(Silence), composed, max_leaves=6)


@given(rules)
def test_what_is_shown_is_read_as_the_same(rule: Rule) -> None:
    text = show(rule)
    assume(len(text) <= LONGEST)
    assert parse(text) == rule


WORDS = [
    *MEASURES,
    *FUNCTIONS,
    *"()*,><=! ",
    ">=",
    "and ",
    "or ",
    "not ",
    "for ",
    "no_events ",
    "5%",
    "5m ",
    "3 ",
    "changes",
]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=40).map("".join)))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = parse(text)
    except Invalid as error:
        assert 1 <= error.details["column"] <= len(text) + 1 or len(text) > LONGEST
        return
    assert parse(show(rule)) == rule
