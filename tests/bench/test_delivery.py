"""The benchmark's delivery is one that the engine takes, of the size that was asked for."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bench import delivery
from core.sources import SOURCES, Delivery


@given(st.integers(2_000, 20_000))
def test_the_payload_has_exactly_the_size(size: int) -> None:
    assert len(delivery.dump(delivery.payload(size))) == size


def test_the_request_is_whole_and_genuine() -> None:
    body = delivery.dump(delivery.payload(4_000))
    before, after = delivery.request("/webhooks/int_1", body, "secret-of-mine")
    head, _, sent = (before + b"delivery-1" + after).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST /webhooks/int_1 HTTP/1.1" and int(headers["content-length"]) == len(sent) == 4_000
    github = SOURCES.get("github")
    params = github.params(kind="github")
    arrived = Delivery(headers, sent)
    assert github.verify(params, arrived, secrets=["secret-of-mine"], now=0) == "X-Hub-Signature-256"
    identity = github.identify(params, arrived, json.loads(sent))
    assert (identity.type, identity.delivery_id) == ("push", "delivery-1")
