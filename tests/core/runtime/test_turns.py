"""Who gets the next place."""

from __future__ import annotations

import asyncio

import pytest

from core.runtime.turns import Turns


class Line:
    """Owners who take a place, note it, and hold it until they are told to go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: list[str] = []
        self.go = asyncio.Semaphore(0)

    async def stand(self, owner: str) -> None:
        async with self.turns.turn(owner, wait_seconds=5):
            self.served.append(owner)
            await self.go.acquire()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_owners_take_turns() -> None:
    line = Line(Turns(places=1, per_owner=1))
    tasks = [asyncio.create_task(line.stand(owner)) for owner in "aaaabbc"]
    for _ in tasks:
        await settle()
        line.go.release()
    await asyncio.gather(*tasks)
    assert "".join(line.served) == "aabcaba"


async def test_an_owner_has_a_share_only() -> None:
    line = Line(Turns(places=3, per_owner=2))
    tasks = [asyncio.create_task(line.stand(owner)) for owner in "aaaa"]
    await settle()
    assert line.served == ["a", "a"]
    tasks.append(asyncio.create_task(line.stand("b")))
    await settle()
    assert line.served == ["a", "a", "b"]
    for _ in tasks:
        line.go.release()
    await asyncio.gather(*tasks)


async def test_whoever_gives_up_leaves_no_trace() -> None:
    turns = Turns(places=1, per_owner=1)
    line = Line(turns)
    first = asyncio.create_task(line.stand("a"))
    await settle()
    with pytest.raises(TimeoutError):
        async with turns.turn("b", wait_seconds=0.01):
            pass
    waiting = [asyncio.create_task(line.stand(owner)) for owner in "bcb"]
    await settle()
    waiting[0].cancel()
    line.go.release()
    await first
    await settle()
    assert line.served == ["a", "b"]
    line.go.release()
    line.go.release()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert line.served == ["a", "b", "c"]


async def test_a_place_given_to_who_is_cancelled_in_the_same_moment_is_not_lost() -> None:
    turns = Turns(places=1, per_owner=1)
    line = Line(turns)
    first = asyncio.create_task(line.stand("a"))
    await settle()
    second = asyncio.create_task(line.stand("b"))
    await settle()
    for order in ("cancel first", "release first"):
        third = asyncio.create_task(line.stand(order))
        await settle()
        if order == "cancel first":
            second.cancel()
            line.go.release()
        else:
            line.go.release()
            await first
            second.cancel()
        await settle()
        assert line.served[-1] == order
        first, second = third, asyncio.create_task(line.stand("b"))
        await settle()
    second.cancel()
    line.go.release()
    await first
    async with asyncio.timeout(1), turns.turn("z", wait_seconds=1):
        pass


async def test_an_error_inside_gives_the_place_back() -> None:
    turns = Turns(places=1, per_owner=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="mine"):
            async with turns.turn("a", wait_seconds=1):
                raise ValueError("mine")
