"""Events are run again, through HTTP: which, what is left of them or all of it, one or many."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet

from storage.events import EVENTS
from tests.contexts import MovableClock
from tests.core.jobs.dead_letters import broken, dead, done, installed, replay
from tests.engines import Client, running
from tests.packages import package
from tests.stand_ins.receiver import Receiver


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


async def test_only_what_is_chosen(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    source = {"kind": "standard-webhooks", "events": ["event", "a.b"]}
    integration = await installed(client, receiver, source=source)
    early = await dead(client, receiver, integration, 1)
    moved.move(3600)
    late = await dead(client, receiver, integration, 1, first=5)
    receiver.before_answer = broken
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


async def test_times_beyond_all_dates(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    job = await replay(client, integration, {"from": "999999d", "to": "9999-12-31T23:59:59Z"})
    assert (job["params"]["from"], job["params"]["to"][:10]) == ("1970-01-01T00:00:00.000Z", "9999-12-31")
    (entry,) = await client.ask("GET", f"/v1/integrations/{integration}/changelog?action=replay.started")
    changes = {c["key"]: c["to"] for c in entry["changes"]}
    assert changes == job["params"] | {"total": 0}


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
