"""What is dead or waits for its retry is tried now or let go, through HTTP."""

from __future__ import annotations

from tests.core.jobs.dead_letters import broken, dead, done, installed, replay
from tests.engines import Client
from tests.stand_ins.receiver import Receiver


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
    receiver.before_answer = broken
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
    receiver.before_answer = broken
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
