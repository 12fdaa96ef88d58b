"""What tokens grant, asked of the stand-ins for GitHub, Slack and a mail server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn, Repository
from core.demo.stand_ins.slack import BOT_TOKEN, SlackStandIn
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

NOTHING = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
MAY = {
    "actions": ["slack_message", "github_comment"],
    "channels": ["#deploys", "C0GENERAL", "#random"],
    "repositories": ["Acme/App"],
}
PATH = "/v1/integrations/forward"


@pytest.fixture
async def hub() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def client(tmp_path: Path, clock: MovableClock, hub: GitHubStandIn, slack: SlackStandIn) -> AsyncIterator[Client]:
    given = {
        "GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "acme/app", "GITHUB_API_URL": hub.url,
        "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_API_URL": slack.url,
    }  # fmt: skip
    async with running(tmp_path, clock=clock, **given) as client:
        yield client


async def told(client: Client, may: Any = None, **more: Any) -> dict[str, Any]:
    """Install a package and ask; every text of the answer is looked through for the tokens."""
    made = package(NOTHING, "example.com", capabilities=may or MAY, **more)
    await client.ask("POST", "/v1/integrations", {"package": made}, status=201)
    return await asked(client)


async def asked(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = await client.ask("GET", f"{PATH}/permissions")
    assert not any(token in str(found) for token in (TOKEN, BOT_TOKEN, "xoxb-own", "github_pat_"))
    return found


def granted(access: dict[str, Any], part: str = "required") -> dict[str, bool | None]:
    return {need["permission"]: need["granted"] for need in access[part]}


async def test_what_is_granted_and_what_is_missing(client: Client, hub: GitHubStandIn, slack: SlackStandIn) -> None:
    found = await told(client)
    github, chat = found["services"]["github"], found["services"]["slack"]
    assert (github["kind"], github["login"], github["token"]) == ("classic", "octocat", "bot")
    assert github["granted"] == ["admin:repo_hook", "repo"]
    assert granted(github) == {"issues: write on acme/app": True}
    assert (chat["login"], chat["token"]) == ("@ccb in Acme", "bot")
    assert granted(chat) == {
        "chat:write": True, "member of #deploys": True, "member of C0GENERAL": True, "member of #random": False,
    }  # fmt: skip
    assert set(granted(chat, "recommended").values()) == {True}
    assert found["missing"] == ["slack: member of #random"] and found["ok"] is False
    how = next(need["how"] for need in chat["required"] if need["permission"] == "member of #random")
    assert "/invite @ccb in #random" in how
    assert (found["services"]["email"]["needed"], found["services"]["email"]["configured"]) == (False, False)
    before = len(hub.requests), len(slack.requests)
    assert await asked(client) == found
    assert (len(hub.requests), len(slack.requests)) == before, "an answer is good for half a minute"


async def test_scopes_that_are_missing_are_named(client: Client, hub: GitHubStandIn, slack: SlackStandIn) -> None:
    hub.callers[TOKEN] = Caller("octocat", scopes=("public_repo",))
    hub.repositories["acme/app"].private = False
    hub.repositories["acme/secret"] = Repository()
    slack.scopes = ("users:read",)
    found = await told(client, {**MAY, "repositories": ["acme/app", "acme/secret"]}, source={"kind": "github"})
    github, chat = found["services"]["github"], found["services"]["slack"]
    assert granted(github) == {"issues: write on acme/app": True, "issues: write on acme/secret": False}
    assert granted(github, "recommended")["admin:repo_hook on acme/app"] is False
    assert "scope repo" in github["required"][1]["how"]
    assert granted(chat)["chat:write"] is False
    assert granted(chat)["member of #deploys"] is None, "without channels:read nobody can tell"
    assert found["missing"] == ["github: issues: write on acme/secret", "slack: chat:write"]
    assert "chat:write" in chat["required"][0]["how"]


async def test_an_integrations_own_tokens_go_first(client: Client, hub: GitHubStandIn) -> None:
    hub.callers["github_pat_own"] = Caller("robot", scopes=None, may_write=False, may_administer=False)
    await told(client)
    await client.ask("PATCH", f"{PATH}/config", {"slack_token": "xoxb-own", "github_token": "github_pat_own"})
    found = await asked(client)
    github, chat = found["services"]["github"], found["services"]["slack"]
    assert (github["token"], github["kind"], github["login"]) == ("integration", "fine-grained", "robot")
    assert (chat["token"], chat["login"]) == ("integration", "@own-bot in Acme")
    assert granted(github) == {"issues: write on acme/app": False}
    assert "Issues → Read and write" in github["required"][0]["how"]


async def test_a_fine_grained_token_is_tried_without_leaving_anything(client: Client, hub: GitHubStandIn) -> None:
    hub.callers[TOKEN] = Caller("robot", scopes=None)
    found = await told(client)
    assert granted(found["services"]["github"]) == {"issues: write on acme/app": True}
    assert len(hub.repositories["acme/app"].issues) == 1


async def test_a_github_app(tmp_path: Path, hub: GitHubStandIn) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    hub.app_public_key = public.decode()
    async with running(
        tmp_path,
        GITHUB_APP_ID=hub.app_id,
        GITHUB_APP_PRIVATE_KEY=pem.decode(),
        GITHUB_API_URL=hub.url,
        GITHUB_REPOSITORY="acme/app",
    ) as client:
        may = {"actions": ["github_comment"], "repositories": ["acme/app", "acme/other"]}
        found = await told(client, may, source={"kind": "github"})
        github = found["services"]["github"]
        assert (github["kind"], github["login"]) == ("app", "ccb[bot]")
        assert github["granted"] == ["issues: write", "metadata: read"]
        assert granted(github) == {"issues: write on acme/app": True, "issues: write on acme/other": False}
        assert "not installed on acme/other" in github["required"][1]["how"]
        assert granted(github, "recommended")["webhooks: write on acme/app"] is False


async def test_what_is_not_configured_is_named_by_its_setting(tmp_path: Path) -> None:
    async with running(tmp_path) as client:
        may = {**MAY, "actions": ["slack_message", "github_comment", "email"], "recipients": ["a@example.com"]}
        found = await told(client, may)
        assert found["missing"] == ["github: GITHUB_TOKEN", "slack: SLACK_BOT_TOKEN", "email: CCB_SMTP_URL"]
        assert all(one["configured"] is False and one["error"] is None for one in found["services"].values())
        await client.ask("GET", "/v1/integrations/none/permissions", status=404)


async def test_a_service_that_refuses_or_is_away_is_an_error_in_its_part(
    client: Client, hub: GitHubStandIn, slack: SlackStandIn
) -> None:
    del hub.callers[TOKEN]
    await slack.stop()
    found = await told(client)
    github, chat = found["services"]["github"], found["services"]["slack"]
    assert github["error"]["error"] == "Upstream failed" and "GITHUB_TOKEN is wrong" in github["error"]["message"]
    assert "cannot be reached" in chat["error"]["message"]
    assert (found["ok"], found["missing"], github["configured"]) == (False, [], True)


async def test_one_that_needs_neither_still_learns_what_they_grant(client: Client) -> None:
    found = await told(client, {"actions": ["log"]})
    assert found["ok"] is True and found["missing"] == []
    for name in ("github", "slack"):
        one = found["services"][name]
        assert (one["needed"], one["required"]) == (False, []) and one["granted"]


async def test_a_mail_server_is_asked(tmp_path: Path) -> None:
    async with running(tmp_path, CCB_SMTP_URL="smtp://127.0.0.1:1") as client:
        found = await told(client, {"actions": ["email"], "recipients": ["a@example.com"]})
        email = found["services"]["email"]
        assert (email["needed"], email["configured"], found["ok"]) == (True, True, False)
        assert email["error"]["error"] == "Upstream failed"


@pytest.mark.slow
async def test_a_service_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/api/{method}", silent)
    async with TestServer(app) as server:
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_API_URL": str(server.make_url("/api/"))}
        async with running(tmp_path, clock=None, **given) as client:
            found = await told(client)
        over.set()
    assert found["services"]["slack"]["error"]["message"] == "No answer within 5.0 seconds."
    assert found["services"]["slack"]["configured"] is True
