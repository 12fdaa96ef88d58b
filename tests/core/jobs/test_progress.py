"""How a job goes on: cancelled, paused, restarted, done by two at once; and where that is read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core import jobs
from core.jobs.kinds.events import MOST_UNDER_WAY
from storage.events import EVENTS
from tests.contexts import MovableClock
from tests.core.jobs.dead_letters import dead, done, installed, replay
from tests.engines import Client, running
from tests.stand_ins.receiver import Received, Receiver


async def test_cancelled_in_the_middle(tmp_path: Path, receiver: Receiver, moved: MovableClock) -> None:
    """What runs comes to its end, what waits is what it was before, and the counts say so."""
    async with running(tmp_path, clock=moved, CCB_OUTBOUND_ALLOW=receiver.host, CCB_WORKER_SLOTS=4) as client:
        integration = await installed(client, receiver)
        events = await dead(client, receiver, integration, 8)
        before = {e: await client.ask("GET", f"/v1/events/{e}") for e in events}
        release, taken = asyncio.Event(), len(receiver.received)

        async def hold(_: Received) -> int:
            await release.wait()
            return 200

        receiver.before_answer = hold
        job = await replay(client, integration, {"from": "1h"})
        await jobs.advance(client.engine.ctx)
        await receiver.wait_for(taken + 3)  # three of the four places
        cancelled = await client.ask("POST", f"/v1/jobs/{job['id']}/cancel")
        assert (cancelled["status"], cancelled["finished_at"], cancelled["started"]) == ("cancelled", None, 3)
        await client.ask("POST", f"/v1/jobs/{job['id']}/cancel", status=409)
        release.set()
        found = await done(client, job, "cancelled")
        assert [found[n] for n in ("total", "started", "succeeded", "failed", "skipped")] == [8, 3, 3, 0, 0]
        after = {e: await client.ask("GET", f"/v1/events/{e}") for e in events}
        ran = [e for e in events if after[e]["status"] == "succeeded"]
        assert len(ran) == 3
        assert {e: after[e] for e in events if e not in ran} == {e: before[e] for e in events if e not in ran}
        steps = await client.steps(next(e for e in events if e not in ran))
        assert [s["status"] for s in steps if s["name"] == "replay"] == ["success", "skipped"]
        await client.ask("POST", f"/v1/jobs/{job['id']}/cancel", status=409)
        changes = await client.ask("GET", f"/v1/integrations/{integration}/changelog")
        assert [c["action"] for c in changes[:2]] == ["job.cancelled", "replay.started"]
        assert {c["subject"] for c in changes[:2]} == {job["id"]}


async def test_a_paused_integration_makes_it_wait_over_a_restart(
    tmp_path: Path, receiver: Receiver, moved: MovableClock
) -> None:
    settings: dict[str, Any] = {"clock": moved, "CCB_OUTBOUND_ALLOW": receiver.host}
    async with running(tmp_path, **settings) as client:
        integration = await installed(client, receiver)
        events = await dead(client, receiver, integration, 3)
        await client.ask("POST", f"/v1/integrations/{integration}/pause")
        job = await replay(client, integration, {"from": "1h"})
        await jobs.advance(client.engine.ctx)
        found = await client.ask("GET", f"/v1/jobs/{job['id']}")
        assert (found["status"], found["started"], found["error"]) == ("running", 0, None)
        assert found["waiting"]["error"] == "Integration inactive" and "is paused" in found["waiting"]["message"]
    async with running(tmp_path, **settings) as client:
        await client.ask("POST", f"/v1/integrations/{integration}/activate")
        found = await done(client, job)
        assert (found["succeeded"], found["waiting"]) == (3, None)
        assert receiver.counts() == {f"{e}:1:{place}": 1 + place for e in events for place in range(2)}


async def test_done_by_several_at_once(client: Client, receiver: Receiver) -> None:
    """Two leaders at one job, which the lease of the duty makes rare and cannot rule out, do each event once."""
    integration = await installed(client, receiver)
    events = await dead(client, receiver, integration, 5)
    job = await replay(client, integration, {"from": "1h", "effects": "again", "confirm": True})
    while (found := await client.ask("GET", f"/v1/jobs/{job['id']}"))["finished_at"] is None:
        await asyncio.gather(*(jobs.advance(client.engine.ctx) for _ in range(5)))
    assert [found[n] for n in ("total", "started", "succeeded", "skipped")] == [5, 5, 5, 0]
    assert {k: v for k, v in receiver.counts().items() if ":2:" in k} == {
        f"{e}:2:{place}": 1 for e in events for place in range(2)
    }


async def test_the_list_of_jobs(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    integration = await installed(client, receiver)
    made = []
    for _ in range(3):
        moved.move(1)
        made.append(await replay(client, integration, {"from": "1h"}))
    newest = await client.ask("GET", "/v1/jobs?limit=2")
    assert [job["id"] for job in newest] == [made[2]["id"], made[1]["id"]]
    rest = await client.ask("GET", f"/v1/jobs?after={newest[-1]['id']}&integration=forward&kind=replay")
    assert [job["id"] for job in rest] == [made[0]["id"]]
    assert await client.ask("GET", "/v1/jobs?kind=discard") == []
    for job in made:
        await done(client, job)
    assert len(await client.ask("GET", "/v1/jobs?status=succeeded")) == 3
    moved.move(31 * 86400)
    await jobs.forget(client.engine.ctx)
    assert await client.ask("GET", "/v1/jobs") == []


async def test_many_events_are_not_listed_in_a_list(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    events = await dead(client, receiver, integration, 12)
    job = await replay(client, integration, {"event_ids": [*events, events[0]]})
    assert job["params"]["event_ids"] == events and job["total"] == 12
    (listed,) = await client.ask("GET", "/v1/jobs")
    assert listed["params"]["event_ids"] == [*events[:10], "…"]


async def test_an_accepted_job_says_where_it_is(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    url = f"http://ccb/v1/integrations/{integration}/replay"
    async with client.local.post(url, json={"from": "1h"}) as answer:
        job = await answer.json()
        assert answer.status == 202 and answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert job["params"]["effects"] == "resume" and job["params"]["from"].endswith("Z")


async def test_only_so_many_are_under_way(tmp_path: Path, receiver: Receiver, moved: MovableClock) -> None:
    """Of many events a job takes up a few hundred; a second job of the integration waits for room."""
    async with running(tmp_path, clock=moved, CCB_ROLES="http") as client:  # nobody works on them
        integration = await installed(client, receiver)
        events = [(await client.deliver(integration, {"n": n}, f"msg_{n}")).json["event_id"] for n in range(210)]
        await client.engine.ctx.db.write(
            lambda c: c.execute(sa.update(EVENTS).values(status="dead", run_at=None, attempt=1))
        )
        one = await replay(client, integration, {"from": "1h", "status": ["dead"]})
        moved.move(1)
        two = await replay(client, integration, {"event_ids": events, "status": ["dead"]})
        for _ in range(3):
            await jobs.advance(client.engine.ctx)
        found = [await client.ask("GET", f"/v1/jobs/{job['id']}") for job in (one, two)]
        assert [job["started"] for job in found] == [MOST_UNDER_WAY, 0]
        await client.ask("POST", f"/v1/jobs/{two['id']}/cancel")
        await client.ask("POST", f"/v1/jobs/{one['id']}/cancel")
        dead = await client.ask("GET", "/v1/events?status=dead&limit=500")
        assert len(dead) == 210
