"""Stripe's events."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from core.errors import Unauthenticated
from core.sources import Delivery, Identity
from tests.core.sources.samples import NOW, SECRET, signed, source

STRIPE, PARAMS = source("stripe")
BODY = b'{\n  "id": "evt_1",\n  "type": "charge.failed"\n}'
STAMP = str(int(NOW))
# docs.stripe.com/webhooks: "signed_payload" is the timestamp, a dot and the body; v1 is its HMAC-SHA256 in hex
RIGHT = hmac.new(SECRET.encode(), STAMP.encode() + b"." + BODY, hashlib.sha256).hexdigest()
WRONG = "0" * 64


def verify(header: str) -> str:
    return STRIPE.verify(PARAMS, Delivery({"stripe-signature": header}, BODY), secrets=[SECRET], now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        f"t={STAMP},v1={RIGHT}",
        f"t={STAMP},v1={WRONG},v1={RIGHT}",
        f"t={STAMP},v1={RIGHT},v0={WRONG}",
        f"v1={RIGHT},t={STAMP}",
    ],
)
def test_stripes_formula(header: str) -> None:
    assert verify(header) == "Stripe-Signature"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (f"t={STAMP},v1={WRONG}", "mismatch"),
        (f"t={STAMP},v0={RIGHT}", "malformed"),
        (f"t={STAMP},v1={RIGHT[:-1]}", "malformed"),
        (f"v1={RIGHT}", "malformed"),
        (f"t={STAMP},t={STAMP},v1={RIGHT}", "malformed"),
        (f"t=now,v1={RIGHT}", "malformed"),
        (f"t=,v1={RIGHT}", "malformed"),
        (f"t=-5,v1={RIGHT}", "malformed"),
        (f"t={'9' * 5000},v1={RIGHT}", "malformed"),
        (f"t=1,v1={RIGHT}", "expired"),
        (",,,", "malformed"),
    ],
)
def test_other_headers(header: str, reason: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verify(header)
    assert caught.value.details["reason"] == reason


def test_names_are_in_the_payload() -> None:
    assert STRIPE.identify(PARAMS, Delivery({}, BODY), STRIPE.parse(Delivery({}, BODY))) == Identity(
        "charge.failed", "evt_1"
    )
    strange: list[object] = [{}, [], "x", {"type": [], "id": {}}]
    for payload in strange:
        assert STRIPE.identify(PARAMS, Delivery({}, b""), payload) == Identity("event", None)


def test_names_are_signed() -> None:
    delivery = signed("stripe", event_type="charge.failed", payload={"id": "evt_old", "data": {}})
    assert STRIPE.parse(delivery) == {"id": "d-1", "type": "charge.failed", "data": {}}
