"""The button under an alert that tries again what has failed: as many as it says, or it says how many first."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core import jobs
from core.alerting import Evaluator
from core.demo.stand_ins.slack import ANNA
from storage import metrics
from tests.chatbot.conftest import House, Message, connected, text_of
from tests.contexts import MovableClock
from tests.packages import package

HANDLER = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"]["n"]:
        raise ValueError("channel_not_found")
    return []
"""
RULE = {"name": "Errors", "condition": "error_rate > 5%", "severity": "critical", "min_samples": 1}


async def _fail(house: House, integration: str, number: int) -> None:
    house.clock.move(1)
    answer = await house.client.deliver(integration, {"n": number}, f"msg_{number}")
    await house.client.ended(answer.json["event_id"], "dead")


async def _alert(house: House) -> Message:
    """Wait for the alert's message, looking as the scheduler does; a channel gets a message a second."""
    async with asyncio.timeout(15):
        while not house.slack.channel("deploys").messages:
            house.clock.move(10)
            await Evaluator(house.ctx).look()
            await asyncio.sleep(0.1)
    return house.slack.channel("deploys").messages[0]


async def test_what_failed_since_is_asked_about(tmp_path: Path, clock: MovableClock) -> None:
    async with connected(tmp_path, clock, CCB_SLACK_ADMINS=ANNA, CCB_ALERT_SLACK_CHANNEL="deploys") as house:
        made = (await house.client.install(package(HANDLER, "example.com")))["id"]
        await house.client.ask("PUT", f"/v1/integrations/{made}/alerts", {"rules": [RULE]})
        await _fail(house, made, 1)
        counts: metrics.Counts = {}
        metrics.count(counts, made, clock.now(), "dead", by=30)
        await house.ctx.db.write(metrics.add, counts)
        message = await _alert(house)
        assert "Replay 1 failed" in text_of(message)
        for number in (2, 3):
            await _fail(house, made, number)
        told = await house.press(message, "replay_failed", channel="deploys", confirm=True)
        assert "3 events have failed since" in told["text"] and "the button said 1" in told["text"]
        assert await jobs.page(house.ctx, integration_id=made, kind="retry", limit=10) == []
        await _fail(house, made, 4)
        told = await house.press(told, "replay_failed:more", channel="deploys", confirm=True)
        assert "3 events are tried again" in text_of(told), "those that it asked about"
        [job] = await jobs.page(house.ctx, integration_id=made, kind="retry", limit=10)
        assert job.total == 3
