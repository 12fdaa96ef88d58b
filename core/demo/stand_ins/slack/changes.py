"""What happens in the stand-in, for whoever watches: a test that waits, a page that shows it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

Found = TypeVar("Found")


@dataclass(frozen=True)
class Change:
    """One thing that became different: a kind such as `message`, and what it is about."""

    kind: str
    about: dict[str, Any]


class Changes:
    """A log that can be followed, and conditions that are looked at again after each entry."""

    def __init__(self) -> None:
        self.log: deque[Change] = deque(maxlen=1000)
        self._followers: list[asyncio.Queue[Change]] = []

    def note(self, kind: str, **about: Any) -> None:
        """Tell everybody."""
        change = Change(kind, about)
        self.log.append(change)
        for follower in self._followers:
            follower.put_nowait(change)

    @contextmanager
    def followed(self) -> Iterator[asyncio.Queue[Change]]:
        """Give a queue of everything from now on."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._followers.append(queue)
        try:
            yield queue
        finally:
            self._followers.remove(queue)

    async def until(self, condition: Callable[[], Found], seconds: float = 10) -> Found:
        """Wait until `condition` gives something true, and return it; TimeoutError with the last changes else."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := condition()):
                    with self.followed() as queue:
                        await queue.get()
                return found
        except TimeoutError:
            last = "\n".join(f"  {change.kind} {change.about}" for change in [*self.log][-8:])
            raise TimeoutError(f"not within {seconds} s. What happened last:\n{last}") from None
