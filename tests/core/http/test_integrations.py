"""Integrations by REST: install, configure, switch; every wrong wish refused with what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import integrations
from tests.engines import Client, running
from tests.packages import package

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]
SCHEMA = {
    "type": "object",
    "required": ["channel", "token"],
    "properties": {
        "channel": {"type": "string", "minLength": 2},
        "limit": {"type": "integer", "maximum": 10},
        "target_url": {"type": "string", "format": "uri"},
        "token": {"type": "string", "x-secret": True},
    },
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path) as client:
        yield client


def configured() -> dict[str, Any]:
    """A package that needs a configuration."""
    sample = {"channel": "#x", "token": "secret:token"}
    hosts = ["api.example.com", {"$config": "target_url"}]
    capabilities = {"actions": ["log", "http_request"], "hosts": hosts, "secrets": {"token": ["api.example.com"]}}
    made = package(LOG, "api.example.com", expected=LOGGED, config=sample)
    manifest = {**json.loads(made["files"]["integration.yaml"]), "config": SCHEMA, "capabilities": capabilities}
    return {"files": {**made["files"], "integration.yaml": json.dumps(manifest)}}


async def test_from_the_gallery_and_listed(client: Client) -> None:
    gallery = await client.ask("GET", "/v1/gallery")
    assert len(gallery) == 9
    made = await client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook", "activate": True}, status=201)
    assert made["status"] == "active" and made["webhook_secret"].startswith("whsec_")
    assert (made["provenance"]["kind"], made["provenance"]["name"]) == ("gallery", "hello-webhook")
    assert made["provenance"]["installed_by"]
    (listed,) = await client.ask("GET", "/v1/integrations")
    assert {**listed, "webhook_secret": made["webhook_secret"]} == made
    assert await client.ask("GET", "/v1/integrations/hello-webhook") == listed
    assert made["webhook_secret"] not in json.dumps(listed)


async def test_wrong_wishes(client: Client) -> None:
    good = package(LOG, "example.com", expected=LOGGED)
    wishes: list[tuple[Any, int, str]] = [
        ({}, 422, "one of package, gallery and request"),
        ({"gallery": "hello-webhook", "package": good}, 422, "one of package, gallery and request"),
        ({"gallery": "helo-webhook"}, 404, "hello-webhook"),
        ({"package": good, "surprise": 1}, 422, "surprise"),
        ({"package": good, "config": {"surprise": 1}}, 422, "surprise"),
        ({"package": good, "slug": "No Good"}, 422, "slug"),
        ({"package": {"files": {**good["files"], "evil.sh": "x"}}}, 422, "evil.sh"),
        ({"package": {"files": {**good["files"], "handler.py": "def handle(event):\n    return []"}}}, 422, "handle"),
        (
            {"package": {"files": {**good["files"], "handler.py": LOG.replace("got", "lost")}}},
            422,
            "samples/first.json",
        ),
        ({"package": {"files": {**good["files"], "handler.py": "import os\n" + LOG}}}, 422, "os"),
    ]
    for wish, status, named in wishes:
        answer = await client.ask("POST", "/v1/integrations", wish, status=status)
        assert named in json.dumps(answer), (wish, answer)
        assert {"error", "message", "request_id"} <= answer.keys()
    assert await client.ask("GET", "/v1/integrations") == []


async def test_two_of_one_package_need_two_slugs(client: Client) -> None:
    wish = {"gallery": "hello-webhook"}
    await client.ask("POST", "/v1/integrations", wish, status=201)
    refused = await client.ask("POST", "/v1/integrations", wish, status=409)
    assert "slug" in refused["message"]
    other = await client.ask("POST", "/v1/integrations", {**wish, "slug": "hello-again", "name": "Again"}, status=201)
    assert (other["slug"], other["name"]) == ("hello-again", "Again")


async def test_activation_lists_what_is_missing(client: Client) -> None:
    wish = {"package": configured(), "config": {"channel": "#deploys"}}
    refused = await client.ask("POST", "/v1/integrations", {**wish, "activate": True}, status=409)
    assert refused["missing"] == ["token"]
    assert await client.ask("GET", "/v1/integrations") == [], "all or nothing"
    made = await client.ask("POST", "/v1/integrations", wish, status=201)
    assert made["missing"] == ["token"] and made["status"] == "inactive"
    refused = await client.ask("POST", "/v1/integrations/forward/activate", status=409)
    assert refused["missing"] == ["token"]
    await client.ask("PATCH", "/v1/integrations/forward/config", {"token": "a-long-secret-value"})
    assert (await client.ask("POST", "/v1/integrations/forward/activate"))["status"] == "active"


async def test_the_configuration(client: Client) -> None:
    await client.ask("POST", "/v1/integrations", {"package": configured(), "config": {"channel": "#a"}}, status=201)
    path = "/v1/integrations/forward/config"
    shown = await client.ask("PATCH", path, {"token": "a-long-secret-value", "limit": 3, "retry_attempts": 7})
    assert shown == await client.ask("GET", path)
    assert (shown["channel"], shown["limit"], shown["retry_attempts"]) == ("#a", 3, 7)
    assert "a-long-secret-value" not in json.dumps(shown) and shown["token"].startswith("••••")
    assert "limit" not in await client.ask("PATCH", path, {"limit": None}), "null takes a key away"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"surprise": 1}, "surprise"),
        ({"limit": "three"}, "limit"),
        ({"limit": 11}, "limit"),
        ({"channel": "x"}, "channel"),
        ({"target_url": "not a url"}, "target_url"),
        ({"token": shown["token"]}, "token"),
        ({"retry_attempts": 0}, "retry_attempts"),
        ({"retry_attempts": "5"}, "retry_attempts"),
        ({"retry_backoff": "never"}, "retry_backoff"),
        ({"idempotency_window": "1 hour"}, "idempotency_window"),
        ({"idempotency_enabled": "yes"}, "idempotency_enabled"),
    ]
    before = await client.ask("GET", path)
    for change, key in wrong:
        answer = await client.ask("PATCH", path, {**change, "limit": change.get("limit", 9)}, status=422)
        assert answer["path"] == key and key in answer["message"], answer
    assert await client.ask("GET", path) == before, "a refused change changes nothing"


async def test_changes_at_the_same_moment_are_all_kept(client: Client) -> None:
    await client.ask("POST", "/v1/integrations", {"package": configured()}, status=201)
    path = "/v1/integrations/forward/config"
    changes: list[dict[str, Any]] = [
        {"channel": "#a"}, {"limit": 1}, {"token": "a-long-secret-value"}, {"retry_attempts": 3},
        {"retry_backoff": "fixed"}, {"slack_token": "xoxb-a-long-secret"}, {"idempotency_window": "2h"},
    ]  # fmt: skip
    await asyncio.gather(*(client.ask("PATCH", path, change) for change in changes))
    shown = await client.ask("GET", path)
    assert shown.keys() >= {key for change in changes for key in change}


async def test_its_own_tokens_are_changed_by_who_may_activate(client: Client) -> None:
    """With another token its messages and comments would go elsewhere."""
    made = await client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook", "activate": True}, status=201)
    wish_key = {"name": "writer", "permissions": ["integrations.read", "integrations.write"]}
    writer = await client.ask("POST", "/v1/auth/tokens", wish_key, status=201)
    path = f"/v1/integrations/{made['id']}/config"
    as_writer = {"Authorization": f"Bearer {writer['token']}"}

    async def change(changes: dict[str, Any]) -> tuple[int, Any]:
        url = f"{client.engine.report.address}{path}"
        async with client.public.patch(url, json=changes, headers=as_writer) as answer:
            return answer.status, await answer.json()

    for name in ("slack_token", "github_token"):
        status, refused = await change({name: "xoxb-another-workspace"})
        assert (status, refused["required"]) == (403, ["integrations.activate"])
        assert (await change({name: None}))[0] == 403
        assert (await client.ask("GET", path)).get(name) is None
    assert (await change({"retry_attempts": 2}))[0] == 200
    await client.ask("PATCH", path, {"slack_token": "xoxb-of-an-admin"})
    await client.ask("POST", f"/v1/integrations/{made['id']}/pause")
    assert (await change({"slack_token": "xoxb-while-it-rests"}))[0] == 200


async def test_states(client: Client) -> None:
    await client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
    refused = await client.ask("POST", "/v1/integrations/hello-webhook/pause", status=409)
    assert refused["status"] == "inactive"
    for verb, status in (("activate", "active"), ("activate", "active"), ("pause", "paused"), ("pause", "paused")):
        assert (await client.ask("POST", f"/v1/integrations/hello-webhook/{verb}"))["status"] == status
    await client.ask("GET", "/v1/integrations/nothing", status=404)


async def test_where_it_may_reach_is_fixed_by_who_may_activate(client: Client) -> None:
    """Somebody who may only write cannot point a secret's host, taken from the configuration, elsewhere."""
    wish = {"package": configured(), "config": {"channel": "#a", "token": "a-long-secret-value"}, "activate": True}
    await client.ask("POST", "/v1/integrations", wish, status=201)
    wish_key = {"name": "writer", "permissions": ["integrations.read", "integrations.write"]}
    writer = await client.ask("POST", "/v1/auth/tokens", wish_key, status=201)
    url = f"{client.engine.report.address}/v1/integrations/forward"
    headers = {"Authorization": f"Bearer {writer['token']}"}
    change = {"target_url": "https://evil.example/"}
    async with client.public.patch(f"{url}/config", json=change, headers=headers) as answer:
        assert answer.status == 200
    installed = await integrations.find(client.engine.ctx, "forward")
    assert installed.grants.hosts == {"api.example.com"}
    async with client.public.post(f"{url}/activate", headers=headers) as answer:
        assert answer.status == 403
    await client.ask("PATCH", "/v1/integrations/forward/config", {"target_url": "https://good.example/"})
    installed = await integrations.find(client.engine.ctx, "forward")
    assert installed.grants.hosts == {"api.example.com", "good.example"}


async def test_the_webhook_secret_is_rotated(client: Client) -> None:
    made = await client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook", "activate": True}, status=201)
    old = await client.sign(made["id"], {"n": 1}, "msg_old")
    path = f"/v1/integrations/{made['id']}/webhook-secret"
    await client.ask("PATCH", path, {"secret": "whsec_bmV3LXNlY3JldC1vZi10aGUtdGVzdA=="})
    new = await client.sign(made["id"], {"n": 1}, "msg_new")
    assert (await client.post(*old)).status == (await client.post(*new)).status == 202, "both are valid for a day"
    await client.ask("PATCH", path, {"secret": ""}, status=422)
