"""What holds for every kind of source; a new one is covered by being registered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed, Unauthenticated
from core.sources import SOURCES, Delivery
from core.texts import Text
from tests.core.sources.samples import NOW, OTHER_SECRET, PAYLOAD, SECRET, signed, source, with_header

KINDS = SOURCES.names()
WITH_SECRET = [kind for kind in KINDS if SOURCES.get(kind).needs_secret]
SIGNS_BODY = [kind for kind in WITH_SECRET if kind != "gitlab"]  # its token proves the sender, not the body
PROOF_HEADERS = {
    "github": ["x-hub-signature-256"],
    "gitlab": ["x-gitlab-token"],
    "hmac": ["x-signature"],
    "slack": ["x-slack-signature", "x-slack-request-timestamp"],
    "standard-webhooks": ["webhook-signature", "webhook-timestamp", "webhook-id"],
    "stripe": ["stripe-signature"],
}
PROOFS = [(kind, header) for kind in WITH_SECRET for header in PROOF_HEADERS[kind]]
CODES = {"missing", "malformed", "mismatch", "expired", "no_secret"}

json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def check(kind: str, delivery: Delivery, *, secrets: tuple[str, ...] = (SECRET,), now: float = NOW) -> str:
    of_kind, params = source(kind)
    return of_kind.verify(params, delivery, secrets=secrets, now=now)


def refused(kind: str, delivery: Delivery, **how: Any) -> str:
    with pytest.raises(Unauthenticated) as caught:
        check(kind, delivery, **how)
    assert caught.value.error == "Invalid webhook signature"
    assert isinstance(caught.value.message, Text)
    assert str(caught.value.message).startswith("Signature verification failed: ")
    assert SECRET not in str(caught.value)
    assert SECRET not in caught.value.message.render("ru")
    assert caught.value.details["reason"] in CODES
    return str(caught.value.details["reason"])


def test_the_kinds_of_the_contract_are_there() -> None:
    assert KINDS == ["bearer", "github", "gitlab", "hmac", "none", "slack", "standard-webhooks", "stripe"]
    assert [kind for kind in KINDS if SOURCES.get(kind).key_authenticated] == ["bearer"]
    assert [kind for kind in KINDS if not SOURCES.get(kind).needs_secret] == ["bearer", "none"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_signed_is_taken_back(kind: str) -> None:
    of_kind, params = source(kind)
    assert of_kind.kind == kind
    delivery = signed(kind)
    assert check(kind, delivery)
    payload = of_kind.parse(delivery)
    assert payload.items() >= PAYLOAD.items()
    named = of_kind.identify(params, delivery, payload)
    assert (named.type, named.delivery_id) == ("thing.happened", "d-1")
    assert of_kind.reply(params, delivery, payload) is None


@pytest.mark.parametrize("kind", WITH_SECRET)
def test_any_of_several_secrets_is_enough(kind: str) -> None:
    for secret in (SECRET, OTHER_SECRET):
        assert check(kind, signed(kind, secret=secret), secrets=(OTHER_SECRET, SECRET))


@pytest.mark.parametrize("kind", WITH_SECRET)
def test_another_secret_is_a_mismatch(kind: str) -> None:
    assert refused(kind, signed(kind, secret=OTHER_SECRET)) == "mismatch"


@pytest.mark.parametrize("kind", WITH_SECRET)
@pytest.mark.parametrize("secrets", [(), ("",)], ids=["none", "empty"])
def test_without_a_secret_nothing_passes(kind: str, secrets: tuple[str, ...]) -> None:
    assert refused(kind, signed(kind), secrets=secrets) == "no_secret"


@pytest.mark.parametrize(("kind", "header"), PROOFS)
@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_a_header_that_is_not_there_is_missing(kind: str, header: str, value: str | None) -> None:
    assert refused(kind, with_header(signed(kind), header, value)) == "missing"


@pytest.mark.parametrize(("kind", "header"), [proof for proof in PROOFS if proof[1] not in ("webhook-id",)])
@pytest.mark.parametrize("value", ["é", "v1,", "=", " ", "\ud800", "²", "²" * 64, "Bearer x"])
def test_garbage_in_a_header_is_refused(kind: str, header: str, value: str) -> None:
    expected = {"mismatch"} if kind == "gitlab" else {"malformed"}
    assert {refused(kind, with_header(signed(kind), header, value))} <= expected


@pytest.mark.parametrize(("kind", "header"), PROOFS)
def test_a_header_cut_short_is_refused(kind: str, header: str) -> None:
    delivery = signed(kind)
    for length in range(1, len(delivery.headers[header])):
        refused(kind, with_header(delivery, header, delivery.headers[header][:length]))


@pytest.mark.parametrize("kind", SIGNS_BODY)
@given(data=st.data())
def test_any_changed_byte_of_the_body_fails(kind: str, data: st.DataObject) -> None:
    delivery = signed(kind)
    place = data.draw(st.integers(0, len(delivery.body) - 1))
    flipped = delivery.body[place] ^ data.draw(st.integers(1, 255))
    body = delivery.body[:place] + bytes([flipped]) + delivery.body[place + 1 :]
    assert refused(kind, Delivery(delivery.headers, body)) == "mismatch"
    assert refused(kind, Delivery(delivery.headers, delivery.body[:place])) == "mismatch"


@pytest.mark.parametrize(("kind", "header"), PROOFS)
@given(data=st.data())
def test_any_changed_character_of_a_proof_fails(kind: str, header: str, data: st.DataObject) -> None:
    delivery = signed(kind)
    value = delivery.headers[header]
    place = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.characters(codec=None).filter(lambda character: character != value[place]))
    refused(kind, with_header(delivery, header, value[:place] + other + value[place + 1 :]))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), payload=json)
def test_nothing_sent_raises_anything_else(kind: str, data: st.DataObject, payload: Any) -> None:
    delivery = signed(kind)
    chosen = data.draw(st.dictionaries(st.sampled_from(sorted(delivery.headers)), st.text(st.characters(codec=None))))
    body = data.draw(st.binary() | st.just(delivery.body))
    strange = Delivery({**delivery.headers, **chosen}, body)
    of_kind, params = source(kind)
    steps = (
        lambda: of_kind.verify(params, strange, secrets=[SECRET], now=NOW),
        lambda: of_kind.parse(strange),
        lambda: of_kind.identify(params, strange, payload),
        lambda: of_kind.reply(params, strange, payload),
    )
    for step in steps:
        try:
            step()
        except (Unauthenticated, Malformed) as error:
            assert str(error)


@pytest.mark.parametrize("kind", KINDS)
@given(payload=json)
def test_any_payload_can_be_signed_and_named(kind: str, payload: Any) -> None:
    of_kind, params = source(kind)
    delivery = signed(kind, event_type="thing", payload=payload)
    assert check(kind, delivery)
    try:
        named = of_kind.identify(params, delivery, of_kind.parse(delivery))
    except Malformed:  # a name in the payload that is too long or cannot be printed
        return
    assert 0 < len(named.type) <= 100
    assert named.delivery_id is None or 0 < len(named.delivery_id) <= 255


@pytest.mark.parametrize("kind", ["slack", "standard-webhooks", "stripe"])
@pytest.mark.parametrize("off", [-400, -301, -300, 0, 300, 300.5, 400])
def test_a_signed_time_may_be_five_minutes_off(kind: str, off: float) -> None:
    delivery = signed(kind)
    if abs(off) <= 300:
        assert check(kind, delivery, now=NOW + off)
        return
    assert refused(kind, delivery, now=NOW + off) == "expired"
    with pytest.raises(Unauthenticated, match="behind" if off > 0 else "ahead") as caught:
        check(kind, delivery, now=NOW + off)
    assert f"{round(abs(off))} s" in str(caught.value)


@pytest.mark.parametrize("kind", ["github", "gitlab", "hmac"])
def test_without_a_signed_time_age_does_not_matter(kind: str) -> None:
    assert check(kind, signed(kind), now=NOW + 1e6)


@pytest.mark.parametrize("kind", ["hmac", "standard-webhooks", "stripe", "bearer", "none"])
def test_a_type_that_is_too_long_is_malformed(kind: str) -> None:
    of_kind, params = source(kind)
    delivery = signed(kind)
    assert of_kind.identify(params, delivery, {"type": "t" * 100}).type == "t" * 100
    with pytest.raises(Malformed, match="101 characters; at most 100"):
        of_kind.identify(params, delivery, {"type": "t" * 101})
    with pytest.raises(Malformed, match="cannot be printed"):
        of_kind.identify(params, delivery, {"type": "a\x00b"})
