"""Values kept in memory for a while, by key."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

MOST = 10_000
"""Entries kept; past that the whole memory is dropped, which is always safe."""


class Memo:
    """A small cache that belongs to one context. Its age is that of the machine's monotonic clock."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self.drops = 0
        """How often something was dropped: who reads and then puts compares it, to keep nothing that is old already."""

    def get(self, key: Hashable) -> Any:
        """Return what is kept under `key`, or None when there is nothing or it is too old."""
        found = self._kept.get(key)
        if found is None or found[0] < time.monotonic():
            return None
        return found[1]

    def put(self, key: Hashable, value: Any, *, seconds: float) -> None:
        """Keep `value` (not None) under `key` for `seconds`."""
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = (time.monotonic() + seconds, value)

    def drop(self, key: Hashable) -> None:
        """Forget `key`."""
        self.drops += 1
        self._kept.pop(key, None)
