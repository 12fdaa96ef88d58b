"""What an answer costs, and what the budgets still cover."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.generation.money import Budget, Prices, Usage, affordable, cost, dollars, most, over, tightest
from core.texts import T, revive

PRICES = Prices(2.0, 10.0, 2.5, 0.2)
counts = st.integers(0, 200_000)


def test_each_kind_of_token_has_its_price() -> None:
    assert cost(Usage(input=1_000_000), PRICES) == 2.0
    assert cost(Usage(output=100_000), PRICES) == 1.0
    assert cost(Usage(cache_write=400_000, cache_read=500_000), PRICES) == pytest.approx(1.1)


@given(counts, counts, counts, counts)
def test_no_answer_costs_more_than_was_said_before(plain: int, written: int, read: int, output: int) -> None:
    usage = Usage(plain, output, written, read)
    assert cost(usage, PRICES) <= most(plain + written + read, output, PRICES) + 1e-9


@given(counts, st.integers(1, 128_000), st.floats(0, 5))
def test_what_is_affordable_is_covered(tokens: int, longest: int, left: float) -> None:
    granted = affordable(tokens, longest, left, PRICES)
    assert 0 <= granted <= longest
    assert granted == 0 or most(tokens, granted, PRICES) <= left + 1e-9


def test_money_is_written_as_its_reader_does() -> None:
    assert [str(dollars(amount)) for amount in (0, 0.16, 0.0016, 1234.5)] == ["$0.00", "$0.16", "$0.0016", "$1234.50"]
    assert str(dollars(0.16, estimated=True)) == "about $0.16"
    assert dollars(0.16).render("ru") == "0,16\xa0$" and dollars(0.16, estimated=True).render("ru") == "около 0,16\xa0$"
    assert revive(T("It cost {cost}.", cost=dollars(2)).dump(), "en") == "It cost $2.00."


def test_the_tightest_budget_is_named() -> None:
    request = Budget("this request", "CCB_BUDGET_REQUEST", 2.0, 1.5)
    month = Budget("this month", "CCB_BUDGET_MONTH", 100.0, 99.9)
    assert tightest([request, month]) is month
    error = over(month)
    assert error.error == "Budget exceeded" and "$99.90 of $100.00" in str(error) and "CCB_BUDGET_MONTH" in str(error)
    assert "next month" in str(error)
    own = str(over(Budget("this request", "CCB_BUDGET_REQUEST", 0.1, 0.03, monthly=False)))
    assert own == (
        "What is left of the budget for this request pays for no further answer: $0.03 of $0.10 are spent. "
        "Raise CCB_BUDGET_REQUEST and begin the request again."
    ), "it is never renewed, and not spent either"
    assert error.details == {"spent_usd": 99.9, "limit_usd": 100.0, "setting": "CCB_BUDGET_MONTH"}
