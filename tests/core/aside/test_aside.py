"""Work in processes of their own: answers, time limits, failures, and that the engine goes on meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop

from core.aside import MOST_WAITING, Aside, AsideError

ECHO = "tests.core.aside.echo"

pytestmark = pytest.mark.slow


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    async with Aside() as made:
        yield made


async def ask(aside: Aside, message: str, *, timeout: float = 20, at_once: int = 1) -> str:
    return (await aside.ask(ECHO, message.encode(), timeout=timeout, at_once=at_once)).decode()


async def test_a_process_answers_and_is_kept(aside: Aside) -> None:
    first = await ask(aside, "pid")
    assert await ask(aside, "print and say x") == "print and say x"
    assert await ask(aside, "pid") == first


async def test_its_failure_is_said_without_its_words_and_it_lives_on(aside: Aside) -> None:
    first = await ask(aside, "pid")
    with pytest.raises(AsideError, match="broken: ValueError"):
        await ask(aside, "raise secret")
    assert await ask(aside, "pid") == first


async def test_what_is_late_is_killed_and_the_engine_goes_on(aside: Aside) -> None:
    first = await ask(aside, "pid")
    began = time.monotonic()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(beat())
    with pytest.raises(AsideError) as caught:
        await ask(aside, "spin", timeout=0.5)
    beating.cancel()
    assert (caught.value.why, time.monotonic() - began < 5, beats > 10) == ("late", True, True)
    assert await ask(aside, "pid") != first


async def test_one_that_died_is_replaced(aside: Aside) -> None:
    first = await ask(aside, "pid")
    with pytest.raises(AsideError, match="broken"):
        await ask(aside, "exit")
    second = await ask(aside, "pid")
    assert second != first
    await ask(aside, "leave after this")
    async with asyncio.timeout(10):
        while Path(f"/proc/{second}").exists():
            await asyncio.sleep(0.01)
    assert await ask(aside, "pid") != second, "it had gone by itself, as one does that was idle"


async def test_one_that_answers_after_the_end_does_not_stay() -> None:
    async with Aside() as aside:
        await ask(aside, "pid")
        asked = asyncio.create_task(ask(aside, "pid slowly"))
        for _ in range(3):
            await asyncio.sleep(0)
    assert not Path(f"/proc/{await asked}").exists()


async def test_one_whose_asker_is_cancelled_twice_is_ended_all_the_same() -> None:
    async with Aside() as aside:
        pid = await ask(aside, "pid")
        asked = asyncio.create_task(ask(aside, "spin"))
        for _ in range(3):
            await asyncio.sleep(0)
        for _ in range(2):
            asked.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert not Path(f"/proc/{pid}").exists()


def test_one_that_left_is_replaced_on_the_loop_of_production_too() -> None:
    async def main() -> None:
        async with Aside() as aside:
            first = await ask(aside, "pid")
            await ask(aside, "leave after this")
            async with asyncio.timeout(10):
                while Path(f"/proc/{first}").exists():
                    await asyncio.sleep(0.01)
            assert await ask(aside, "pid") != first

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def test_as_many_as_allowed_at_once_and_a_bounded_queue(aside: Aside) -> None:
    pids = await asyncio.gather(*(ask(aside, "pid slowly", at_once=2) for _ in range(4)))
    assert len(set(pids)) == 2
    asked = [asyncio.create_task(ask(aside, "pid", at_once=2)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(AsideError, match="busy"):
        await ask(aside, "pid")
    await asyncio.gather(*asked)


async def test_it_sees_nothing_of_the_environment(aside: Aside) -> None:
    os.environ["CCB_TEST_SECRET"] = "x"
    try:
        assert "CCB_TEST_SECRET" not in await ask(aside, "environment")
    finally:
        del os.environ["CCB_TEST_SECRET"]
