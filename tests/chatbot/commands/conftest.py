"""A house with an integration whose effects can be made to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.demo.stand_ins.slack import ANNA
from tests.chatbot.conftest import House, Message, connected, text_of
from tests.contexts import MovableClock
from tests.packages import package
from tests.stand_ins.receiver import Received, Receiver, receiving

TWICE = """
def handle(event: dict, config: dict) -> list[dict]:
    number = event["payload"]["n"]
    said = {"type": "log", "level": "warning", "message": "got " + str(number), "fields": {"n": number}}
    return [said] + [{"type": "http_request", "url": "http://HOST/" + str(i), "json": {"n": number}} for i in range(2)]
"""


@dataclass(frozen=True)
class Worked:
    """The house, its integration `forward` (a log line, then two requests, one attempt), and where its requests go."""

    house: House
    receiver: Receiver
    id: str

    async def deliver(self, *numbers: int, status: str = "succeeded", **payload: Any) -> list[str]:
        """Deliver events, a second apart, and wait until they have this status.

        Those that end dead fail at their second request.
        """

        async def broken(got: Received) -> int:
            return 500 if got.path == "/1" else 200

        self.receiver.before_answer = broken if status == "dead" else None
        client = self.house.client
        ids = []
        for n in numbers:
            ids.append((await client.deliver(self.id, {"n": n, **payload}, f"msg_{n}")).json["event_id"])
            self.house.clock.move(1)  # so that the events have an order
        for event_id in ids:
            await client.ended(event_id, status)
        self.receiver.before_answer = None
        return ids

    async def press(self, message: Message, *, until: str, user: str = ANNA, **which: Any) -> str:
        """Press a button; return what the message says once it says `until`."""
        outcome = await self.house.slack.press(user, message, which.pop("action_id", None), **which)
        assert outcome.acked
        return await self.becomes(message, lambda said: until in said)

    async def becomes(self, message: Message, holds: Callable[[str], bool]) -> str:
        """Wait until the message says what holds; return it."""
        await self.house.slack.until(lambda: holds(text_of(message)))
        return text_of(message)


@pytest.fixture
async def worked(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Worked]:
    """An engine and a Slack as `house` has them, and an integration."""
    roles = {"CCB_SLACK_ADMINS": ANNA, "CCB_SLACK_OPERATORS": "S0OPS"}
    async with (
        receiving() as receiver,
        connected(tmp_path / "data", clock, CCB_OUTBOUND_ALLOW=receiver.host, **roles) as house,
    ):
        expected = [
            {"type": "log", "level": "warning", "message": "got 0", "fields": {"n": 0}},
            *({"type": "http_request", "url": f"http://{receiver.host}/{i}", "json": {"n": 0}} for i in range(2)),
        ]
        wish = package(TWICE, receiver.host, expected=expected)
        made = await house.client.install(wish, config={"retry_attempts": 1})
        yield Worked(house, receiver, made["id"])
