"""The stand-ins refuse what the services refuse; else tests against them would prove nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from core.demo.stand_ins.claude import API_KEY, ClaudeStandIn
from core.demo.stand_ins.github.hub import TOKEN, GitHubStandIn
from core.demo.stand_ins.slack import APP_TOKEN, BOT_TOKEN, WEBHOOK, SlackStandIn


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


async def _slack(
    http: aiohttp.ClientSession, slack: SlackStandIn, method: str, *, token: str = BOT_TOKEN, **request: Any
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", **request.pop("headers", {})} if token else {}
    async with http.post(slack.url + method, headers=headers, **request) as answer:
        assert answer.status == 200
        body: dict[str, Any] = await answer.json()
        return body


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("auth.test", {"token": ""}, "not_authed"),
        ("auth.test", {"token": "xoxb-wrong"}, "invalid_auth"),
        ("auth.test", {"token": APP_TOKEN}, "not_allowed_token_type"),
        ("apps.connections.open", {}, "not_allowed_token_type"),
        ("chat.postMessage", {"token": "", "json": {"token": BOT_TOKEN}}, "not_authed"),
        ("chat.postMessage", {"json": {"channel": "C0DEPLOYS"}}, "no_text"),
        ("chat.postMessage", {"json": {"text": "Hello"}}, "channel_not_found"),
        ("chat.postMessage", {"json": {"channel": "random", "text": "Hello"}}, "not_in_channel"),
        ("chat.postMessage", {"json": [1]}, "json_not_object"),
        ("chat.postMessage", {"data": "{", "headers": {"Content-Type": "application/json"}}, "invalid_json"),
        ("chat.postMessage", {"data": b"x", "headers": {"Content-Type": "text/xml"}}, "invalid_post_type"),
        (
            "chat.postMessage",
            {"json": {"channel": "C0DEPLOYS", "text": "Hello", "metadata": {"event_type": "x"}}},
            "invalid_metadata_format",
        ),
        ("conversations.history", {"data": {"channel": "deploys"}}, "channel_not_found"),
        ("conversations.history", {"json": {"channel": "C0DEPLOYS"}}, "channel_not_found"),
        ("conversations.history", {"data": {"channel": "C0RANDOM1"}}, "not_in_channel"),
        ("conversations.history", {"data": {"channel": "C0DEPLOYS", "limit": "5000"}}, "invalid_limit"),
        ("conversations.list", {"data": {"types": "boat"}}, "invalid_types"),
        ("chat.shout", {}, "unknown_method"),
        ("apps.permissions.info", {}, "unknown_method"),
    ],
)
async def test_slack_refuses(
    http: aiohttp.ClientSession, slack: SlackStandIn, method: str, request_: dict[str, Any], code: str
) -> None:
    assert (await _slack(http, slack, method, **request_))["error"] == code
    assert slack.texts == []


async def test_slack_takes_forms_and_json_and_shows_metadata_when_asked(
    http: aiohttp.ClientSession, slack: SlackStandIn
) -> None:
    metadata = {"event_type": "x", "event_payload": {"key": "k"}}
    form = {
        "token": BOT_TOKEN,
        "channel": "C0DEPLOYS",
        "text": "Form",
        "metadata": '{"event_type":"x","event_payload":{}}',
    }
    assert (await _slack(http, slack, "chat.postMessage", token="", data=form))["ok"]
    said = await _slack(
        http,
        slack,
        "chat.postMessage",
        data='{"channel": "deploys", "text": "JSON", "metadata": {"event_type": "x", "event_payload": {"key": "k"}}}',
        headers={"Content-Type": "application/json"},
    )
    assert said["warning"] == "missing_charset"
    plain = await _slack(http, slack, "conversations.history", data={"channel": "C0DEPLOYS"})
    assert [message["text"] for message in plain["messages"]] == ["JSON", "Form"]
    assert "metadata" not in plain["messages"][0]
    full = await _slack(
        http, slack, "conversations.history", data={"channel": "C0DEPLOYS", "include_all_metadata": "1", "limit": 1}
    )
    assert full["messages"][0]["metadata"] == metadata


async def test_slack_lists_in_pages_what_the_scopes_allow(http: aiohttp.ClientSession, slack: SlackStandIn) -> None:
    first = await _slack(http, slack, "conversations.list", data={"limit": "3"})
    cursor = first["response_metadata"]["next_cursor"]
    rest = await _slack(http, slack, "conversations.list", data={"limit": "3", "cursor": cursor})
    names = [channel["name"] for channel in first["channels"] + rest["channels"]]
    assert names == ["general", "deploys", "random", "old-news"]
    slack.scopes = ("channels:read",)
    refused = await _slack(http, slack, "conversations.list", data={"types": "private_channel"})
    assert (refused["error"], refused["needed"]) == ("missing_scope", "groups:read")


async def test_slack_limits_one_channel(http: aiohttp.ClientSession, slack: SlackStandIn) -> None:
    slack.limits["deploys"] = 7
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    message = {"channel": "deploys", "text": "Hello"}
    async with http.post(slack.url + "chat.postMessage", headers=headers, json=message) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert (await _slack(http, slack, "chat.postMessage", json={**message, "channel": "general"}))["ok"]


@pytest.mark.parametrize(
    ("path", "request_", "status", "said"),
    [
        (WEBHOOK, {"json": {"text": "Hello"}}, 200, "ok"),
        (WEBHOOK, {"data": {"payload": '{"text": "Hello"}'}}, 200, "ok"),
        (WEBHOOK, {"json": {}}, 400, "no_text"),
        (WEBHOOK, {"json": [1]}, 400, "invalid_payload"),
        (WEBHOOK, {"data": "{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_payload"),
        ("T0ACME/B0CCB/gone", {"json": {"text": "Hello"}}, 404, "no_service"),
    ],
)
async def test_slack_takes_what_comes_by_a_webhook(
    http: aiohttp.ClientSession, slack: SlackStandIn, path: str, request_: dict[str, Any], status: int, said: str
) -> None:
    async with http.post(slack.url.removesuffix("/api/") + "/services/" + path, **request_) as answer:
        assert (answer.status, answer.content_type, await answer.text()) == (status, "text/plain", said)
    assert slack.texts == (["Hello"] if status == 200 else [])


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/user", {"User-Agent": ""}, 403),
        ("/user", {"Authorization": ""}, 401),
        ("/user", {"Authorization": "token ghp_wrong"}, 401),
        ("/user", {"Accept": "text/html"}, 415),
        ("/app", {}, 401),
        ("/repos/acme/other", {}, 404),
        ("/repos/acme/app/issues/2/comments", {}, 404),
        ("/nothing", {}, 404),
        ("/user", {}, 200),
    ],
)
async def test_github_refuses(http: aiohttp.ClientSession, path: str, headers: dict[str, str], status: int) -> None:
    good = {"User-Agent": "test", "Authorization": f"token {TOKEN}", "Accept": "application/vnd.github.v3+json"}
    async with GitHubStandIn() as hub, http.get(hub.url + path, headers={**good, **headers}) as answer:
        assert answer.status == status
        assert ("X-OAuth-Scopes" in answer.headers) == (status in (200, 404)), "of who is known"


@pytest.mark.parametrize(("body", "status"), [("{", 400), ("[]", 400), ('{"body": "x"}', 422), ('{"title": "x"}', 201)])
async def test_github_checks_a_new_issue(http: aiohttp.ClientSession, body: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        GitHubStandIn() as hub,
        http.post(hub.url + "/repos/acme/app/issues", headers=headers, data=body) as answer,
    ):
        assert answer.status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong", "anthropic-version": "2023-06-01"}, 401),
        ({"Authorization": f"Bearer {API_KEY}"}, 400),
        ({"Authorization": f"Bearer {API_KEY}", "anthropic-version": "2023-06-01"}, 200),
        ({"x-api-key": API_KEY, "anthropic-version": "2023-06-01"}, 200),
    ],
)
async def test_claude_refuses(http: aiohttp.ClientSession, headers: dict[str, str], status: int) -> None:
    async with ClaudeStandIn() as claude, http.get(claude.url + "/v1/models", headers=headers) as answer:
        assert answer.status == status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "path", "status"),
    [("slack", "auth.test", 200), ("github.hub", "/user", 401), ("claude", "/v1/models", 401)],
)
async def test_each_runs_as_a_process(http: aiohttp.ClientSession, name: str, path: str, status: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"core.demo.stand_ins.{name}", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        async with http.post(url + path) if name == "slack" else http.get(url + path) as answer:
            assert answer.status == status
    finally:
        process.terminate()
        await process.wait()
