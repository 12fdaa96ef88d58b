"""Slack's requests, with slack_sdk's verifier as the peer."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.signature import Clock, SignatureVerifier

from core.errors import Malformed
from core.sources import Delivery, Identity
from tests.core.sources.samples import NOW, SECRET, signed, source

SLACK, PARAMS = source("slack")
FORM = "application/x-www-form-urlencoded"
# docs.slack.dev/authentication/verifying-requests-from-slack
SLACKS_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACKS_HEADERS = {
    "content-type": FORM,
    "x-slack-request-timestamp": "1531420618",
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


class AtNow(Clock):
    def now(self) -> float:
        return NOW


def test_the_example_of_slacks_documentation() -> None:
    delivery = Delivery(SLACKS_HEADERS, SLACKS_BODY)
    secrets = ["8f742231b10e8888abcd99yyyzzz85a5"]
    assert SLACK.verify(PARAMS, delivery, secrets=secrets, now=1531420618) == "X-Slack-Signature"
    payload = SLACK.parse(delivery)
    assert payload["command"] == "/webhook-collect"
    assert payload["text"] == ""
    assert SLACK.identify(PARAMS, delivery, payload) == Identity("slash_command", None)


@pytest.mark.parametrize(
    ("event_type", "payload"),
    [
        ("app_mention", {"event": {"text": "hi"}}),
        ("block_actions", {"type": "block_actions", "actions": []}),
        ("slash_command", {"command": "/ccb", "text": "a b&c"}),
    ],
)
def test_what_we_sign_slacks_library_takes(event_type: str, payload: dict[str, Any]) -> None:
    delivery = signed("slack", event_type=event_type, payload=payload)
    assert SignatureVerifier(SECRET, clock=AtNow()).is_valid_request(delivery.body, dict(delivery.headers))
    parsed = SLACK.parse(delivery)
    assert SLACK.identify(PARAMS, delivery, parsed).type == event_type
    if event_type != "app_mention":
        assert parsed == payload
        assert delivery.headers["content-type"] == FORM


def test_a_command_without_fields_is_signed_as_it_is() -> None:
    delivery = signed("slack", event_type="slash_command", payload=["a"])
    assert SLACK.parse(delivery) == ["a"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention"}},
            Identity("app_mention", "Ev1"),
        ),
        ({"type": "event_callback", "event": []}, Identity("event", None)),
        ({"type": "app_rate_limited"}, Identity("app_rate_limited", None)),
        ({"type": "view_submission", "view": {}}, Identity("view_submission", None)),
        ({"command": "/x"}, Identity("slash_command", None)),
        ({}, Identity("event", None)),
        ([], Identity("event", None)),
        ("event_callback", Identity("event", None)),
    ],
)
def test_names(payload: object, expected: Identity) -> None:
    assert SLACK.identify(PARAMS, Delivery({}, b""), payload) == expected


def test_forms() -> None:
    interaction = Delivery({"content-type": FORM}, b"payload=%7B%22type%22%3A%22block_actions%22%7D")
    assert SLACK.parse(interaction) == {"type": "block_actions"}
    assert SLACK.parse(Delivery({"content-type": "application/json"}, b'{"a":1}')) == {"a": 1}
    for broken in (b"payload=%7B", b"\xff"):
        with pytest.raises(Malformed):
            SLACK.parse(Delivery({"content-type": FORM}, broken))


def test_the_challenge_is_answered() -> None:
    challenge = {"type": "url_verification", "challenge": "3eZbrw1aB10"}
    assert SLACK.reply(PARAMS, Delivery({}, b""), challenge) == {"challenge": "3eZbrw1aB10"}
    assert SLACK.reply(PARAMS, Delivery({}, b""), ["url_verification"]) is None
