"""Senders that do not sign: an API key, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from core.errors import Unauthenticated
from core.sources import Delivery
from tests.core.sources.samples import NOW, SECRET, signed, source

BEARER, BEARER_PARAMS = source("bearer")
NONE, NONE_PARAMS = source("none")


@pytest.mark.parametrize("value", ["Bearer ccb_8Jq", "bearer ccb_8Jq", "BEARER  a.b~c+d/e-f_==", f"Bearer {'k' * 500}"])
def test_a_key_in_the_right_form(value: str) -> None:
    delivery = Delivery({"authorization": value}, b"{}")
    assert BEARER.verify(BEARER_PARAMS, delivery, secrets=[], now=NOW) == "Authorization"


@pytest.mark.parametrize(
    "value", ["ccb_8Jq", "Basic dXNlcg==", "Bearer", "Bearer ", "Bearer a b", "Bearer é", "Bearer \ud800"]
)
def test_a_key_in_another_form(value: str) -> None:
    with pytest.raises(Unauthenticated, match="the word Bearer") as caught:
        BEARER.verify(BEARER_PARAMS, Delivery({"authorization": value}, b"{}"), secrets=[], now=NOW)
    assert caught.value.details["reason"] == "malformed"


def test_no_key() -> None:
    with pytest.raises(Unauthenticated, match="Authorization is missing") as caught:
        BEARER.verify(BEARER_PARAMS, Delivery({}, b"{}"), secrets=[SECRET], now=NOW)
    assert caught.value.details["reason"] == "missing"


def test_the_key_is_shown() -> None:
    assert signed("bearer", secret="ccb_key").headers["authorization"] == "Bearer ccb_key"


@pytest.mark.parametrize(
    "params", [{}, {"unsigned": False}, {"unsigned": "true"}, {"unsigned": "yes"}, {"unsigned": None}]
)
def test_unsigned_must_be_said(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="unsigned"):
        NONE.params.model_validate({"kind": "none", **params})


def test_unsigned_lets_everything_pass_and_says_so() -> None:
    assert NONE.verify(NONE_PARAMS, Delivery({}, b"x"), secrets=[], now=NOW) == "unsigned"
    assert not {"authorization", "x-signature"} & set(signed("none").headers)
