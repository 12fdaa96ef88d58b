"""`ccb github setup` against a running engine, and the request behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.cli.app import run
from core.demo.stand_ins.github.hub import BOT_TOKEN, GitHubStandIn
from tests.engines import Client, running

pytestmark = pytest.mark.slow


@pytest.fixture
async def hub() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def engine(hub: GitHubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setenv("CCB_DATA_DIR", str(tmp_path))
    given: dict[str, Any] = {
        "GITHUB_TOKEN": BOT_TOKEN,
        "GITHUB_API_URL": hub.url,
        "GITHUB_WEBHOOK_SECRET": "your-webhook-secret",
    }
    async with running(tmp_path, CCB_PUBLIC_URL="https://ccb.example.com", **given) as client:
        yield client


async def ccb(*arguments: str) -> int:
    return await asyncio.to_thread(run, arguments)


async def test_it_says_each_step_and_can_be_run_again(
    hub: GitHubStandIn, engine: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await ccb("github", "setup", "acme/app") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "✓ label integration-request: The label is made." in lines
    assert any(line.startswith("✓ webhook: The webhook to https://ccb.example.com/webhooks/github") for line in lines)
    assert await ccb("github", "setup", "acme/app", "--json") == 0
    document = json.loads(next(line for line in capsys.readouterr().out.splitlines() if line.startswith("{")))
    assert document["ready"] is True
    assert [step["outcome"] for step in document["steps"]] == ["there"] * 4
    assert [step["title"] for step in document["steps"]][2:] == ["issue forms", "webhook"], "in the reader's language"


async def test_what_fails_is_said(hub: GitHubStandIn, engine: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert await ccb("github", "setup") == 1
    assert "Which repository? Name it as owner/repo" in capsys.readouterr().err
    hub.repositories["acme/app"].git.refs.clear()
    assert await ccb("github", "setup", "acme/app") == 1
    seen = capsys.readouterr()
    assert "✗ issue forms:" in seen.out
    assert "acme/app is not ready yet: issue forms." in seen.err


async def test_over_rest_it_is_for_admins(hub: GitHubStandIn, engine: Client) -> None:
    key = await engine.ask("POST", "/v1/auth/tokens", {"name": "x", "permissions": ["integrations.write"]}, status=201)
    url = f"{engine.engine.report.address}/v1/github/setup"
    headers = {"Authorization": f"Bearer {key['token']}"}
    async with engine.public.post(url, json={"repository": "acme/app"}, headers=headers) as answer:
        assert answer.status == 403
    assert hub.requests == []
    wrong = await engine.ask("POST", "/v1/github/setup", {"repository": "acme"}, status=422)
    assert wrong["path"] == "repository"
