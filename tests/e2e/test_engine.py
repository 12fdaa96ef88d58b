"""Starts, stops, and what is too large."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import aiohttp
import pytest

from tests.e2e import engine
from tests.e2e.engine import CCB, environment
from tests.engines import running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, receiving

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
    """A claim that the writer answers after `Worker.stop` has begun leaves no event behind: none is worked on after
    the stop has returned, none stays under a lease."""
    never, gate = asyncio.Event(), threading.Event()

    async def held(_: Received) -> int:
        await never.wait()
        return 200

    async with receiving() as receiver, running(tmp_path, CCB_OUTBOUND_ALLOW=receiver.host) as client:
        receiver.before_answer = held
        made = await client.install(
            package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host), slug="held")
        )
        db, worker = client.engine.ctx.db, client.engine.worker
        assert worker is not None
        await client.sign(made["id"], {"n": 1}, "warm")
        request = await client.sign(made["id"], {"n": 1}, "one")
        blocking = asyncio.create_task(db.write(lambda _: gate.wait(10)))
        await asyncio.sleep(0.1)
        accepted = asyncio.create_task(client.post(*request))
        while db.waiting() < 1:
            await asyncio.sleep(0.01)
        worker._wake.set()
        while db.waiting() < 2:  # its claim stands in the writer's line, behind the delivery
            await asyncio.sleep(0.01)
        stopping = asyncio.create_task(worker.stop(grace=0.5))
        await asyncio.sleep(0.2)
        gate.set()
        await asyncio.gather(blocking, stopping)
        answer = await accepted
        await asyncio.sleep(1)
        event = await client.ask("GET", f"/v1/events/{answer.json['event_id']}")
        never.set()
        assert (event["status"], len(receiver.received)) == ("queued", 0)


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


async def test_a_webhooks_address_has_the_port_that_was_taken(tmp_path: Path) -> None:
    """Port 0 is a wish, no address: what services are given is where the engine listens."""
    async with engine.running(tmp_path / "data") as ours:
        wish = {"gallery": "hello-webhook", "activate": True}
        made = await ours.ask("POST", "/v1/integrations", wish, status=201)
        assert made["webhook_url"] == f"{ours.address}/webhooks/{made['id']}"
        async with aiohttp.ClientSession() as session, session.get(made["webhook_url"]) as answer:
            assert answer.status == 200
