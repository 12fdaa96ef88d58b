from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import references
from core.errors import Denied, Invalid

MADE = references.make(["token", "password"])
OWN = {reference: name for name, reference in MADE.items()}
EARLIER = references.make(["token"])["token"]
SECRETS = {"token": "s3cr3t-TOKEN", "password": f"pass {MADE['token']} word"}
FIELDS = frozenset({"headers", "json"})
BOUND = {"token": frozenset({"api.example.com"}), "password": frozenset({"api.example.com", "b.example:8443"})}

lookalikes = st.sampled_from(
    [
        EARLIER,
        "$secret",
        "secret:token",
        "token",
        "password",
        "ccbref_",
        "ccbref_" + "0" * 64,
        "{{token}}",
        "${token}",
        MADE["token"][:-1],
        MADE["token"].upper(),
        MADE["token"].replace("ccbref_", ""),
        "ccbref_" + MADE["token"],
    ]
)
texts = st.text() | lookalikes | st.builds("{}{}{}".format, st.text(), lookalikes, st.text())


def _tree(strings: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | strings,
        lambda inner: st.lists(inner) | st.dictionaries(strings, inner),
        max_leaves=20,
    )


def test_references_are_long_and_new_every_time() -> None:
    again = references.make(["token", "password"])
    assert not set(again.values()) & set(MADE.values())
    assert len(set(again.values())) == 2
    assert all(re.fullmatch(r"ccbref_[0-9a-f]{64}", reference) for reference in again.values())


@given(_tree(texts.filter(lambda text: MADE["token"] not in text)))
def test_nothing_but_a_reference_of_this_run_yields_a_secret(payload: Any) -> None:
    assert references.fill(payload, OWN, SECRETS) == payload
    assert list(references.find(payload, OWN)) == []


@given(_tree(st.text()), st.text(), st.text())
def test_a_reference_is_filled_in_inside_a_text(payload: Any, before: str, after: str) -> None:
    value = {"a": [payload, {"b": f"{before}{MADE['token']}{after}"}]}
    filled = references.fill(value, OWN, SECRETS)
    assert filled["a"][1]["b"] == f"{before}{SECRETS['token']}{after}"
    assert filled["a"][0] == payload
    assert [(use.name, use.path) for use in references.find(value, OWN)] == [("token", ("a", "1", "b"))]


def test_a_secret_that_reads_like_a_reference_is_not_filled_in_again() -> None:
    assert references.fill(MADE["password"], OWN, SECRETS) == SECRETS["password"]


def test_several_in_one_text() -> None:
    text = f"{MADE['token']}:{MADE['token']}{EARLIER}"
    assert references.fill(text, OWN, SECRETS) == f"{SECRETS['token']}:{SECRETS['token']}{EARLIER}"


def test_the_former_runs_reference_to_the_same_secret_stays_text() -> None:
    value = {"headers": {"Authorization": f"Bearer {EARLIER}"}, "json": {"$secret": "token"}}
    assert references.fill(value, OWN, SECRETS) == value
    references.check({**value, "url": EARLIER}, OWN, fields=FIELDS, host="evil.example", bound=BOUND)


def test_keys_are_left_alone() -> None:
    assert references.fill({MADE["token"]: 1}, OWN, SECRETS) == {MADE["token"]: 1}


def test_a_secret_without_a_value_is_named() -> None:
    with pytest.raises(Invalid, match="token"):
        references.fill(MADE["token"], OWN, {})


def _check(params: Mapping[str, Any], *, host: str | None = "api.example.com", fields: frozenset[str] = FIELDS) -> None:
    references.check(params, OWN, fields=fields, host=host, bound=BOUND)


def test_a_secret_may_go_where_it_is_bound() -> None:
    _check({"headers": {"Authorization": f"Bearer {MADE['token']}"}, "json": [{"p": MADE["password"]}], "url": "x"})
    _check({"json": MADE["password"]}, host="b.example:8443")


@pytest.mark.parametrize("host", ["evil.example", "api.example.com:8443", "api.example.com.evil.example", "", None])
def test_a_secret_may_go_nowhere_else(host: str | None) -> None:
    with pytest.raises(Denied) as raised:
        _check({"headers": {"X-Api-Key": MADE["token"]}}, host=host)
    message = str(raised.value)
    assert "token" in message
    assert "headers.X-Api-Key" in message
    assert "may go to api.example.com, not to" in message
    assert "capabilities.secrets.token" in message
    assert "ccbref_" not in message


def test_each_secret_is_judged_for_itself() -> None:
    with pytest.raises(Denied) as raised:
        _check({"json": {"p": MADE["password"], "t": MADE["token"]}}, host="b.example:8443")
    assert raised.value.details["secret"] == "token"


def test_a_secret_that_is_bound_to_nothing() -> None:
    with pytest.raises(Denied, match="may go to no host"):
        references.check({"json": MADE["token"]}, OWN, fields=FIELDS, host="api.example.com", bound={})


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"url": f"https://api.example.com/?t={MADE['token']}"}, "url"),
        ({"method": MADE["token"]}, "method"),
        ({"text": [{"a": MADE["token"]}]}, "text.0.a"),
    ],
)
def test_a_secret_may_stand_only_in_the_fields_for_it(params: dict[str, Any], where: str) -> None:
    with pytest.raises(Denied) as raised:
        _check(params)
    assert f"stands in {where}. Secrets may stand only in headers, json" in str(raised.value)
    with pytest.raises(Denied, match="takes no secrets: only http_request"):
        _check(params, fields=frozenset())


def test_a_secret_may_not_stand_in_a_key() -> None:
    for params in ({"json": {"a": {MADE["token"]: 1}}}, {"headers": {f"X-{MADE['token']}": "v"}}, {MADE["token"]: "v"}):
        with pytest.raises(Denied, match="key") as raised:
            _check(params)
        assert "ccbref_" not in str(raised.value)


@given(_tree(texts.filter(lambda text: MADE["token"] not in text)), st.sampled_from(["url", "text", "json"]))
def test_what_is_no_reference_is_never_refused(payload: Any, field: str) -> None:
    _check({field: payload}, host="evil.example")
