from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redaction import REDACTED, Redactor, is_mask, mask

SECRET = 'p/ä?"ss+w&rd\\ 1'
letters = st.characters(exclude_categories=["Cs"], exclude_characters="•")
values = st.text(letters, min_size=4, max_size=30)


@given(st.lists(values, min_size=1, max_size=4), st.data())
def test_no_value_is_left_whatever_stands_around_it(secrets: list[str], data: st.DataObject) -> None:
    pieces = st.lists(st.text(letters, max_size=5) | st.sampled_from(secrets), max_size=8)
    text = "".join(data.draw(pieces))
    redacted = Redactor(secrets).text(text)
    assert all(secret not in redacted for secret in secrets)
    assert (redacted == text) or REDACTED in redacted


@given(st.text(letters), st.text(letters))
def test_what_stands_around_is_kept(before: str, after: str) -> None:
    secret = "\x01\x02\x03\x04\x05"
    redacted = Redactor([secret]).text(f"{before}\x06{secret}\x06{after}")
    assert redacted == f"{before}\x06{REDACTED}\x06{after}"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        re.sub("%..", lambda code: code[0].lower(), quote(SECRET, safe="")),
        json.dumps(SECRET)[1:-1],
        orjson.dumps(SECRET).decode()[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    ],
)
def test_each_form_of_a_value_is_hidden(form: str) -> None:
    redacted = Redactor([SECRET]).text(f"<{form}>")
    assert redacted.rstrip("=>") == f"<{REDACTED}"


@given(st.text(letters, max_size=12), st.text(letters, min_size=9, max_size=40), st.text(letters, max_size=5))
def test_base64_of_a_longer_text_that_contains_the_value_is_hidden(user: str, password: str, rest: str) -> None:
    raw = f"{user}:{password}{rest}".encode()
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        redacted = Redactor([password]).text(f"Basic {encoded.decode()}")
        assert REDACTED in redacted
        kept = redacted.replace(REDACTED, "").removeprefix("Basic ").rstrip("=")
        # At most the two characters are left that share their bits with a neighbour.
        assert len(kept) <= len(base64.b64encode(raw)) - len(password.encode()) * 8 // 6 + 2


def test_short_values_are_left_alone() -> None:
    assert Redactor(["", "a", "abc"]).text("abc a") == "abc a"
    assert Redactor(["abcd"]).text("abcd") == REDACTED


def test_the_longest_is_hidden_whole_and_overlapping_ones_become_one() -> None:
    assert Redactor(["pass", "password-1"]).text("x password-1 pass") == f"x {REDACTED} {REDACTED}"
    assert Redactor(["abcdef", "efghij"]).text("<abcdefghij>") == f"<{REDACTED}>"
    assert Redactor(["abcdefghij", "cdef"]).text("<abcdefghij>") == f"<{REDACTED}>"
    assert Redactor(["abab"]).text("<ababab>") == f"<{REDACTED}>"
    assert Redactor(["abcd"]).text("abcdabcd") == REDACTED


def test_json_keeps_its_shape() -> None:
    redactor = Redactor(["hunter22", "12345678"])
    value: dict[str, Any] = {
        "a": ["x hunter22 y", 1, None, True, 1.5],
        "hunter22": {"b": "c"},
        "pin": 12345678,
    }
    assert redactor.json(value) == {
        "a": [f"x {REDACTED} y", 1, None, True, 1.5],
        REDACTED: {"b": "c"},
        "pin": REDACTED,
    }


@given(st.text())
def test_a_mask_is_known_and_hides(value: str) -> None:
    masked = mask(value)
    assert is_mask(masked)
    assert len(masked) == 8
    assert masked == "••••••••" or (len(value) >= 12 and masked == "••••" + value[-4:])
    assert mask("ghp_0123456789") == "••••6789"


@pytest.mark.parametrize("value", ["", "secret", "••••", "•••12345678", "ghp_0123", None, 12, ["••••••••"]])
def test_what_is_no_mask(value: Any) -> None:
    assert not is_mask(value)
