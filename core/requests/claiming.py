"""Claiming: what is due is taken under a lease, some of it at a time, until it is told to stop."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import structlog

from core.context import Context

log = structlog.get_logger()

SLOTS = 4
"""How many are at work at a time: Claude takes minutes, and its answers are large."""
IDLE_SECONDS = 5.0
"""How long one that was not woken waits before it looks by itself."""

Held = TypeVar("Held")


class Claimer(ABC, Generic[Held]):
    """Claims and works until it is stopped. What a crash cuts short is claimed again when its lease has ended."""

    def __init__(self, ctx: Context, wake: asyncio.Event) -> None:
        """`wake` is set whenever there may be something to do."""
        self._ctx = ctx
        self._wake = wake
        self._held: dict[asyncio.Task[None], Held] = {}
        self._stopping = False

    @abstractmethod
    async def _claim(self) -> Held | None:
        """Take the next that is due under a lease; None where there is none."""

    @abstractmethod
    async def _work(self, held: Held) -> None:
        """Work on one and let it go."""

    @abstractmethod
    async def _give_back(self, held: Held) -> None:
        """Let one go that a stop has interrupted."""

    @abstractmethod
    def _id(self, held: Held) -> str:
        """Return the request's id, for the log."""

    async def run(self) -> None:
        """Claim and work until `stop`."""
        while not self._stopping:
            self._wake.clear()
            if not await self._take():
                await self._idle()

    async def stop(self, *, grace: float) -> None:
        """Take no more; what is at work has `grace` seconds, and is given back then."""
        self._stopping = True
        self._wake.set()
        if self._held:
            await asyncio.wait(list(self._held), timeout=grace)
        left = dict(self._held)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for held in left.values():
            await self._give_back(held)

    async def _take(self) -> bool:
        if len(self._held) >= SLOTS:
            return False
        try:
            held = await self._claim()
        except Exception:  # the loop must outlive a database that is away for a moment
            log.exception("claim failed", by=type(self).__name__)
            return False
        if held is None:
            return False
        task = asyncio.create_task(self._guarded(held), name=f"{type(self).__name__}-{self._id(held)}")
        self._held[task] = held
        task.add_done_callback(self._done)
        return True

    async def _guarded(self, held: Held) -> None:
        try:
            await self._work(held)
        except Exception:  # one's surprise must not stop the others; its lease ends, and it is begun again
            log.exception("request crashed", by=type(self).__name__, request=self._id(held))

    async def _idle(self) -> None:
        await self._woken_within(IDLE_SECONDS)

    async def _woken_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _done(self, task: asyncio.Task[None]) -> None:
        self._held.pop(task, None)
        self._wake.set()
