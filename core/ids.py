"""Identifiers: a prefix that says what it is, and a ULID, so that they sort by the time they were made."""

from __future__ import annotations

from ulid import ULID

_LOWEST, _DIGITS = "0", 26
_TIME_DIGITS = 10


def new_id(prefix: str, at: float | None = None) -> str:
    """Return a new identifier such as `evt_01J…` (https://github.com/ulid/spec), made now or `at` (seconds).

    Those made by one process in the same millisecond sort in the order in which they were made.
    """
    return f"{prefix}_{ULID() if at is None else ULID.from_timestamp(at)}"


def first_id(prefix: str, at: float) -> str:
    """Return what sorts before every identifier made at `at` (seconds since the epoch) or later, and after the rest."""
    moment = str(ULID.from_timestamp(max(0.0, at)))[:_TIME_DIGITS]
    return f"{prefix}_{moment.ljust(_DIGITS, _LOWEST)}"
