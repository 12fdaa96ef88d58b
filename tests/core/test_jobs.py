"""Jobs on many events, through HTTP: replay, retry, discard; cancelled, paused, restarted, done by two at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from core import jobs
from core.jobs.kinds.events import MOST_UNDER_WAY
from storage.events import EVENTS
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


async def test_a_handler_that_failed_is_run_again(client: Client, receiver: Receiver) -> None:
    handler = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"]["n"] and not config.get("mended"):
        raise ValueError("not yet")
    return []
"""
    config = {"type": "object", "properties": {"mended": {"type": "boolean"}}}
    wish = package(handler, receiver.host)
    manifest = json.loads(wish["files"]["integration.yaml"]) | {"config": config}
    wish["files"]["integration.yaml"] = json.dumps(manifest)
    integration = str((await client.install(wish))["id"])
    event = (await client.deliver(integration, {"n": 1})).json["event_id"]
    await client.ended(event, "dead")
    planned = await client.ask("POST", f"/v1/integrations/{integration}/replay", {"from": "1h", "dry_run": True})
    assert planned["sample"][0] | {"would": "run", "effects_done": 0, "effects_left": None} == planned["sample"][0]
    await client.ask("PATCH", f"/v1/integrations/{integration}/config", {"mended": True})
    found = await done(client, await replay(client, integration, {"from": "1h"}))
    assert found["succeeded"] == 1
    assert (await client.ended(event))["attempt"] == 1


