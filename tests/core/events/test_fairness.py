"""Turns of integrations."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.engines import running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, receiving

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]


async def test_an_integration_that_waits_for_a_slow_receiver_does_not_hold_up_another(tmp_path: Path) -> None:
    """One takes all the places that it may have and has a backlog: the places that are left serve the others at once,
    again and again (a claim that ended at an integration before the busy one must not look at the busy one alone)."""
    release = asyncio.Event()

    async def slow(_: Received) -> int:
        await release.wait()
        return 200

    async with (
        receiving() as receiver,
        running(tmp_path, CCB_OUTBOUND_ALLOW=receiver.host, CCB_WORKER_SLOTS=8) as client,
    ):
        receiver.before_answer = slow
        quick = await client.install(package(LOG, "example.com", expected=LOGGED, slug="quick"))
        busy = await client.install(
            package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host), slug="busy")
        )
        for i in range(30):
            await client.deliver(busy["id"], {"n": i}, f"b{i}")
        await receiver.wait_for(6)
        took = []
        for i in range(3):
            began = time.perf_counter()
            answer = await client.deliver(quick["id"], {"n": i}, f"q{i}")
            try:
                async with asyncio.timeout(6):
                    await client.ended(answer.json["event_id"])
            except TimeoutError:
                pass
            took.append(round(time.perf_counter() - began, 2))
        release.set()
        assert max(took) < 3, took
