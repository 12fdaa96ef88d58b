"""A started engine: its scheduler looks at the rules and tells what fires."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from core.demo.stand_ins.slack import BOT_TOKEN, SlackStandIn
from tests.engines import running
from tests.packages import package

HANDLER = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got it"}]
"""


async def test_the_scheduler_looks_and_tells(tmp_path: Path) -> None:
    async with SlackStandIn() as slack:
        settings: dict[str, Any] = {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_API_URL": slack.url,
            "CCB_ALERT_SLACK_CHANNEL": "deploys",
        }
        async with running(tmp_path, **settings) as client:
            made = await client.install(package(HANDLER, "x", expected=[{"type": "log", "message": "got it"}]))
            rule = {"name": "Anything", "condition": "received > 0"}
            await client.ask("PUT", f"/v1/integrations/{made['id']}/alerts", {"rules": [rule]})
            answer = await client.deliver(made["id"], {"n": 1})
            await client.ended(answer.json["event_id"])
        async with running(tmp_path, **settings) as client, asyncio.timeout(40):
            while not (found := await client.ask("GET", "/v1/alerts?status=firing")):
                await asyncio.sleep(0.05)
            assert found[0]["name"] == "Anything"
            states = await client.ask("GET", "/v1/alert-states?integration=engine")
            assert {rule["name"] for rule in states["rules"]} <= {"Disk", "Disk full", "Scheduler stopped"}
            while not slack.channel("deploys").messages:
                await asyncio.sleep(0.1)
        assert "received is 1" in slack.channel("deploys").messages[0]["text"]
