"""So much at once, and whoever waits for Slack stands in nobody's way."""

from __future__ import annotations

import asyncio

from aiohttp import web

from chatbot.app import AT_ONCE
from chatbot.turns import Turns
from core.demo.stand_ins.slack import ANNA, CAROL
from tests.chatbot.conftest import House, text_of


async def test_so_many_at_once_and_whoever_only_waits_gives_its_turn_away() -> None:
    turns, at_work, most = Turns(2), 0, 0
    waiting, resting = asyncio.Event(), 0

    async def work(rests: bool) -> None:
        nonlocal at_work, most, resting
        async with turns.taken():
            if rests:
                resting += 1
                async with Turns.lent():
                    await waiting.wait()
            at_work += 1
            most = max(most, at_work)
            await asyncio.sleep(0)
            at_work -= 1

    rested = [asyncio.create_task(work(rests=True)) for _ in range(5)]
    await asyncio.gather(*(work(rests=False) for _ in range(5)))
    assert (resting, most) == (5, 2)
    waiting.set()
    await asyncio.gather(*rested)
    assert most == 2


async def test_without_a_turn_there_is_none_to_give_away() -> None:
    async with Turns.lent():
        pass


async def test_those_who_wait_for_slack_keep_nobody_else_waiting(house: House) -> None:
    slow = asyncio.Event()

    async def answers_late(request: web.Request) -> None:
        if request.path.endswith("chat.postEphemeral"):
            await slow.wait()

    house.slack.after = answers_late
    mentions = [house.slack.mention(ANNA, "general", "help") for _ in range(AT_ONCE + 8)]
    assert all(outcome.acked for outcome in await asyncio.gather(*mentions))
    await house.slack.until(lambda: house.slack.ephemerals.get(ANNA))
    assert "/ccb status" in text_of(await house.type("help", user=CAROL))
    assert len(house.slack.ephemerals[ANNA]) == 1, "the others wait for their channel"
    slow.set()
    await house.slack.until(lambda: len(house.slack.ephemerals[ANNA]) == AT_ONCE + 8)
