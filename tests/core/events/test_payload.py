"""What people see of a payload."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events.payload import MOST_READ, _text, hidden
from core.redaction import REDACTED

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "api_key", "apiKey", "client_secret", "X-Signature", "private_key", "token"]
)
def test_what_is_called_a_secret_is_hidden_wherever_it_stands(name: str) -> None:
    given = {"a": [{name: "s3cr3t", "note": "kept"}], name: {"inner": "kept"}}
    assert hidden(given) == {"a": [{name: REDACTED, "note": "kept"}], name: {"inner": "kept"}}


@given(json)
def test_hiding_keeps_the_form(value: Any) -> None:
    assert _form(hidden(value)) == _form(value)
    assert hidden(hidden(value)) == hidden(value)


def test_bodies_that_are_no_json() -> None:
    assert _text(b"a=1&b=2") == ("a=1&b=2", True)
    assert _text(b"\xff\xfe\x00\x01") == (None, True)
    assert _text(b"") == ("", True)
    text, whole = _text("é".encode() * MOST_READ)
    assert text is not None and set(text) == {"é"} and not whole


def _form(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _form(item) for name, item in value.items()}
    return [_form(item) for item in value] if isinstance(value, list) else None
