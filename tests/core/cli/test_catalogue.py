"""Every text of the program exists in every language, whole and with the same placeholders."""

from __future__ import annotations

import string
from functools import cache

import pytest
from babel.messages import Catalog, Message

from core.cli import catalogue as module
from core.cli.catalogue import extracted, forms, missing, texts_in
from core.texts import DEFAULT_LANGUAGE, LANGUAGES, Text

OTHERS = [language for language in LANGUAGES if language != DEFAULT_LANGUAGE]


@cache
def texts() -> list[Message]:
    """Return every text of the code, read once."""
    return [message for message in extracted() if message.id]


@cache
def stored(language: str) -> Catalog:
    """Return the catalogue of a language, read once."""
    return module.stored(language)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    catalogue = stored(language)
    known = {forms(message.id) for message in catalogue if message.id}
    assert sorted(forms(message.id) for message in texts() if forms(message.id) not in known) == [], "run `make texts`"
    assert missing(catalogue) == []


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_kept_that_the_code_has_not(language: str) -> None:
    wanted = {forms(message.id) for message in texts()}
    assert [message.id for message in stored(language) if message.id and forms(message.id) not in wanted] == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_same_placeholders(language: str) -> None:
    wrong = [
        (message.id, translation)
        for message in stored(language)
        if message.id
        for translation in forms(message.string)
        if _placeholders(translation) != _placeholders(forms(message.id)[-1])
    ]
    assert wrong == []


def test_russian_plurals() -> None:
    plurals = [message for message in texts() if len(forms(message.id)) > 1]
    assert len(plurals) > 50
    assert [found for message in plurals for found in _wrong_plurals(message)] == []


def _wrong_plurals(message: Message) -> list[tuple[str, int]]:
    """Return the numbers with which a text is not rendered in the form that Russian has for them."""
    singular, plural = forms(message.id)
    entry = stored("ru").get(singular)
    assert entry is not None, singular
    one, few, many = forms(entry.string)
    if len({one, few, many}) < 2:
        return [(singular, 0)]
    fill = {name: f"<{name}>" for name in _placeholders(plural)}
    numbers = ((1, one), (21, one), (2, few), (22, few), (5, many), (11, many), (12, many), (0, many))
    return [
        (singular, count)
        for count, form in numbers
        if Text(singular, plural, count, (*fill.items(), ("count", count))).render("ru")
        != form.format(**{**fill, "count": count})
    ]


def test_texts_are_found_wherever_they_stand() -> None:
    source = 'T("a" "b"); f"{said(T(\'c\', x=T(\'d\')))}"; TN("{count} e", "{count} f", n)'
    found = sorted(map(forms, texts_in(source, "x.py")))
    assert found == [("ab",), ("c",), ("d",), ("{count} e", "{count} f")]


def test_a_text_that_is_made_up_at_run_time_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x\.py:2"):
        list(texts_in("\nT(message)", "x.py"))
