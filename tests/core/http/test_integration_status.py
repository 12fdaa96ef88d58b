"""The status of an integration: what is wrong, in words, read from a running engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

NOTHING = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
FAILS = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"]["n"] > 0:
        raise ValueError("no such thing: " + str(event["payload"]["n"]))
    return []
"""
PATH = "/v1/integrations/forward"


@pytest.fixture
async def client(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Client]:
    async with running(tmp_path, clock=clock) as client:
        yield client


async def told(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = await client.ask("GET", f"{PATH}/status")
    return found


def codes(found: dict[str, Any], *, but: str = "no_scheduler") -> list[tuple[str, str]]:
    """Return the problems but one: when a test moves the clock, nobody leads until the scheduler sees it."""
    return [(problem["code"], problem["severity"]) for problem in found["problems"] if problem["code"] != but]


def messages(found: dict[str, Any]) -> dict[str, str]:
    return {problem["code"]: problem["message"] for problem in found["problems"]}


def fixes(found: dict[str, Any]) -> dict[str, str]:
    return {problem["code"]: problem["fix"] for problem in found["problems"]}


async def test_a_healthy_one(client: Client) -> None:
    made = await client.install(package(NOTHING, "example.com"))
    found = await told(client)
    assert (found["id"], found["status"], found["healthy"], found["problems"]) == (made["id"], "active", True, [])
    assert found["summary"] == "It is active, and nothing is wrong. Nothing has arrived yet."
    assert found["queue"] == {"depth": 0, "oldest_age_seconds": None, "in_flight": 0, "dead": 0}
    assert (found["error_rate_1h"], found["deliveries_refused_1h"], found["missing"]) == (None, 0, [])
    event = (await client.deliver(made["id"], {"n": 1})).json["event_id"]
    await client.ended(event)
    found = await told(client)
    assert found["summary"] == "It works: nothing is wrong. The last event came 1 minute ago."
    assert (found["error_rate_1h"], found["last_activity"]) == (0.0, "2023-11-14T22:13:20.000Z")
    await client.ask("GET", "/v1/integrations/none/status", status=404)


async def test_one_that_is_not_active_names_what_it_lacks(client: Client) -> None:
    schema = {"type": "object", "required": ["channel"], "properties": {"channel": {"type": "string"}}}
    made = package(NOTHING, "example.com")
    manifest = json.loads(made["files"]["integration.yaml"])  # JSON is YAML
    made["files"]["integration.yaml"] = json.dumps({**manifest, "config": schema})
    sample = json.loads(made["files"]["samples/first.json"])
    made["files"]["samples/first.json"] = json.dumps({**sample, "config": {"channel": "#a"}})
    await client.ask("POST", "/v1/integrations", {"package": made}, status=201)
    found = await told(client)
    assert (found["healthy"], found["missing"], codes(found)) == (
        False, ["channel"], [("configuration_incomplete", "error")],
    )  # fmt: skip
    assert "lacks channel" in found["summary"] and "ccb config forward channel=" in found["problems"][0]["fix"]
    await client.ask("PATCH", f"{PATH}/config", {"channel": "#a"})
    assert codes(await told(client)) == [("inactive", "error")]
    await client.ask("POST", f"{PATH}/activate")
    await client.ask("POST", f"{PATH}/pause")
    found = await told(client)
    assert codes(found) == [("paused", "error")] and "ccb activate forward" in found["problems"][0]["fix"]


async def test_dead_events_are_told_with_their_commonest_cause(client: Client, clock: MovableClock) -> None:
    made = await client.install(package(FAILS, "example.com"))
    for n in range(3):
        event = (await client.deliver(made["id"], {"n": n}, f"msg_{n}")).json["event_id"]
        await client.ended(event, "succeeded" if n == 0 else "dead")
    clock.move(3 * 3600)
    found = await told(client)
    assert codes(found) == [("dead_events", "error")] and not found["healthy"] and found["queue"]["dead"] == 2
    message = messages(found)["dead_events"]
    assert message.startswith("2 events are dead") and "3 hours ago" in message
    assert "mostly (100 %)" in message and "no such thing" in message
    assert "/v1/integrations/forward/events/retry" in fixes(found)["dead_events"]
    assert found["error_rate_1h"] is None, "they are older than an hour"
    clock.move(2 * 86400)
    assert codes(await told(client)) == [("dead_events", "warning")]


async def test_the_rate_of_errors_is_the_last_hours(client: Client) -> None:
    made = await client.install(package(FAILS, "example.com"))
    for n in range(3):
        event = (await client.deliver(made["id"], {"n": n}, f"msg_{n}")).json["event_id"]
        await client.ended(event, "succeeded" if n == 0 else "dead")
    assert (await told(client))["error_rate_1h"] == 66.67


async def test_events_that_wait_for_a_service_name_its_setting(client: Client, clock: MovableClock) -> None:
    posts = "def handle(event, config):\n    return [{'type': 'slack_message', 'channel': '#a', 'text': 'x'}]\n"
    expected = [{"type": "slack_message", "channel": "#a", "text": "x"}]
    may = {"actions": ["slack_message"], "channels": ["#a"]}
    made = await client.install(package(posts, "example.com", expected=expected, capabilities=may))
    assert codes(await told(client)) == [("service_not_configured", "warning")]
    assert (await told(client))["healthy"] is True
    event = (await client.deliver(made["id"], {"n": 1})).json["event_id"]
    await client.until(event, lambda event: event["status"] == "failed")
    clock.move(7200)
    found = await told(client)
    assert codes(found) == [("waiting_for_service", "error")]
    assert messages(found)["waiting_for_service"] == (
        "For 2 hours, 1 event has waited for Slack, which is not configured."
    )
    fix = fixes(found)["waiting_for_service"]
    assert "SLACK_BOT_TOKEN" in fix and "ccb config forward slack_token=" in fix


async def test_refused_deliveries_are_told_by_their_reason(client: Client, clock: MovableClock) -> None:
    made = await client.install(package(NOTHING, "example.com"))
    path, body, headers = await client.sign(made["id"], {"n": 1})
    assert (await client.post(path, body + b" ", headers)).status == 401
    unsigned = {name: value for name, value in headers.items() if "signature" not in name.lower()}
    assert (await client.post(path, body, unsigned)).status == 401
    found = await told(client)
    assert sorted(codes(found)) == [("refused_mismatch", "error"), ("refused_missing", "error")]
    assert found["deliveries_refused_1h"] == 2
    assert "secret is not this one" in messages(found)["refused_mismatch"]
    assert "PATCH /v1/integrations/forward/webhook-secret" in fixes(found)["refused_mismatch"]
    clock.move(3601)
    assert codes(await told(client)) == [("never_received", "warning")]


async def test_silence_after_an_activation_gives_the_address(client: Client, clock: MovableClock) -> None:
    made = await client.install(package(NOTHING, "example.com"))
    clock.move(599)
    assert codes(await told(client)) == []
    clock.move(2)
    found = await told(client)
    assert codes(found) == [("never_received", "warning")]
    assert "10 minutes ago" in messages(found)["never_received"]
    assert made["webhook_url"] in fixes(found)["never_received"]
    await client.ask("POST", f"{PATH}/pause")
    await client.ask("POST", f"{PATH}/activate")
    assert codes(await told(client)) == [], "the time begins anew"


async def test_a_rotation_that_ends_soon(client: Client, clock: MovableClock) -> None:
    await client.install(package(NOTHING, "example.com"))
    await client.ask("PATCH", f"{PATH}/webhook-secret", {"keep": "4h"})
    assert codes(await told(client)) == []
    clock.move(3700)
    assert ("rotation_ends", "warning") in codes(await told(client))


async def test_grants_that_lag_behind_the_configuration(client: Client) -> None:
    forward = {"gallery": "http-forward", "slug": "forward", "activate": True}
    await client.ask(
        "POST", "/v1/integrations", {**forward, "config": {"target_url": "https://a.example/x"}}, status=201
    )
    wish = {"name": "writer", "permissions": ["integrations.read", "integrations.write"]}
    token = (await client.ask("POST", "/v1/auth/tokens", wish, status=201))["token"]
    url = f"{client.engine.report.address}{PATH}/config"
    headers = {"Authorization": f"Bearer {token}"}
    async with client.public.patch(url, json={"target_url": "https://b.example/x"}, headers=headers) as answer:
        assert answer.status == 200
    found = await told(client)
    assert codes(found) == [("grants_lag", "warning")] and "b.example" in found["summary"]
    assert "a.example" not in found["summary"]
    await client.ask("POST", f"{PATH}/activate")
    assert codes(await told(client)) == []


async def test_an_address_that_is_none(client: Client) -> None:
    schema = {"type": "object", "properties": {"target": {"type": "string"}}}
    may = {"actions": ["http_request"], "hosts": ["a.example", {"$config": "target"}]}
    made = package(NOTHING, "a.example", capabilities=may)
    manifest = json.loads(made["files"]["integration.yaml"])
    made["files"]["integration.yaml"] = json.dumps({**manifest, "config": schema})
    wish = {"package": made, "config": {"target": "http://["}}
    await client.ask("POST", "/v1/integrations", wish, status=201)
    found = await told(client)
    assert codes(found) == [("inactive", "error"), ("configuration_illegible", "error")]
    assert (await client.ask("GET", f"{PATH}/permissions"))["ok"] is True


async def test_nobody_runs_the_scheduler(tmp_path: Path, clock: MovableClock) -> None:
    async with running(tmp_path, clock=clock, CCB_ROLES="http") as client:
        made = await client.install(package(NOTHING, "example.com"))
        assert codes(await told(client), but="") == [("no_scheduler", "error")]
        await client.deliver(made["id"], {"n": 1})
        clock.move(301)
        found = await told(client)
        assert codes(found, but="") == [("no_scheduler", "error"), ("queue_late", "error")]
        assert "There is 1 more problem." in found["summary"]
        assert found["queue"]["depth"] == 1 and found["queue"]["oldest_age_seconds"] == 301.0


async def test_it_is_told_in_the_readers_language(client: Client) -> None:
    await client.install(package(NOTHING, "example.com"))
    headers = {"Accept-Language": "ru"}
    async with client.local.get(f"http://ccb{PATH}/status", headers=headers) as answer:
        assert answer.status == 200 and (await answer.json())["healthy"] is True
