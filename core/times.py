"""Times as people write them: ISO 8601 or a duration outside, seconds since the epoch inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from babel.dates import format_datetime

from core import durations
from core.clock import moment
from core.errors import Invalid
from core.texts import T

_DURATION = re.compile(r"\d+[a-z]", re.ASCII)
MOMENT = re.compile(r"\b20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z")
"""A time as `core.clock.moment` writes it into texts."""


def kept_for(text: str, *, path: str, longest: str = "30d") -> float:
    """Return the seconds of a duration from `0s` to `longest`; raise `Invalid` naming the field `path`."""
    try:
        seconds = durations.parse(text)
    except Invalid as error:
        raise Invalid(error.message, path=path) from None
    if seconds > durations.parse(longest):
        raise Invalid(T("{path} must be at most {longest}.", path=path, longest=longest), path=path)
    return seconds


def time_of(text: str | None, *, now: float, path: str, ahead: bool = False) -> float | None:
    """Return the time that `text` means: ISO 8601, or a duration such as `1h` before `now` (after it if `ahead`).

    Raises `Invalid` naming the field `path`. A time without a zone is taken as UTC.
    """
    if text is None:
        return None
    try:
        if _DURATION.fullmatch(text):
            return now + durations.parse(text) * (1 if ahead else -1)
        found = datetime.fromisoformat(text)
        seconds = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        moment(seconds)  # in UTC it may be in the year 10000, which cannot be shown
        return seconds
    except (Invalid, ValueError, OverflowError):
        raise Invalid(
            T("{path} takes 90s, 15m, 1h, 7d or a time such as 2026-01-31T12:00:00Z, not {text}.", path=path,
              text=repr(text[:40])),
            path=path,
        ) from None  # fmt: skip


def readable(text: str, language: str) -> str:
    """Return a text with each `MOMENT` as people write it where nobody's zone is known: `24 Nov 2026, 22:58 UTC`."""
    return MOMENT.sub(lambda found: _said(found[0], language), text)


def _said(moment: str, language: str) -> str:
    return format_datetime(datetime.fromisoformat(moment), "d MMM y, HH:mm 'UTC'", locale=language)
