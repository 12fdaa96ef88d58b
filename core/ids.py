"""Identifiers: a prefix that says what it is, and a ULID, so that they sort by the time they were made."""

from __future__ import annotations

from ulid import ULID


def new_id(prefix: str) -> str:
    """Return a new identifier such as `evt_01J…` (https://github.com/ulid/spec)."""
    return f"{prefix}_{ULID()}"
