"""Standard Webhooks, with the project's own library as the sender."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from core.errors import Unauthenticated
from core.sources import Delivery, Identity
from tests.core.sources.samples import NOW, signed, source, with_header

STANDARD, PARAMS = source("standard-webhooks")


def sent(secret: str, body: str, *, at: float = NOW, message_id: str = "msg_1") -> Delivery:
    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(at, UTC), body)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(at)), "webhook-signature": signature}
    return Delivery(headers, body.encode())


def test_the_vector_of_the_projects_libraries() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    delivery = Delivery(headers, b'{"test": 2432232314}')
    for secret in ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"):
        assert STANDARD.verify(PARAMS, delivery, secrets=[secret], now=1614265330) == "webhook-signature"


@given(key=st.binary(min_size=1, max_size=64), body=st.text(st.characters(codec="utf-8")))
def test_what_the_library_signs_is_taken(key: bytes, body: str) -> None:
    padded = base64.b64encode(key).decode()
    for secret in (padded, "whsec_" + padded, "whsec_" + padded.rstrip("=")):
        assert STANDARD.verify(PARAMS, sent(secret, body), secrets=[secret], now=NOW)


@given(key=st.binary(min_size=1, max_size=64))
def test_what_we_sign_the_library_takes(key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    now = datetime.now(UTC).timestamp()
    request = STANDARD.sign(PARAMS, secret=secret, event_type="a", delivery_id="m", payload={}, now=now)
    assert Webhook(secret).verify(request.body, request.headers) == {"type": "a"}


@pytest.mark.parametrize("secret", ["not base64!", "ключ", "whsec_", "whsec_not base64!", "abcde", "abcd!!!!"])
def test_a_secret_that_is_not_base64_is_the_key_itself(secret: str) -> None:
    delivery = signed("standard-webhooks", secret=secret)
    assert STANDARD.verify(PARAMS, delivery, secrets=[secret], now=NOW)
    reference = base64.b64encode(secret.encode()).decode()
    body = delivery.body.decode()
    assert sent(reference, body, message_id="d-1").headers["webhook-signature"] == delivery.headers["webhook-signature"]


def test_one_of_several_signatures_is_enough() -> None:
    delivery = signed("standard-webhooks")
    right = delivery.headers["webhook-signature"]
    several = with_header(delivery, "webhook-signature", f"v1,{'A' * 43}= v1a,hnO3f9T8 {right} v2,x")
    assert STANDARD.verify(PARAMS, several, secrets=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"], now=NOW)


def test_only_v1_is_taken() -> None:
    delivery = with_header(signed("standard-webhooks"), "webhook-signature", "v1a,hnO3f9T8")
    with pytest.raises(Unauthenticated, match="no v1 signature") as caught:
        STANDARD.verify(PARAMS, delivery, secrets=["x"], now=NOW)
    assert caught.value.details["reason"] == "malformed"


def test_names() -> None:
    delivery = Delivery({"webhook-id": "msg_1"}, b"")
    assert STANDARD.identify(PARAMS, delivery, {"type": "user.created"}) == Identity("user.created", "msg_1")
    strange: list[object] = [{}, [], "type", {"type": None}, {"type": {}}]
    for payload in strange:
        assert STANDARD.identify(PARAMS, delivery, payload) == Identity("event", "msg_1")


def test_an_unnamed_event_gets_no_type_in_its_payload() -> None:
    assert signed("standard-webhooks", event_type="event", payload={"a": 1}).body == b'{"a":1}'