async def test_again_asks_first_and_then_repeats_with_new_keys(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    events = await dead(client, receiver, integration, 2)
    well = (await client.deliver(integration, {"n": 9}, "msg_9")).json["event_id"]
    await client.ended(well)
    wish: dict[str, Any] = {"from": "1h", "effects": "again"}
    path = f"/v1/integrations/{integration}/replay"
    asked = await client.ask("POST", path, wish, status=409)
    assert (asked["error"], asked["would_run"], asked["effects_repeated"]) == ("Confirmation needed", 3, 4)
    assert "3 events" in asked["message"] and "4 effects" in asked["message"]
    planned = await client.ask("POST", path, wish | {"dry_run": True})
    assert (planned["would_run"], planned["effects_repeated"], planned["effects_skipped"]) == (3, 4, 0)
    assert {s["would"] for s in planned["sample"]} == {"again"}
    before = receiver.counts()
    found = await done(client, await client.ask("POST", path, wish | {"confirm": True}, status=202))
    assert (found["total"], found["succeeded"]) == (3, 3)
    assert receiver.counts() == before + Counter(f"{e}:2:{place}" for e in [*events, well] for place in range(2))
    assert {(await client.ask("GET", f"/v1/events/{e}"))["run"] for e in [*events, well]} == {2}


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


async def test_two_retries_of_one_dead_event(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    (event,) = await dead(client, receiver, integration, 1)
    path = f"/v1/integrations/{integration}/events/retry"
    both = [await client.ask("POST", path, {}, status=202) for _ in range(2)]
    assert [job["total"] for job in both] == [1, 1]
    found = [await done(client, job) for job in both]
    assert sorted((f["succeeded"], f["skipped"]) for f in found) == [(0, 1), (1, 0)]
    assert receiver.counts() == {f"{event}:1:0": 1, f"{event}:1:1": 2}
    last = await done(client, await client.ask("POST", path, {}, status=202))
    assert (last["total"], last["started"]) == (0, 0)


async def test_what_fails_again_is_counted_so(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    await dead(client, receiver, integration, 2)
    receiver.before_answer = _broken
    found = await done(client, await client.ask("POST", f"/v1/integrations/{integration}/events/retry", {}, status=202))
    assert [found[n] for n in ("total", "started", "succeeded", "failed")] == [2, 2, 0, 2]


async def test_discarded_is_left_alone_until_it_is_named(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    events = await dead(client, receiver, integration, 2)
    path = f"/v1/integrations/{integration}"
    wish = {"event_ids": events[:1], "error": "Upstream failed"}
    found = await done(client, await client.ask("POST", f"{path}/events/discard", wish, status=202))
    assert (found["kind"], found["total"], found["succeeded"]) == ("discard", 1, 1)
    event = await client.ask("GET", f"/v1/events/{events[0]}")
    assert event["status"] == "discarded" and "500" in event["error"]["message"]
    assert ("discard", "asked for by local") in [(s["name"], s["detail"]) for s in await client.steps(events[0])]
    plan = {"from": "1h", "dry_run": True}
    assert (await client.ask("POST", f"{path}/replay", plan))["by_status"] == {"dead": 1}
    named = await client.ask("POST", f"{path}/replay", plan | {"status": ["discarded"]})
    assert named["would_run"] == 1 and named["sample"][0]["event_id"] == events[0]
    await done(client, await replay(client, integration, {"from": "1h", "status": ["discarded"]}))
    await client.ended(events[0])
    actions = [c["action"] for c in await client.ask("GET", f"{path}/changelog")]
    assert actions[:2] == ["replay.started", "events.discarded"]


async def test_what_waits_for_its_retry_is_tried_now_or_discarded(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    path = f"/v1/integrations/{integration}"
    await client.ask("PATCH", f"{path}/config", {"retry_attempts": 5, "retry_backoff": "fixed"})
    receiver.before_answer = _broken
    one, two = [(await client.deliver(integration, {"n": n}, f"msg_{n}")).json["event_id"] for n in range(2)]
    for event in (one, two):
        await client.ended(event, "failed")
    receiver.before_answer = None
    unnamed = await client.ask("POST", f"{path}/events/retry", {}, status=202)
    assert unnamed["total"] == 0
    wish = {"status": ["failed"], "event_ids": [one]}
    await done(client, await client.ask("POST", f"{path}/events/retry", wish, status=202))
    await client.ended(one)
    await done(client, await client.ask("POST", f"{path}/events/discard", wish | {"event_ids": [two]}, status=202))
    assert (await client.ended(two, "discarded"))["retry_at"] is None


async def test_only_what_is_chosen(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    source = {"kind": "standard-webhooks", "events": ["event", "a.b"]}
    integration = await installed(client, receiver, source=source)
    early = await dead(client, receiver, integration, 1)
    moved.move(3600)
    late = await dead(client, receiver, integration, 1, first=5)
    receiver.before_answer = _broken
    other = (await client.deliver(integration, {"n": 7, "type": "a.b"}, "msg_7", type="a.b")).json["event_id"]
    await client.ended(other, "dead")
    ignored = (await client.deliver(integration, {"n": 8, "type": "x.y"}, "msg_8", type="x.y")).json["event_id"]
    await client.ended(ignored, "skipped")
    path = f"/v1/integrations/{integration}"

    async def meant(**wish: Any) -> set[str]:
        planned = await client.ask("POST", f"{path}/replay", {"from": "1d", "dry_run": True, **wish})
        assert planned["would_run"] == len(planned["sample"])
        return {s["event_id"] for s in planned["sample"]}

    assert await meant() == {*early, *late, other}, "what the package does not handle stays skipped"
    assert await meant(**{"from": "30m"}) == {*late, other}
    assert await meant(to="30m") == {*early}
    assert await meant(type=["a.b"]) == {other}
    assert await meant(event_ids=[early[0], other]) == {early[0], other}
    assert await meant(status=["skipped"]) == set()
    assert await meant(status=["succeeded"]) == set()
    await client.engine.ctx.db.write(
        lambda c: c.execute(sa.update(EVENTS).where(EVENTS.c.id == ignored).values(type="a.b"))
    )  # as if a newer package handled it
    assert await meant(status=["skipped"]) == {ignored}
    for wish, total in (({"type": "a.b"}, 1), ({"error": "Upstream failed"}, 3), ({"error": "Upstream"}, 0)):
        job = await client.ask("POST", f"{path}/events/discard", {"from": "1d", **wish}, status=202)
        assert job["total"] == total, wish
        await client.ask("POST", f"/v1/jobs/{job['id']}/cancel")


async def test_one_event(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    (event,) = await dead(client, receiver, integration, 1)
    path = f"/v1/integrations/{integration}/events/{event}/replay"
    assert await client.ask("POST", path, {}, status=202) == {"event_id": event, "status": "queued", "run": 1}
    await client.ended(event)
    done_already = await client.ask("POST", path, {}, status=409)
    assert "again" in done_already["message"]
    asked = await client.ask("POST", path, {"effects": "again"}, status=409)
    assert (asked["would_run"], asked["effects_repeated"]) == (1, 2)
    receiver.before_answer = None
    again = {"effects": "again", "confirm": True}
    assert (await client.ask("POST", path, again, status=202))["run"] == 2
    await client.until(event, lambda e: e["status"] == "succeeded" and e["run"] == 2)
    await client.ask("POST", f"/v1/integrations/{integration}/pause")
    await client.ask("POST", path, again, status=202)
    await client.ask("POST", path, again, status=409)  # it is in the queue
    await client.ask("POST", f"/v1/integrations/{integration}/events/evt_none/replay", {}, status=404)
    entry = (await client.ask("GET", f"/v1/integrations/{integration}/changelog?action=replay.started"))[0]
    assert entry["subject"] == event and {"key": "run", "from": 2, "to": 3} in entry["changes"]


BAD: dict[str, tuple[str, dict[str, Any]]] = {
    "no bounds": ("replay", {}),
    "only an end": ("replay", {"to": "1h"}),
    "no time": ("replay", {"from": "yesterday"}),
    "the end first": ("replay", {"from": "1h", "to": "2h"}),
    "in the queue": ("replay", {"from": "1h", "status": ["queued"]}),
    "no status": ("replay", {"from": "1h", "status": []}),
    "no types": ("replay", {"from": "1h", "type": []}),
    "no events": ("replay", {"event_ids": []}),
    "too many events": ("replay", {"event_ids": [f"evt_{n}" for n in range(1001)]}),
    "unknown effects": ("replay", {"from": "1h", "effects": "twice"}),
    "unknown member": ("replay", {"from": "1h", "form": 1}),
    "a dry run in words": ("replay", {"from": "1h", "dry_run": "maybe"}),
    "retry of what succeeded": ("events/retry", {"status": ["succeeded"]}),
    "discard of what succeeded": ("events/discard", {"status": ["succeeded"]}),
    "an empty error": ("events/discard", {"error": ""}),
}


@pytest.mark.parametrize("bad", BAD)
async def test_what_is_wrong_is_refused_and_starts_nothing(client: Client, receiver: Receiver, bad: str) -> None:
    integration, (path, body) = await installed(client, receiver), BAD[bad]
    told = await client.ask("POST", f"/v1/integrations/{integration}/{path}", body, status=422)
    assert told["path"] in ("", *body) or told["path"].split(".")[0] in body, told
    assert await client.ask("GET", "/v1/jobs") == []


async def test_what_is_not_there(client: Client, receiver: Receiver) -> None:
    integration, other = await installed(client, receiver), await installed(client, receiver, slug="other")
    (event,) = await dead(client, receiver, other, 1)
    for path in ("replay", "events/retry", "events/discard"):
        wish = {"event_ids": ["evt_none", event]}
        told = await client.ask("POST", f"/v1/integrations/{integration}/{path}", wish, status=404)
        assert told["unknown"] == ["evt_none", event], "another integration's are unknown to this one"
    for path in ("replay", "events/retry", "events/discard"):
        await client.ask("POST", f"/v1/integrations/none/{path}", {"from": "1h"}, status=404)
    await client.ask("GET", "/v1/jobs/job_none", status=404)
    await client.ask("POST", "/v1/jobs/job_none/cancel", status=404)
    await client.ask("GET", "/v1/jobs?integration=none", status=404)
    await client.ask("GET", "/v1/jobs?status=odd", status=422)


async def test_who_may(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    made = await client.ask("POST", "/v1/auth/tokens", {"name": "reader", "permissions": ["events.read"]}, status=201)
    headers = {"Authorization": f"Bearer {made['token']}"}
    of_it = f"/v1/integrations/{integration}"
    for path in (f"{of_it}/replay", f"{of_it}/events/retry", f"{of_it}/events/discard", "/v1/jobs/job_1/cancel",
                 f"{of_it}/events/evt_1/replay"):  # fmt: skip
        url = f"{client.engine.report.address}{path}"
        async with client.public.post(url, headers=headers, json={"from": "1h"}) as answer:
            assert answer.status == 403 and (await answer.json())["required"] == ["events.replay"], path
    async with client.public.get(f"{client.engine.report.address}/v1/jobs", headers=headers) as answer:
        assert answer.status == 200


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


async def test_times_beyond_all_dates(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    job = await replay(client, integration, {"from": "999999d", "to": "9999-12-31T23:59:59Z"})
    assert (job["params"]["from"], job["params"]["to"][:10]) == ("1970-01-01T00:00:00.000Z", "9999-12-31")
    (entry,) = await client.ask("GET", f"/v1/integrations/{integration}/changelog?action=replay.started")
    changes = {c["key"]: c["to"] for c in entry["changes"]}
    assert changes == job["params"] | {"total": 0}


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


async def test_on_postgresql_too(tmp_path: Path, receiver: Receiver, moved: MovableClock, postgres_url: str) -> None:
    settings: dict[str, Any] = {"CCB_DATABASE_URL": postgres_url, "CCB_SECRET_KEY": Fernet.generate_key().decode()}
    async with running(tmp_path, clock=moved, CCB_OUTBOUND_ALLOW=receiver.host, **settings) as client:
        integration = await installed(client, receiver)
        events = await dead(client, receiver, integration, 5)
        planned = await client.ask("POST", f"/v1/integrations/{integration}/replay", {"from": "1h", "dry_run": True})
        assert (planned["would_run"], planned["effects_skipped"]) == (5, 5)
        found = await done(client, await replay(client, integration, {"from": "1h"}))
        assert (found["succeeded"], found["skipped"]) == (5, 0)
        assert receiver.counts() == {f"{e}:1:{place}": 1 + place for e in events for place in range(2)}


async def test_a_span_that_lies_ahead_is_refused(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    for wish in ({"from": "2999-01-01"}, {"from": "1h", "to": "2h"}, {"from": "2999-01-01", "dry_run": True}):
        refused = await client.ask("POST", f"/v1/integrations/{integration}/replay", wish, status=422)
        assert refused["path"] == "from"
    assert await client.ask("GET", "/v1/jobs") == []


async def test_a_page_begins_after_an_id(client: Client) -> None:
    for path in ("/v1/events", "/v1/jobs"):
        assert (await client.ask("GET", f"{path}?after=nope", status=422))["path"] == "after"
