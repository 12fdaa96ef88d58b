"""GitHub's deliveries."""

from __future__ import annotations

import pytest

from core.errors import Malformed, Unauthenticated
from core.sources import Delivery, Identity
from tests.core.sources.samples import NOW, SECRET, arrived, signed, source, with_header

GITHUB, PARAMS = source("github")


def test_the_example_of_githubs_documentation() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    delivery = Delivery({"x-hub-signature-256": signature}, b"Hello, World!")
    secret = "It's a Secret to Everybody"
    assert GITHUB.verify(PARAMS, delivery, secrets=[secret], now=NOW) == "X-Hub-Signature-256"
    with pytest.raises(Unauthenticated, match="same on both sides"):
        GITHUB.verify(PARAMS, delivery, secrets=["It's no Secret"], now=NOW)


def test_the_old_signature_is_not_enough() -> None:
    delivery = with_header(signed("github"), "X-Hub-Signature-256", None)
    with pytest.raises(Unauthenticated) as caught:
        GITHUB.verify(PARAMS, with_header(delivery, "X-Hub-Signature", "sha1=" + "0" * 40), secrets=[SECRET], now=NOW)
    assert caught.value.details["reason"] == "missing"


@pytest.mark.parametrize(
    ("event", "payload", "event_type"),
    [
        ("push", {"ref": "refs/heads/main"}, "push"),
        ("pull_request", {"action": "opened"}, "pull_request.opened"),
        ("ping", {"zen": "Keep it logically awesome."}, "ping"),
        ("odd", {"action": 1}, "odd"),
        ("odd", {"action": ""}, "odd"),
        ("odd", ["action"], "odd"),
        ("odd", "action", "odd"),
    ],
)
def test_types(event: str, payload: object, event_type: str) -> None:
    delivery = Delivery({"x-github-event": event, "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}, b"")
    expected = Identity(event_type, "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert GITHUB.identify(PARAMS, delivery, payload) == expected


def test_an_event_must_be_named() -> None:
    with pytest.raises(Malformed, match="X-GitHub-Event"):
        GITHUB.identify(PARAMS, Delivery({}, b"{}"), {})
    with pytest.raises(Malformed, match="at most 255"):
        GITHUB.identify(PARAMS, Delivery({"x-github-event": "push", "x-github-delivery": "d" * 256}, b"{}"), {})


def test_the_action_is_in_the_payload_that_is_signed() -> None:
    request = GITHUB.sign(
        PARAMS, secret=SECRET, event_type="issues.closed", delivery_id="d", payload={"issue": {"number": 1}}, now=NOW
    )
    assert request.headers["X-GitHub-Event"] == "issues"
    assert GITHUB.parse(arrived(request)) == {"action": "closed", "issue": {"number": 1}}


def test_form_encoding() -> None:
    form = "application/x-www-form-urlencoded; charset=utf-8"
    body = b"payload=%7B%22ref%22%3A+%22a%26b%22%7D"
    assert GITHUB.parse(Delivery({"content-type": form}, body)) == {"ref": "a&b"}
    assert GITHUB.parse(Delivery({"content-type": "application/json"}, b'{"ref":"a"}')) == {"ref": "a"}
    for broken in (b"other=1", b"payload=%7B", b"\xff=1", b"&".join([b"a=1"] * 1001)):
        with pytest.raises(Malformed):
            GITHUB.parse(Delivery({"content-type": form}, broken))
