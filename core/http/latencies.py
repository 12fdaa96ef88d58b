"""How long this server's answers take, by route: since its start, and over the last five minutes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.histogram import bucket_of

WINDOW_SECONDS = 300
SLOT_SECONDS = 10
"""The window moves in steps of this length, so that what is old leaves it at most this late."""
LAG_SECONDS = 1.0
"""How often the event loop's lag is measured."""


@dataclass(slots=True)
class Counted:
    """Answers by the buckets of their durations (`core.histogram`); `refused`: those with 4xx, `errors`: with 5xx."""

    buckets: dict[int, int] = field(default_factory=dict)
    count: int = 0
    refused: int = 0
    errors: int = 0

    def add(self, bucket: int, status: int) -> None:
        """Count one."""
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.count += 1
        if status >= 400:
            if status >= 500:
                self.errors += 1
            else:
                self.refused += 1

    def merge(self, other: Counted) -> None:
        """Add what another one counted."""
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.count += other.count
        self.refused += other.refused
        self.errors += other.errors


class RouteTimes:
    """One route's answers. The handlers hold theirs, so that counting one looks nothing up."""

    __slots__ = ("_slots", "method", "path", "total")

    def __init__(self, method: str, path: str) -> None:
        self.method = method
        self.path = path
        self.total = Counted()
        self._slots: deque[tuple[int, Counted]] = deque(maxlen=WINDOW_SECONDS // SLOT_SECONDS + 1)

    def add(self, seconds: float, status: int, now: float) -> None:
        """Count an answer that took `seconds`, at `now` (seconds since the epoch)."""
        bucket, slot = bucket_of(seconds * 1e3), int(now // SLOT_SECONDS)
        self.total.add(bucket, status)
        if not self._slots or self._slots[-1][0] != slot:
            self._slots.append((slot, Counted()))
        self._slots[-1][1].add(bucket, status)

    def recent(self, now: float) -> Counted:
        """Return what was counted in the window that ends at `now`."""
        newest = int(now // SLOT_SECONDS)
        oldest = newest - WINDOW_SECONDS // SLOT_SECONDS
        return merged(counted for slot, counted in self._slots if oldest < slot <= newest)


class Latencies:
    """All routes of one node, what is in flight, and the event loop's lag."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], RouteTimes] = {}
        self.in_flight = 0
        self.lags: deque[float] = deque(maxlen=int(WINDOW_SECONDS / LAG_SECONDS))
        """Seconds by which the loop was late, the newest last."""

    def __iter__(self) -> Iterator[RouteTimes]:
        return iter(self._routes.values())

    def of(self, method: str, path: str) -> RouteTimes:
        """Return where a route's answers are counted."""
        return self._routes.setdefault((method, path), RouteTimes(method, path))

    async def watch_the_loop(self) -> None:
        """Measure for ever how late the event loop comes back: whatever blocks it, delays every request."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            self.lags.append(max(0.0, loop.time() - due))


def merged(parts: Iterable[Counted]) -> Counted:
    """Return the sum."""
    found = Counted()
    for part in parts:
        found.merge(part)
    return found
