"""Group commit: what waits for the writer of this process, run together in one transaction and answered after it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import sqlalchemy as sa

from storage.dialect import Work

P = ParamSpec("P")
R = TypeVar("R")
Item = TypeVar("Item")
Batch = Callable[[sa.Connection, Sequence[Any]], Sequence[Any]]

GROUP_LIMIT = 256
"""Most items in one transaction: more would make the first wait for the last."""


class Waiting(Generic[Item]):
    """One item on its way into the next transaction."""

    __slots__ = ("batch", "future", "item")

    def __init__(self, batch: Batch, item: Item, future: asyncio.Future[Any]) -> None:
        self.batch = batch
        self.item = item
        self.future = future


class GroupCommit:
    """What both dialects share: the line of items before the writer."""

    def __init__(self) -> None:
        self._line: list[Waiting[Any]] = []
        self._lock = threading.Lock()
        self._closing = False
        self._callbacks: list[tuple[Work, Callable[[], None]]] = []

    def on_work(self, work: Work, callback: Callable[[], None]) -> None:
        self._callbacks.append((work, callback))

    def work_announced(self, announced: str = "") -> None:
        """Call those who wait for what was announced; for all kinds of work where it is not said."""
        for work, callback in self._callbacks:
            if announced in (work, ""):
                callback()

    def waiting(self) -> int:
        return len(self._line)

    async def write(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await self.submit(_one_by_one, lambda connection: function(connection, *args, **kwargs))
        return result

    async def submit(self, batch: Callable[[sa.Connection, Sequence[Item]], Sequence[R]], item: Item) -> R:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._closing:
                raise RuntimeError("the database is closed")
            self._line.append(Waiting(batch, item, future))
            first = len(self._line) == 1
        if first:
            self._wake()
        return await future

    def _wake(self) -> None:
        raise RuntimeError("given by the dialect")

    def take(self) -> list[Waiting[Any]]:
        with self._lock:
            taken, self._line = self._line[:GROUP_LIMIT], self._line[GROUP_LIMIT:]
        return taken


def _one_by_one(connection: sa.Connection, functions: Sequence[Callable[[sa.Connection], Any]]) -> list[Any]:
    return [function(connection) for function in functions]


def run_group(connection: sa.Connection, group: Sequence[Waiting[Any]]) -> list[Any]:
    """Run a group's batches in the order in which their first items came; return results in the group's order."""
    kinds: dict[Batch, list[int]] = {}
    for place, waiting in enumerate(group):
        kinds.setdefault(waiting.batch, []).append(place)
    results: list[Any] = [None] * len(group)
    for batch, places in kinds.items():
        for place, result in zip(places, batch(connection, [group[p].item for p in places]), strict=True):
            results[place] = result
    return results


Settled = list[tuple[Waiting[Any], Any, BaseException | None]]


def settle(settled: Settled) -> None:
    for waiting, result, error in settled:
        if waiting.future.done():  # whoever asked has gone away; the write stands
            continue
        if error is None:
            waiting.future.set_result(result)
        else:
            waiting.future.set_exception(error)
