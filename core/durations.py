"""Durations as people write them: `90s`, `15m`, `1h`, `7d`."""

from __future__ import annotations

import re

from babel.numbers import format_decimal

from core.errors import Invalid
from core.texts import T

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"(\d{1,6})([smhd])", re.ASCII)


def parse(text: str) -> float:
    """Return the seconds that `text` stands for; raise `Invalid` that shows the form."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise Invalid(
            T("{text} is not a duration. Write a whole number and s, m, h or d, such as 15m.", text=repr(text))
        )
    return float(int(match[1]) * _UNITS[match[2]])


def show(milliseconds: float) -> str:
    """Return a duration for people: `0.4 ms`, `148 ms`, `2.1 s`, `3 min 5 s`."""
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def said(milliseconds: float, language: str) -> str:
    """Return the same as the reader of `language` writes it: `0.4 ms`, `0,4 мс`."""
    if milliseconds < 1000:
        return T("{n} ms", n=_number(milliseconds, language, "0.0" if milliseconds < 10 else "0")).render(language)
    if milliseconds < 60_000:
        return T("{n} s", n=_number(milliseconds / 1000, language, "0.#")).render(language)
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    shown = _number(minutes, language, "#,##0")
    return T("{minutes} min {seconds} s", minutes=shown, seconds=seconds).render(language)


def _number(value: float, language: str, form: str) -> str:
    return format_decimal(value, format=form, locale=language.partition("-")[0])
