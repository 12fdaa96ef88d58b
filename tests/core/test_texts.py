"""Texts: rendered for their reader, also after they were stored."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.texts import T, preferred, revive


def test_a_text_is_filled_in_and_nests() -> None:
    inner = T("the {what} is missing", what="header")
    assert str(T("Refused: {reason}.", reason=inner)) == "Refused: the header is missing."


@given(st.text(), st.text())
def test_stored_and_revived_it_reads_the_same_whatever_the_values(a: str, b: str) -> None:
    """Values may hold anything that a payload or a handler's exception holds: braces, JSON, our own form."""
    text = T("{a}: {nested}", a=a, nested=T("<{b}>", b=b))
    assert revive(text.dump()) == f"{a}: <{b}>"
    assert json.loads(text.dump())


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"), ("ru", "ru"), ("ru-RU,ru;q=0.9,en;q=0.8", "ru"), ("en;q=0.3, ru;q=0.7", "ru"), ("fr, de", "en"),
        ("fr, ru;q=0.1", "ru"), ("ru;q=rubbish, en", "en"), (";;;,,,q=", "en"),
    ],
)  # fmt: skip
def test_the_preferred_language(header: str, language: str) -> None:
    assert preferred(header) == language
