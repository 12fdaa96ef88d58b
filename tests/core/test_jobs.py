"""Jobs on many events, through HTTP: replay, retry, discard; cancelled, paused, restarted, done by two at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver, receiving


@pytest.fixture
def moved() -> MovableClock:
    return MovableClock(float(int(time.time())))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def client(tmp_path: Path, receiver: Receiver, moved: MovableClock) -> AsyncIterator[Client]:
    async with running(tmp_path, clock=moved, CCB_OUTBOUND_ALLOW=receiver.host) as client:
        yield client


async def _broken(got: Received) -> int:
    return 500 if got.path == "/1" else 200


async def installed(client: Client, receiver: Receiver, **more: Any) -> str:
    wish = package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host), **more)
    return str((await client.install(wish, config={"retry_attempts": 1}))["id"])


async def dead(client: Client, receiver: Receiver, integration: str, count: int, first: int = 0) -> list[str]:
    """Deliver events whose second effect fails; return their ids once they are dead."""
    receiver.before_answer = _broken
    answers = [await client.deliver(integration, {"n": n}, f"msg_{n}") for n in range(first, first + count)]
    events = [answer.json["event_id"] for answer in answers]
    for event in events:
        await client.ended(event, "dead")
    receiver.before_answer = None
    return events


async def done(client: Client, job: dict[str, Any], status: str = "succeeded") -> Any:
    """Let the job's pieces be done until it is over; fail with what it is instead after ten seconds."""
    found: Any = job
    try:
        async with asyncio.timeout(10):
            while found["status"] != status or found["finished_at"] is None:
                await jobs.advance(client.engine.ctx)
                found = await client.ask("GET", f"/v1/jobs/{job['id']}")
    except TimeoutError:
        raise AssertionError(f"never over: {found}") from None
    return found


async def test_a_resume_does_what_is_left_and_nothing_twice(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    events = await dead(client, receiver, integration, 3)
    wish = {"from": "1h"}
    planned = await client.ask("POST", f"/v1/integrations/{integration}/replay", wish | {"dry_run": True})
    assert (planned["would_run"], planned["by_status"], planned["by_type"]) == (3, {"dead": 3}, {"event": 3})
    assert (planned["effects_skipped"], planned["effects_repeated"]) == (3, 0)
    assert planned["sample"] == [
        {"event_id": e, "type": "event", "status": "dead", "would": "resume", "effects_done": 1, "effects_left": 1}
        for e in sorted(events)
    ]
    assert [(await client.ask("GET", f"/v1/events/{e}"))["status"] for e in events] == ["dead"] * 3
    job = await client.ask("POST", f"/v1/integrations/{integration}/replay", wish, status=202)
    assert (job["status"], job["total"], job["kind"]) == ("running", planned["would_run"], "replay")
    found = await done(client, job)
    assert [found[n] for n in ("total", "started", "succeeded", "failed", "skipped")] == [3, 3, 3, 0, 0]
    assert receiver.counts() == {f"{e}:1:{place}": 1 + place for e in events for place in range(2)}
    steps = [step for e in events for step in await client.steps(e)]
    assert len([s for s in steps if s["status"] == "skipped"]) == planned["effects_skipped"]
    assert [s["detail"] for s in steps if s["name"] == "replay"] == ["asked for by local: what is done stays done"] * 3
