"""Slack waits three seconds for an acknowledgement, also from an engine that has its hands full."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import pytest

from core.demo.stand_ins.slack import ANNA, BORIS, CAROL, Outcome
from tests.chatbot.conftest import House

COMMANDS, DELIVERIES, SENDERS = 200, 160, 16
LINES = ("status", "list", "help", "health", "staus", "help status", "")


async def acknowledged(house: House, *, waves: int) -> list[Outcome]:
    """Type 200 commands at once, some times over, while signed deliveries pour in; return what came of the commands."""
    made = await house.client.ask(
        "POST", "/v1/integrations", {"gallery": "hello-webhook", "activate": True}, status=201
    )
    signed = [await house.client.sign(made["id"], {"text": "x" * 500}, f"msg_{n}") for n in range(DELIVERIES)]
    answers: list[int] = []
    pouring, enough = asyncio.Event(), asyncio.Event()

    async def pour(mine: Iterator[Any]) -> None:
        while not enough.is_set():
            answers.append((await house.client.post(*next(mine))).status)
            pouring.set()

    senders = [asyncio.create_task(pour(cycle(signed[n::SENDERS]))) for n in range(SENDERS)]
    await pouring.wait()
    outcomes = []
    for _ in range(waves):  # what one wave asked for is worked on while the next comes
        lines, users = islice(cycle(LINES), COMMANDS), cycle((ANNA, BORIS, CAROL))
        typed = (house.slack.command("/ccb", line, user=user) for line, user in zip(lines, users, strict=False))
        outcomes += await asyncio.gather(*typed)
    enough.set()
    await asyncio.gather(*senders)
    assert set(answers) <= {200, 202}, "200: the same again"
    return outcomes


@pytest.mark.slow
async def test_every_command_is_acknowledged_in_time_while_webhooks_pour_in(house: House) -> None:
    outcomes = await acknowledged(house, waves=2)
    late = [outcome for outcome in outcomes if not outcome.acked or outcome.seconds >= 3]
    assert late == []
    await house.slack.until(lambda: sum(map(len, house.slack.ephemerals.values())) == len(outcomes), 60)
