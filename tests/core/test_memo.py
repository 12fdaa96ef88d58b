"""What is kept in memory, and that who reads can tell whether it was dropped meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from core.memo import MOST, Memo


def test_it_keeps_and_drops() -> None:
    memo = Memo()
    memo.put("a", 1, seconds=60)
    assert memo.get("a") == 1
    memo.drop("a")
    assert memo.get("a") is None


def test_what_is_too_old_is_gone() -> None:
    memo = Memo()
    memo.put("a", 1, seconds=-1)
    assert memo.get("a") is None


def test_a_drop_is_seen_by_who_reads_at_that_time() -> None:
    """A read that began before a change must not be kept after it: it compares the number of drops."""
    memo = Memo()
    before = memo.drops
    memo.drop("a")
    assert memo.drops != before


def test_it_never_grows_without_end() -> None:
    memo = Memo()
    for i in range(MOST + 1):
        memo.put(i, i, seconds=60)
    assert memo.get(MOST) == MOST and memo.get(0) is None


class Reading:
    """Something that takes until it is let go, and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def read(self) -> int:
        self.begun += 1
        mine = self.begun
        await self.may_end.wait()
        return mine

    async def fail(self) -> int:
        await self.read()
        raise LookupError("not there")


async def _waiting(memo: Memo, make: Callable[[], Coroutine[Any, Any, int]]) -> asyncio.Task[int]:
    """Ask, and return once the asking has begun to wait."""
    task = asyncio.create_task(memo.share("a", make))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_who_asks_meanwhile_shares_one_reading() -> None:
    memo, reading = Memo(), Reading()
    asking = [await _waiting(memo, reading.read) for _ in range(50)]
    reading.may_end.set()
    assert set(await asyncio.gather(*asking)) == {1}
    assert await memo.share("a", reading.read) == 2, "what has ended is not kept"


async def test_nobody_shares_a_reading_from_before_a_change() -> None:
    memo, reading = Memo(), Reading()
    before = await _waiting(memo, reading.read)
    memo.drop("a")
    after = await _waiting(memo, reading.read)
    reading.may_end.set()
    assert (await before, await after) == (1, 2)


async def test_one_who_goes_away_leaves_the_others_their_reading() -> None:
    memo, reading = Memo(), Reading()
    gone, stays = [await _waiting(memo, reading.read) for _ in range(2)]
    gone.cancel()
    reading.may_end.set()
    assert await stays == 1


async def test_an_error_is_shared_and_not_kept() -> None:
    memo, reading = Memo(), Reading()
    asking = [await _waiting(memo, reading.fail) for _ in range(2)]
    reading.may_end.set()
    assert all(isinstance(e, LookupError) for e in await asyncio.gather(*asking, return_exceptions=True))
    assert (reading.begun, await memo.share("a", reading.read)) == (1, 2)
