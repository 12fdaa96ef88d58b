"""Values kept in memory for a while, by key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

Value = TypeVar("Value")

MOST = 10_000
"""Entries kept; past that the whole memory is dropped, which is always safe."""


class Memo:
    """A small cache that belongs to one context. Its age is that of the machine's monotonic clock."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._making: dict[Hashable, asyncio.Task[Any]] = {}
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

    async def share(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Return what `make` returns or raises; who asks for the same meanwhile, and since the last drop, shares it.

        So when something that every request needs has grown old, one of them reads it anew and not all of them at once.
        """
        place = (key, self.drops)
        making: asyncio.Task[Value] | None = self._making.get(place)
        if making is None:
            making = self._making[place] = asyncio.create_task(make())

            def made(task: asyncio.Task[Value]) -> None:
                del self._making[place]
                if not task.cancelled():
                    task.exception()  # seen, even if whoever asked has gone away

            making.add_done_callback(made)
        return await asyncio.shield(making)

    def drop(self, key: Hashable) -> None:
        """Forget `key`."""
        self.drops += 1
        self._kept.pop(key, None)
