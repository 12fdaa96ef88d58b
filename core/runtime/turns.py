"""Turns: who gets the next free process, so that one busy owner starves nobody."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """A number of places, given to the owners who wait in turn (round robin), to each at most `per_owner` at once."""

    def __init__(self, *, places: int, per_owner: int) -> None:
        self.places = places
        self._free = places
        self._per_owner = per_owner
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def busy(self) -> int:
        """How many places are taken."""
        return self.places - self._free

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def turn(self, owner: str, *, wait_seconds: float) -> AsyncIterator[None]:
        """Hold a place; raises TimeoutError when there is none within `wait_seconds`."""
        await self._enter(owner, wait_seconds)
        try:
            yield
        finally:
            self._leave(owner)

    async def _enter(self, owner: str, wait_seconds: float) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(place)
        self._admit()
        if place.done():
            return
        try:
            async with asyncio.timeout(wait_seconds):
                await place
        except (TimeoutError, asyncio.CancelledError):
            if place.cancelled():
                self._give_up(owner, place)
            else:  # The place came in the same moment.
                self._leave(owner)
            raise

    def _give_up(self, owner: str, place: asyncio.Future[None]) -> None:
        queue = self._waiting.get(owner, deque())
        if place in queue:
            queue.remove(place)
            if not queue:
                del self._waiting[owner]

    def _leave(self, owner: str) -> None:
        self._free += 1
        self._taken[owner] -= 1
        if not self._taken[owner]:
            del self._taken[owner]
        self._admit()

    def _admit(self) -> None:
        while self._free and (owner := self._next()) is not None:
            queue = self._waiting.pop(owner)
            place = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # At the end: whoever was served waits for the others' turns.
            if place.cancelled():  # A moment ago: who waited for it has not run since.
                continue
            self._free -= 1
            self._taken[owner] += 1
            place.set_result(None)

    def _next(self) -> str | None:
        return next((owner for owner in self._waiting if self._taken[owner] < self._per_owner), None)
