"""The queue: fair claims, leases that guard every write, what is reaped; on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa

from storage import accept, events, integrations, migrate, queue
from storage.db import Database, open_database
from storage.dialect import announce
from storage.queue import Claim, Ending, Progress
from tests.storage.test_accept import arrival


async def installed(db: Database, *ids: str, status: str = "active") -> None:
    def insert(connection: sa.Connection) -> None:
        for name in ids:
            row = {"id": name, "slug": name, "name": name, "status": status, "package": "digest", "provenance": "{}"}
            package = {"digest": "digest", "files": "{}", "created_at": 0.0}
            integration = {**row, "config": "{}", "sealed": "", "grants": "{}", "created_at": 0.0, "updated_at": 0.0}
            assert integrations.add(connection, package=package, integration=integration, entries=[])

    await db.write(insert)


async def waiting(db: Database, integration: str, count: int, *, at: float = 1000.0) -> list[str]:
    got = await asyncio.gather(
        *(db.submit(accept.accept, arrival(at=at, integration=integration)) for _ in range(count))
    )
    return [a.event_id for a in got]


def wish(limit: int = 10, **more: Any) -> Claim:
    return Claim(
        **{"now": 2000.0, "lease_until": 2030.0, "limit": limit, "room_each": 100, "most_bytes": 1 << 20, **more}
    )


async def claim(db: Database, wanted: Claim) -> list[queue.Claimed]:
    return await db.write(queue.claim, wanted)


async def state(db: Database, event_id: str) -> events.Event:
    event = await db.read(events.get, event_id)
    assert event is not None
    return event


async def test_what_is_claimed_is_nobody_elses(db: Database) -> None:
    await installed(db, "int_a")
    ids = await waiting(db, "int_a", 5)
    first, second = await claim(db, wish(3)), await claim(db, wish(3))
    assert [c.id for c in first] == sorted(ids)[:3]
    assert [c.id for c in second] == sorted(ids)[3:]
    assert await claim(db, wish(3)) == []
    assert first[0].body == b'{"a": 1}' and first[0].attempt == 1


async def test_integrations_take_turns_and_keep_to_their_room(db: Database) -> None:
    await installed(db, "int_a", "int_b", "int_c")
    await waiting(db, "int_a", 50)
    await waiting(db, "int_b", 2)
    await waiting(db, "int_c", 50)
    got = [c.integration_id for c in await claim(db, wish(12))]
    assert (got.count("int_a"), got.count("int_b"), got.count("int_c")) == (6, 2, 4)
    got = [c.integration_id for c in await claim(db, wish(12, room={"int_a": 0, "int_c": 3}))]
    assert (got.count("int_a"), got.count("int_c")) == (0, 3)


async def test_bodies_in_memory_are_bounded_but_a_large_one_is_taken(db: Database) -> None:
    await installed(db, "int_a")
    await waiting(db, "int_a", 5)  # of 8 bytes each
    assert len(await claim(db, wish(most_bytes=17))) == 2
    assert len(await claim(db, wish(most_bytes=1))) == 1


async def test_only_what_is_due_and_active_is_claimed(db: Database) -> None:
    await installed(db, "int_a")
    await installed(db, "int_p", status="paused")
    await waiting(db, "int_a", 1, at=3000)
    await waiting(db, "int_p", 1)
    assert await claim(db, wish()) == []
    assert await db.read(queue.next_due) == 3000.0, "a paused integration's events wake nobody"
    assert len(await claim(db, wish(now=3000.0))) == 1


async def test_every_write_needs_the_lease(db: Database) -> None:
    await installed(db, "int_a")
    await waiting(db, "int_a", 1)
    (held,) = await claim(db, wish())
    intent = {"event_id": held.id, "run": 1, "place": 0, "intent_at": 2001.0}
    assert await db.submit(queue.advance, Progress(held.id, held.token, 2040.0, intent=intent))
    assert await db.write(queue.reap, 2040.0, why="gone") == [held.id]
    (other,) = await claim(db, wish(now=2041.0, lease_until=2071.0))
    result = {**intent, "result_at": 2042.0, "result": "{}"}
    late = Progress(held.id, held.token, 2080.0, result=result, ending=Ending("succeeded", 2042.0))
    assert not await db.submit(queue.advance, late)
    assert (await state(db, held.id)).status == "processing"
    (line,) = await db.read(events.effects, held.id, 1)
    assert line.result_at is None
    assert await db.submit(queue.advance, Progress(other.id, other.token, 2080.0, result=result))
    (line,) = await db.read(events.effects, held.id, 1)
    assert line.result_at == 2042.0


async def test_a_renewed_lease_is_not_reaped_and_a_lost_one_says_so(db: Database) -> None:
    await installed(db, "int_a")
    await waiting(db, "int_a", 2)
    kept, lost = await claim(db, wish())
    assert await db.submit(queue.advance, Progress(kept.id, kept.token, 2090.0))
    assert await db.write(queue.reap, 2031.0, why="gone") == [lost.id]
    (step,) = await db.read(events.steps, lost.id)
    assert (step.name, step.status, step.error_message) == ("lease", "error", "gone")
    event = await state(db, lost.id)
    assert (event.status, event.run_at, event.attempt) == ("queued", 2031.0, 1)


async def test_what_is_given_back_does_not_count(db: Database) -> None:
    await installed(db, "int_a")
    await waiting(db, "int_a", 1)
    (held,) = await claim(db, wish())
    ending = Ending("queued", 2001.0, run_at=2001.0, counted=False)
    assert await db.submit(queue.advance, Progress(held.id, held.token, 0, ending=ending))
    event = await state(db, held.id)
    assert (event.status, event.attempt, event.lease_token) == ("queued", 0, None)


async def test_what_waits_for_a_service_is_taken_up_when_it_may_be_there(db: Database) -> None:
    await installed(db, "int_a", "int_b")
    await waiting(db, "int_a", 1)
    await waiting(db, "int_b", 1)
    for held in await claim(db, wish()):
        ending = Ending("failed", 2001.0, waiting_for="slack", counted=False)
        assert await db.submit(queue.advance, Progress(held.id, held.token, 0, ending=ending))
    assert await claim(db, wish()) == []
    assert await db.write(queue.release_waiting, 1500.0, integration_id="int_a") == 1
    assert [c.integration_id for c in await claim(db, wish())] == ["int_a"]
    assert await db.write(queue.release_waiting, 1500.0) == 1
    assert [c.integration_id for c in await claim(db, wish())] == ["int_b"]


async def test_an_announcement_is_heard_after_its_commit(db: Database) -> None:
    heard, others = asyncio.Event(), asyncio.Event()
    db.on_work("events", heard.set)
    await installed(db, "int_a")
    async with asyncio.timeout(5):
        while not heard.is_set():  # PostgreSQL's listener connects first
            await waiting(db, "int_a", 1)
            await asyncio.sleep(0.01)
    heard.clear()
    db.on_work("requests", others.set)
    await waiting(db, "int_a", 1)
    async with asyncio.timeout(5):
        await heard.wait()
    assert not others.is_set()
    await db.write(announce, "requests")
    async with asyncio.timeout(5):
        await others.wait()


async def test_two_claims_at_once_share_nothing(postgres_url: str, tmp_path: Any) -> None:
    """Two nodes on one PostgreSQL."""
    one, two = await open_database(postgres_url, tmp_path), await open_database(postgres_url, tmp_path)
    try:
        await one.write(migrate.upgrade)
        await installed(one, "int_a")
        ids = await waiting(one, "int_a", 200)
        got = await asyncio.gather(*(db.write(queue.claim, wish(10)) for db in (one, two) * 20))
        claimed = [c.id for claims in got for c in claims]
        assert len(claimed) == len(set(claimed))
        rest = [c.id for c in await claim(one, wish(200))]
        assert sorted(claimed + rest) == sorted(ids)
    finally:
        await one.close()
        await two.close()
