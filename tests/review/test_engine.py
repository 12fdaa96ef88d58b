"""Starts, stops, and what is too large."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.events import EVENTS
from tests.e2e.engine import CCB, environment
from tests.engines import running
from tests.packages import package

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]


async def test_a_damaged_database_is_said_and_ends_the_start(tmp_path: Path) -> None:
    """A file that is no database: the start ends with a sentence; it does not hang."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ccb.db").write_bytes(b"this is no database" * 1000)
    process = await asyncio.create_subprocess_exec(
        str(CCB), "serve", env=environment(tmp_path / "data"), cwd=str(tmp_path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(20):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        pytest.fail(f"it hangs: {(out + err).decode()[-600:]}")
    assert process.returncode and b"Traceback" not in err, err[-600:]


async def test_what_is_claimed_while_stopping_is_given_back(tmp_path: Path) -> None:
    """A claim that the writer answers after `Worker.stop` has begun leaves no event behind under a lease."""
    async with running(tmp_path) as client:
        made = await client.install(package(LOG, "example.com", expected=LOGGED))
        await client.deliver(made["id"], {"n": 1}, "first")
        engine = client.engine
        gate = threading.Event()
        db = engine.ctx.db
        submit = db.submit

        entered = asyncio.Event()

        def block(_: sa.Connection) -> None:
            gate.wait(10)

        blocking = asyncio.create_task(db.write(block))
        await asyncio.sleep(0.05)
        accepted = asyncio.create_task(client.deliver(made["id"], {"n": 2}, "second"))
        await asyncio.sleep(0.3)
        engine.worker._wake.set()  # type: ignore[union-attr]
        await asyncio.sleep(0.3)  # its claim is now in the writer's line, behind the second delivery
        stopping = asyncio.create_task(engine.worker.stop(grace=1))  # type: ignore[union-attr]
        await asyncio.sleep(0.1)
        gate.set()
        await asyncio.gather(blocking, accepted, stopping)
        await asyncio.sleep(0)
        left = engine.worker.in_flight  # type: ignore[union-attr]
        await asyncio.sleep(0.1)
        assert left + engine.worker.in_flight == 0, "taken up after stop() had returned"  # type: ignore[union-attr]


async def test_a_reason_is_of_a_length_that_can_be_shown(tmp_path: Path) -> None:
    """A handler that names a channel of a megabyte gets a reason of some hundred characters, not of a megabyte."""
    handler = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"] == {"n": 0}:
        return []
    return [{"type": "slack_message", "channel": "x" * 1000000, "text": "t"}]
"""
    async with running(tmp_path) as client:
        made = await client.install(
            package(handler, "x", capabilities={"actions": ["slack_message"], "channels": ["#a"]})
        )
        answer = await client.deliver(made["id"], {"n": 1})
        event = await client.ended(answer.json["event_id"], "dead")
        assert len(event["error"]["message"]) < 10_000
