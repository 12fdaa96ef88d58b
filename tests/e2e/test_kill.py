"""kill -9 at moments of every kind: nothing accepted is lost, nothing recorded is repeated, repeats keep their key, and
what is counted is what there is."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook

from tests.e2e.engine import EngineProcess, start
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver, receiving

pytestmark = pytest.mark.slow


@dataclass
class Place:
    """Where an engine lives, so that it can be started again there."""

    folder: Path
    url: str | None
    receiver: Receiver

    async def start(self) -> EngineProcess:
        settings = {"CCB_OUTBOUND_ALLOW": self.receiver.host, "CCB_LEASE_SECONDS": "2", "CCB_RETRY_BASE_SECONDS": "0.1"}
        if self.url is not None:
            settings |= {"CCB_DATABASE_URL": self.url, "CCB_SECRET_KEY": KEY}
        return await start(self.folder, settings=settings)

    async def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the database answers, without the engine."""
        if self.url is None:
            connection = sqlite3.connect(self.folder / "ccb.db")
            try:
                return list(connection.execute(query).fetchall())
            finally:
                connection.close()
        node = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await node.fetch(query)]
        finally:
            await node.close()

    async def done(self) -> set[str]:
        """Return the keys whose result stands in the ledger."""
        rows = await self.ask("SELECT event_id, run, place FROM effects WHERE result_at IS NOT NULL")
        return {f"{event}:{run}:{place}" for event, run, place in rows}

    async def counts_are_true(self) -> None:
        """Compare every count by the minute with a recount of the rows that it counts."""
        counted = {
            (name, minute): value
            for name, minute, value in await self.ask(
                "SELECT name, minute, sum(value) FROM metrics "
                "WHERE name IN ('received', 'succeeded', 'dead', 'effects', 'deliveries_2xx', 'processing_ms') "
                "GROUP BY name, minute"
            )
        }
        attempts = {key: counted.pop(key) for key in list(counted) if key[0] == "processing_ms"}
        recount: Counter[tuple[str, int]] = Counter()
        for status, received, finished in await self.ask("SELECT status, received_at, finished_at FROM events"):
            recount["received", int(received // 60) * 60] += 1
            if status in ("succeeded", "dead"):
                recount[status, int(finished // 60) * 60] += 1
        for (at,) in await self.ask("SELECT result_at FROM effects WHERE result_at IS NOT NULL"):
            recount["effects", int(at // 60) * 60] += 1
            recount["deliveries_2xx", int(at // 60) * 60] += 1
        assert counted == recount
        totals = dict(await self.ask("SELECT name, sum(value) FROM metrics GROUP BY name"))
        failures = dict(
            await self.ask("SELECT name, count(*) FROM steps WHERE status = 'error' AND name <> 'lease' GROUP BY name")
        )
        assert totals.get("retried", 0) + totals.get("dead", 0) == sum(failures.values())
        answered = totals.get("deliveries_5xx", 0) + totals.get("deliveries_none", 0)
        assert answered == failures.get("http_request", 0)
        ends = await self.ask(
            "SELECT coalesce(sum(value), 0) FROM metrics WHERE name IN ('succeeded', 'dead', 'retried')"
        )
        assert sum(attempts.values()) == ends[0][0], "each attempt that ended is in the histogram once"
        repeats = await self.ask("SELECT coalesce(sum(duplicates), 0) FROM events")
        duplicates = await self.ask("SELECT coalesce(sum(value), 0) FROM metrics WHERE name = 'duplicates'")
        assert duplicates[0][0] == repeats[0][0]

    @asynccontextmanager
    async def locked(self, event_id: str) -> AsyncIterator[None]:
        """Let nobody write about this event for as long as the context."""
        if self.url is None:
            connection = sqlite3.connect(self.folder / "ccb.db", isolation_level=None, timeout=10)
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.close()
        else:
            node = await asyncpg.connect(self.url)
            async with node.transaction():
                await node.execute("SELECT id FROM events WHERE id = $1 FOR UPDATE", event_id)
                yield
            await node.close()


KEY = Fernet.generate_key().decode()


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with receiving() as receiver:
        yield Place(tmp_path / "data", url, receiver)


@dataclass
class Sender:
    """A service that signs and sends; what was answered 2xx is in `accepted`."""

    path: str
    secret: str
    accepted: set[str] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, engine: EngineProcess, number: int) -> str | None:
        """Deliver once; return the event's id when it was accepted, None when no answer came."""
        now, body = datetime.now(UTC), json.dumps({"n": number}).encode()
        headers = {
            "webhook-id": f"msg_{number}",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(f"msg_{number}", now, body.decode()),
        }
        try:
            session, url = aiohttp.ClientSession(), engine.address + self.path
            async with session, session.post(url, headers=headers, data=body) as answer:
                assert answer.status in (200, 202), await answer.text()
                event = str((await answer.json())["event_id"])
        except (aiohttp.ClientError, ConnectionError):
            return None
        self.accepted.add(event)
        self.news.set()
        return event

    async def accepted_more_than(self, count: int) -> None:
        """Wait until more than `count` deliveries have been accepted."""
        while len(self.accepted) <= count:
            self.news.clear()
            await self.news.wait()


async def installed(engine: EngineProcess, receiver: Receiver) -> Sender:
    wish = {"package": package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)), "activate": True}
    made = await engine.ask("POST", "/v1/integrations", wish, status=201)
    return Sender(f"/webhooks/{made['id']}", made["webhook_secret"])


async def all_succeed(engine: EngineProcess, events: set[str]) -> None:
    for event in events:
        await engine.until(f"/v1/events/{event}", lambda e: e["status"] == "succeeded")


async def test_killed_while_the_receiver_still_thinks(place: Place) -> None:
    engine = await place.start()
    sender = await installed(engine, place.receiver)
    thinking = asyncio.Event()

    async def think(got: Received) -> int:
        await thinking.wait()
        return 200

    place.receiver.before_answer = think
    event = await sender.deliver(engine, 1)
    await place.receiver.wait_for(1)
    await engine.kill()
    thinking.set()
    engine = await place.start()
    await all_succeed(engine, {str(event)})
    assert place.receiver.counts() == {f"{event}:1:0": 2, f"{event}:1:1": 1}
    steps = await engine.ask("GET", f"/v1/events/{event}/steps")
    assert [s["status"] for s in steps if s["name"] == "lease"] == ["error"]
    await engine.stop()


async def test_killed_between_the_2xx_and_the_ledgers_result(place: Place) -> None:
    """The receiver has answered 200, the engine has not been able to write so: it must ask again with the same key."""
    engine = await place.start()
    sender = await installed(engine, place.receiver)
    reached = asyncio.Event()
    locked = asyncio.Event()

    async def answer_when_locked(got: Received) -> int:
        if got.path == "/1":
            reached.set()
            await locked.wait()
        return 200

    place.receiver.before_answer = answer_when_locked
    event = await sender.deliver(engine, 1)
    await reached.wait()
    assert await place.done() == {f"{event}:1:0"}
    async with place.locked(str(event)):
        locked.set()
        await asyncio.sleep(0.5)  # the answer is on its way into the engine, whose write has to wait for us
        await engine.kill()
    assert await place.done() == {f"{event}:1:0"}
    engine = await place.start()
    await all_succeed(engine, {str(event)})
    assert place.receiver.counts() == {f"{event}:1:0": 1, f"{event}:1:1": 2}
    bodies = {r.body for r in place.receiver.received if r.key == f"{event}:1:1"}
    assert len(bodies) == 1
    await engine.stop()


async def test_killed_again_and_again_under_load(place: Place) -> None:
    """Five kills amid thirty deliveries each; what was recorded before a kill is not asked for after it."""
    refused: set[str] = set()

    async def refuse_some_once(got: Received) -> int:
        number = int(json.loads(got.body)["n"])
        if number % 5 or got.key in refused:
            return 200
        refused.add(got.key)
        return 503

    place.receiver.before_answer = refuse_some_once
    engine = await place.start()
    sender = await installed(engine, place.receiver)
    for round_, answered in enumerate((0, 3, 9, 18, 27)):
        target = len(sender.accepted) + answered
        deliveries = [asyncio.create_task(sender.deliver(engine, 30 * round_ + i)) for i in range(30)]
        async with asyncio.timeout(30):
            await sender.accepted_more_than(target)
        await engine.kill()
        await asyncio.gather(*deliveries)
        await place.counts_are_true()
        recorded = await place.done()
        before = place.receiver.counts()
        engine = await place.start()
        await all_succeed(engine, sender.accepted)
        after = place.receiver.counts()
        assert {key: after[key] for key in recorded} == {key: before[key] for key in recorded}
    counts = place.receiver.counts()
    assert set(counts) >= {f"{event}:1:{i}" for event in sender.accepted for i in range(2)}
    for key in counts:
        assert len({r.body for r in place.receiver.received if r.key == key}) == 1
    again = [await sender.deliver(engine, number) for number in range(150)]
    assert set(again) >= sender.accepted, "those that were accepted are duplicates now"
    await all_succeed(engine, sender.accepted)
    await engine.stop()
    await place.counts_are_true()
    retried = await place.ask("SELECT coalesce(sum(value), 0) FROM metrics WHERE name = 'retried'")
    assert retried[0][0] > 0, "some attempts failed and were counted"


async def test_sigterm_answers_finishes_and_exits_in_time(place: Place) -> None:
    engine = await place.start()
    sender = await installed(engine, place.receiver)
    held = asyncio.Event()

    async def hold(got: Received) -> int:
        await held.wait()
        return 200

    place.receiver.before_answer = hold
    event = await sender.deliver(engine, 1)
    await place.receiver.wait_for(1)
    async with asyncio.timeout(10):
        assert await engine.stop() == 0
    held.set()
    engine = await place.start()
    await all_succeed(engine, {str(event)})
    trace = await engine.ask("GET", f"/v1/events/{event}")
    assert trace["attempt"] == 1, "an attempt that was given back does not count"
    steps = await engine.ask("GET", f"/v1/events/{event}/steps")
    assert "lease" not in [s["name"] for s in steps], "it was given back, not lost"
    await engine.stop()
