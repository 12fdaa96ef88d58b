"""Events run again and set aside by jobs, on both databases: what is taken up, put back, counted, and by whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from storage import events, jobs, queue
from storage import replay as rows
from storage.audit import AuditEntry
from storage.db import Database
from storage.events import EVENTS
from storage.queue import Ending, Progress
from storage.replay import EXHAUSTED, Piece, Selection
from tests.storage.test_queue import claim, installed, state, waiting, wish

DEAD = Selection("int_a", ("dead",))
STEP = {"name": "replay", "status": "success", "detail": ""}
ENTRY = {"at": 0.0, "actor_kind": "system", "actor_id": "", "actor_name": "", "action": "test"}


async def dead(db: Database, count: int) -> list[str]:
    """Return events of int_a whose only attempt has failed, the oldest first."""
    ids = sorted(await waiting(db, "int_a", count))
    for held in await claim(db, wish(count)):
        ending = Ending("dead", 2001.0, error='{"error":"Upstream failed","message":"[]"}')
        assert await db.submit(queue.advance, Progress(held.id, held.token, 0, ending=ending))
    return ids


async def job(db: Database, name: str = "job_1", *, total: int = 0) -> jobs.Job:
    row = {
        "id": name, "kind": "replay", "integration_id": "int_a", "params": "{}", "status": "running", "total": total,
        "started": 0, "succeeded": 0, "failed": 0, "skipped": 0, "cursor": "", "run_at": 0.0, "created_at": 0.0,
        "created_by": "test", "updated_at": 0.0, "revision": 0,
    }  # fmt: skip
    await db.write(jobs.add, row, entry=ENTRY)
    return await now(db, name)


async def now(db: Database, name: str = "job_1") -> jobs.Job:
    found = await db.read(jobs.get, name)
    assert found is not None
    return found


def piece(*chosen: str, exhausted: bool = True, **more: Any) -> Piece:
    values = {"selection": DEAD, "now": 3000.0, "run_at": 3000.0, "step": STEP, **more}
    return Piece(chosen=chosen, exhausted=exhausted, **values)


async def test_who_is_meant(db: Database) -> None:
    await installed(db, "int_a", "int_b")
    first, second, third = await dead(db, 3)
    await waiting(db, "int_b", 1)

    async def found(**conditions: Any) -> list[str]:
        meant = replace(DEAD, **conditions)
        ids = await db.read(rows.candidates, meant, after="", limit=10)
        assert sum(n for *_, n in await db.read(rows.count, meant)) == len(ids)
        return ids

    assert await found() == [first, second, third]
    assert await found(first=second) == [second, third]
    assert await found(before=second) == [first]
    assert await found(types=("other",)) == []
    assert await found(event_ids=(third, "evt_none")) == [third]
    assert await found(error="Upstream failed") == [first, second, third]
    assert await found(error="upstream failed") == await found(error="Upstream") == []
    assert await found(statuses=("failed", "succeeded", "skipped")) == []
    await db.write(lambda c: c.execute(sa.update(EVENTS).where(EVENTS.c.id == first).values(status="skipped")))
    mixed = ("skipped", "dead", "succeeded")
    assert await found(statuses=mixed) == [second, third]
    assert await found(statuses=mixed, handled=("push",)) == [first, second, third]
    assert await found(statuses=mixed, handled=None) == [first, second, third]
    assert await db.read(rows.candidates, DEAD, after=second, limit=10) == [third]
    assert await db.read(rows.candidates, replace(DEAD, statuses=mixed, handled=None), after="", limit=2) == [
        first, second,
    ]  # fmt: skip


async def test_taken_up_counted_and_over(db: Database) -> None:
    await installed(db, "int_a")
    ids = await dead(db, 3)
    assert await db.write(rows.advance_replay, await job(db, total=3), piece(*ids[:2], exhausted=False))
    under_way = await now(db)
    assert (under_way.started, under_way.cursor, under_way.finished_at) == (2, ids[1], None)
    event = await state(db, ids[0])
    assert (event.status, event.attempt, event.run, event.run_at, event.error) == ("queued", 0, 1, 3000.0, None)
    held = await claim(db, wish(now=3001.0, lease_until=3030.0))
    assert [h.id for h in held] == ids[:2]
    for one, status in zip(held, ("succeeded", "failed"), strict=True):
        ending = Ending(status, 3002.0, run_at=9000.0 if status == "failed" else None)
        assert await db.submit(queue.advance, Progress(one.id, one.token, 0, ending=ending))
    assert await db.write(rows.advance_replay, await now(db), piece(ids[2]))
    last = await now(db)
    assert (last.succeeded, last.failed, last.cursor, last.finished_at) == (1, 1, EXHAUSTED, None)
    (one,) = await claim(db, wish(now=3003.0, lease_until=3030.0))
    assert await db.submit(queue.advance, Progress(one.id, one.token, 0, ending=Ending("succeeded", 3004.0)))
    assert await db.write(rows.advance_replay, await now(db), piece(now=3005.0))
    over = await now(db)
    assert (over.status, over.finished_at, over.succeeded, over.failed, over.skipped) == ("succeeded", 3005.0, 2, 1, 0)
    assert await db.read(jobs.outstanding, job_id="job_1") == 0
    assert await db.read(jobs.due, 1e12) == []


async def test_a_piece_on_an_older_revision_writes_nothing(db: Database) -> None:
    await installed(db, "int_a")
    ids = await dead(db, 2)
    read = await job(db, total=2)
    done = await asyncio.gather(
        *(db.write(rows.advance_replay, read, piece(*ids, again=True)) for _ in range(4)),
        *(db.write(rows.advance_discard, read, piece(*ids)) for _ in range(4)),
    )
    assert done.count(True) == 1
    assert {(await state(db, i)).run for i in ids} <= {1, 2}
    assert (await now(db)).started == 2
    assert not await db.write(jobs.cancel, read, now=0.0, undo=None, entry=ENTRY)
    entries = await db.read(lambda c: c.execute(sa.select(sa.func.count()).select_from(AuditEntry)).scalar())
    assert entries == 1, "what was refused is not in the audit"


async def test_what_is_no_longer_so_is_passed_over(db: Database) -> None:
    await installed(db, "int_a")
    ids = await dead(db, 3)
    await db.write(rows.discard, DEAD, ids[:1], now=2500.0, step=STEP)
    await db.write(lambda c: c.execute(sa.delete(EVENTS).where(EVENTS.c.id == ids[1])))
    await db.write(rows.advance_replay, await job(db, total=3), piece(*ids))
    found = await now(db)
    assert (found.started, found.skipped) == (1, 2)
    await db.write(lambda c: c.execute(sa.delete(EVENTS).where(EVENTS.c.id == ids[2])))  # its time to be kept is over
    await db.write(rows.advance_replay, found, piece())
    over = await now(db)
    assert (over.status, over.skipped, over.total) == ("succeeded", 3, 3)


async def test_a_cancel_puts_back_what_nobody_has_begun(db: Database) -> None:
    await installed(db, "int_a")
    ids = await dead(db, 3)
    before = [await state(db, i) for i in ids]
    await db.write(rows.advance_replay, await job(db, total=3), piece(*ids, again=True))
    (begun,) = await claim(db, wish(1, now=3001.0, lease_until=3030.0))
    assert (begun.id, begun.run) == (ids[0], 2)
    given_back = Ending("queued", 3002.0, run_at=3002.0, counted=False)

    def undo(connection: sa.Connection, job: jobs.Job, at: float) -> int:
        return rows.put_back(connection, job, at, step=STEP)

    assert await db.write(jobs.cancel, await now(db), now=3003.0, undo=undo, entry=ENTRY)
    cancelled = await now(db)
    assert (cancelled.status, cancelled.finished_at, cancelled.started) == ("cancelled", None, 1)
    assert [await state(db, i) for i in ids[1:]] == before[1:]
    # What a worker had begun and gave back stays in the queue: some of its effects may be done.
    assert await db.submit(queue.advance, Progress(begun.id, begun.token, 0, ending=given_back))
    await db.write(rows.advance_replay, cancelled, piece(exhausted=False))
    assert (await now(db)).finished_at is None
    (begun,) = await claim(db, wish(1, now=3004.0, lease_until=3030.0))
    assert await db.submit(queue.advance, Progress(begun.id, begun.token, 0, ending=Ending("dead", 3005.0)))
    await db.write(rows.advance_replay, await now(db), piece(exhausted=False, now=3006.0))
    over = await now(db)
    assert (over.status, over.finished_at, over.failed) == ("cancelled", 3006.0, 1)


async def test_what_the_ledger_holds(db: Database) -> None:
    await installed(db, "int_a")
    (waits,) = await waiting(db, "int_a", 1)
    (held,) = await claim(db, wish())
    run = {"event_id": waits, "run": 1, "actions": "[{}, {}, {}]", "references": "{}", "printed": ""}
    intent = {"event_id": waits, "run": 1, "place": 0, "intent_at": 2001.0}
    await db.submit(queue.advance, Progress(waits, held.token, 2040.0, run=run, intent=intent))
    await db.submit(queue.advance, Progress(waits, held.token, 2040.0, intent={**intent, "place": 1}))
    ending = Ending("dead", 2002.0)
    result = {**intent, "result_at": 2002.0, "result": "{}"}
    await db.submit(queue.advance, Progress(waits, held.token, 0, result=result, ending=ending))
    assert await db.read(rows.effects_done, DEAD) == 1, "an intent without a result is not done"
    assert await db.read(rows.sample, DEAD, limit=10) == [rows.Sample(waits, "push", "dead", 1, 3)]
    await db.write(rows.requeue, DEAD, [waits], again=True, now=3000.0, step=STEP)
    (held,) = await claim(db, wish(now=3001.0, lease_until=3030.0))
    assert not held.planned, "a new run has neither actions nor effects"
    await db.submit(queue.advance, Progress(waits, held.token, 0, ending=ending))
    assert await db.read(rows.effects_done, DEAD) == 0
    assert await db.read(rows.sample, DEAD, limit=10) == [rows.Sample(waits, "push", "dead", 0, None)]


async def test_discarded(db: Database) -> None:
    await installed(db, "int_a")
    ids = await dead(db, 2)
    await db.write(rows.advance_discard, await job(db, total=2), piece(*ids))
    over = await now(db)
    assert (over.status, over.succeeded, over.started) == ("succeeded", 2, 2)
    event = await state(db, ids[0])
    assert (event.status, event.run_at, event.finished_at) == ("discarded", None, 3000.0) and event.error
    assert [s.name for s in await db.read(events.steps, ids[0])] == ["replay"]
    assert await claim(db, wish()) == []


async def test_jobs_are_due_in_turn_and_forgotten_in_time(db: Database) -> None:
    for name, run_at in (("job_1", 30.0), ("job_2", 20.0), ("job_3", 90.0)):
        await job(db, name)
        await db.write(jobs.record, name, {"run_at": run_at})
    assert [j.id for j in await db.read(jobs.due, 50.0)] == ["job_2", "job_1"]
    assert await db.write(jobs.save, await now(db, "job_2"), {"finished_at": 60.0, "status": "succeeded"})
    assert not await db.write(jobs.save, await now(db, "job_2"), {"status": "running"}), "over is over"
    assert [j.id for j in await db.read(jobs.due, 50.0)] == ["job_1"]
    await db.write(jobs.take_up, "job_2", [("evt_1", "{}")])
    assert await db.write(jobs.forget, finished_before=60.0) == 0
    assert await db.write(jobs.forget, finished_before=61.0) == 1
    assert [j.id for j in await db.read(jobs.newest)] == ["job_3", "job_1"]
    assert await db.read(jobs.outstanding, job_id="job_2") == 0
