"""An integration with events that are dead, and jobs on them that are brought to their end."""

from __future__ import annotations

import asyncio
from typing import Any

from core import jobs
from tests.engines import Client
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver


async def broken(got: Received) -> int:
    """Refuse the second effect of an event, so that the event dies after the first."""
    return 500 if got.path == "/1" else 200


async def installed(client: Client, receiver: Receiver, **more: Any) -> str:
    """Install what sends each event on twice, with one attempt; return its id."""
    wish = package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host), **more)
    return str((await client.install(wish, config={"retry_attempts": 1}))["id"])


async def dead(client: Client, receiver: Receiver, integration: str, count: int, first: int = 0) -> list[str]:
    """Deliver events whose second effect fails; return their ids once they are dead."""
    receiver.before_answer = broken
    answers = [await client.deliver(integration, {"n": n}, f"msg_{n}") for n in range(first, first + count)]
    events = [answer.json["event_id"] for answer in answers]
    for event in events:
        await client.ended(event, "dead")
    receiver.before_answer = None
    return events


async def replay(client: Client, integration: str, wish: dict[str, Any]) -> Any:
    """Start a replay."""
    return await client.ask("POST", f"/v1/integrations/{integration}/replay", wish, status=202)


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
