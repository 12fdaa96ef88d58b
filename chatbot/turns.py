"""How much of what people asked is worked on at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

_HELD: ContextVar[Turns | None] = ContextVar("slack_turn", default=None)


class Turns:
    """At most so many at once; who merely waits for Slack's rate limit gives the turn to somebody else meanwhile."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it."""
        async with self._free:
            before = _HELD.set(self)
            try:
                yield
            finally:
                _HELD.reset(before)

    @staticmethod
    @asynccontextmanager
    async def lent() -> AsyncIterator[None]:
        """Give the turn away, if one is held, and wait for another at the end."""
        held = _HELD.get()
        if held is None:
            yield
            return
        held._free.release()
        try:
            yield
        finally:
            await held._free.acquire()
