"""A job in the middle of which everything is killed: it goes on, and does nothing twice that was recorded."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.test_kill import Place, installed, place
from tests.stand_ins.receiver import Received

pytestmark = pytest.mark.slow

__all__ = ["place"]
EVENTS = 40


async def test_a_job_outlives_kills(place: Place) -> None:
    """Events that failed halfway are replayed; the engine is killed twice meanwhile."""
    engine = await place.start()
    sender = await installed(engine, place.receiver)
    integration = sender.path.rpartition("/")[2]
    await engine.ask("PATCH", f"/v1/integrations/{integration}/config", {"retry_attempts": 1})

    async def halfway(got: Received) -> int:
        return 500 if got.path == "/1" else 200

    place.receiver.before_answer = halfway
    await asyncio.gather(*(sender.deliver(engine, n) for n in range(EVENTS)))
    for event in sender.accepted:
        await engine.until(f"/v1/events/{event}", lambda e: e["status"] == "dead")

    await engine.ask("PATCH", f"/v1/integrations/{integration}/config", {"retry_attempts": 5})

    async def slowly(_: Received) -> int:
        await asyncio.sleep(0.1)
        return 200

    place.receiver.before_answer = slowly
    before = len(place.receiver.received)
    job = await engine.ask("POST", f"/v1/integrations/{integration}/replay", {"from": "1h"}, status=202)
    assert job["total"] == EVENTS
    for share in (1, 20):
        await place.receiver.wait_for(before + share)
        await engine.kill()
        recorded, seen = await place.done(), place.receiver.counts()
        engine = await place.start()
    over = await engine.until(f"/v1/jobs/{job['id']}", lambda j: j["finished_at"] is not None)
    assert (over["status"], over["total"], over["started"], over["succeeded"]) == ("succeeded", EVENTS, EVENTS, EVENTS)
    counts = place.receiver.counts()
    assert {key: counts[key] for key in recorded} == {key: seen[key] for key in recorded}
    assert all(counts[f"{event}:1:0"] == 1 for event in sender.accepted), "what was done before the replay"
    for event in sender.accepted:
        await engine.until(f"/v1/events/{event}", lambda e: e["status"] == "succeeded")
    await engine.stop()
