"""Dotted paths and names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Malformed
from core.sources import Delivery, Identity
from core.sources.naming import NamedParams, identity, lookup, named, placed, text_at

PAYLOAD: dict[str, Any] = {
    "data": {"id": 5, "kind": "paid", "ok": True, "none": None},
    "items": [{"id": "a"}, {"id": "b"}],
    "0": "zero",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("data.id", 5),
        ("data.none", None),
        ("data", PAYLOAD["data"]),
        ("items.1.id", "b"),
        ("items.0", {"id": "a"}),
        ("0", "zero"),
        ("items.2.id", None),
        ("items.-1.id", None),
        ("items.²", None),
        ("items." + "9" * 5000, None),
        ("items.id", None),
        ("data.id.more", None),
        ("data..id", None),
        ("missing.id", None),
        ("", None),
    ],
)
def test_lookup(path: str, found: Any) -> None:
    assert lookup(PAYLOAD, path) == found


@pytest.mark.parametrize("payload", [None, 1, "text", True, [], [1], {}])
def test_lookup_in_anything(payload: Any) -> None:
    assert lookup(payload, "a.b") is None


def test_lookup_starts_in_a_list_too() -> None:
    assert lookup([{"id": 1}], "0.id") == 1


@pytest.mark.parametrize(
    ("path", "found"), [("data.id", "5"), ("data.kind", "paid"), ("data.ok", None), ("data", None), ("items", None)]
)
def test_a_name_is_text_or_a_whole_number(path: str, found: str | None) -> None:
    assert text_at(PAYLOAD, path) == found


def test_placed_changes_a_copy() -> None:
    payload = {"items": [{"id": 1}, {"id": 2}]}
    assert placed(payload, "items.1.id", 3) == {"items": [{"id": 1}, {"id": 3}]}
    assert placed(payload, "new.deep", "x") == {"items": [{"id": 1}, {"id": 2}], "new": {"deep": "x"}}
    assert placed(payload, "items.7.id", 3) == payload
    assert placed([1], "0", 2) == [2]
    assert placed("text", "a", 1) == "text"
    assert payload == {"items": [{"id": 1}, {"id": 2}]}


@given(path=st.lists(st.sampled_from("abc"), min_size=1).map(".".join), value=st.integers())
def test_what_is_placed_is_found(path: str, value: int) -> None:
    assert lookup(placed({}, path, value), path) == value


def test_names_have_limits() -> None:
    assert identity("t" * 100, "d" * 255) == Identity("t" * 100, "d" * 255)
    assert identity("", "") == identity(None, None) == Identity("event", None)
    for event_type, delivery_id in [("t" * 101, None), ("t", "d" * 256), ("a\n", None), ("t", "\ud800"), ("t", "\x00")]:
        with pytest.raises(Malformed):
            identity(event_type, delivery_id)


@pytest.mark.parametrize(
    ("params", "headers", "expected"),
    [
        ({}, {}, Identity("event", None)),
        ({"event_type_header": "X-Event"}, {"x-event": "paid"}, Identity("paid", None)),
        ({"event_type_header": "X-Event"}, {}, Identity("event", None)),
        ({"event_type_path": "data.kind"}, {}, Identity("paid", None)),
        (
            {"event_type_header": "X-Event", "event_type_path": "data.kind"},
            {"x-event": "invoice"},
            Identity("invoice.paid", None),
        ),
        ({"event_type_header": "X-Event", "event_type_path": "data.kind"}, {}, Identity("paid", None)),
        ({"delivery_id_header": "X-Id"}, {"x-id": "9"}, Identity("event", "9")),
        ({"delivery_id_path": "data.id"}, {}, Identity("event", "5")),
        ({"delivery_id_header": "X-Id", "delivery_id_path": "data.id"}, {"x-id": "9"}, Identity("event", "9")),
        ({"delivery_id_header": "X-Id", "delivery_id_path": "data.id"}, {}, Identity("event", "5")),
    ],
)
def test_named_by_parameters(params: dict[str, str], headers: dict[str, str], expected: Identity) -> None:
    assert named(NamedParams(kind="hmac", **params), Delivery(headers, b""), PAYLOAD) == expected
