"""A request on its way to a pull request, and kill -9 behind everything that it writes to GitHub or asks of Claude."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.fernet import Fernet

from core.demo.stand_ins.claude import API_KEY, Answer, ClaudeStandIn
from core.demo.stand_ins.github.hub import BOT_TOKEN, GitHubStandIn
from core.github.setup import EVENTS
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import HOOK_SECRET, REPOSITORY
from tests.core.requests.issues import ENGLISH, LABEL
from tests.e2e.engine import EngineProcess, start

pytestmark = pytest.mark.slow
BROKEN = "def handle(event, config):\n    return undefined\n"


@dataclass
class Reaper:
    """An engine that is killed and started again behind each kind of write that it makes, once for each."""

    folder: Path
    url: str | None
    hub: GitHubStandIn
    claude: ClaudeStandIn
    engine: EngineProcess | None = None
    killed: list[str] = field(default_factory=list)
    key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    restarts: set[asyncio.Task[None]] = field(default_factory=set)
    up: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        settings = {
            "ANTHROPIC_API_KEY": API_KEY,
            "ANTHROPIC_BASE_URL": self.claude.url,
            "GITHUB_TOKEN": BOT_TOKEN,
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_WEBHOOK_SECRET": HOOK_SECRET,
            "CCB_LEASE_SECONDS": "3",
            "CCB_RETRY_BASE_SECONDS": "0.1",
            "CCB_SECRET_KEY": self.key,
        }
        if self.url is not None:
            settings["CCB_DATABASE_URL"] = self.url
        self.engine = await start(self.folder, settings=settings)
        self.hub.hooks.all.clear()
        self.hub.hooks.add(REPOSITORY, f"{self.engine.address}/webhooks/github", secret=HOOK_SECRET, events=EVENTS)
        self.up.set()

    async def strike(self, request: web.Request) -> None:
        """Kill the engine that has just asked for this, unless it was killed behind such a write before."""
        kind = f"{request.method} {re.sub(r'[0-9a-f]{40}|(?<=/)[0-9]+(?=/|$)', '…', request.path)}"
        engine = self.engine
        if request.method == "GET" or kind in self.killed or not self.up.is_set() or engine is None:
            return
        self.up.clear()
        self.killed.append(kind)
        await engine.kill()
        again = asyncio.create_task(self.start())
        self.restarts.add(again)

    async def ask(self, path: str) -> Any:
        """Ask the engine, whichever it is now."""
        while True:
            await self.up.wait()
            assert self.engine is not None
            try:
                return await self.engine.ask("GET", path)
            except (TimeoutError, OSError):  # killed meanwhile
                await asyncio.sleep(0.05)

    async def until(self, path: str, holds: Any) -> Any:
        """Ask until the answer is so."""
        found: Any = None
        try:
            async with asyncio.timeout(120):
                while not holds(found := await self.ask(path)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{path} never came true: {found}; killed behind {self.killed}") from None
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
async def reaper(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reaper]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with GitHubStandIn() as hub, ClaudeStandIn() as claude:
        made = Reaper(tmp_path / "data", url, hub, claude)
        await made.start()
        yield made
        hub.after = claude.after = None
        await asyncio.gather(*made.restarts)
        assert made.engine is not None
        await made.engine.stop()


async def test_a_kill_behind_every_step(reaper: Reaper) -> None:
    """It goes on where it was, and there is one of each: branch, commit, pull request, comment, integration."""
    hub, repository = reaper.hub, reaper.hub.repositories[REPOSITORY]

    def written(body: dict[str, Any]) -> Answer:
        """Write what fails in the sandbox first, and mend it when told so."""
        return answer(draft() if len(body["messages"]) > 1 else draft(handler=BROKEN))

    def comments() -> list[str]:
        return [one["body"] for one in repository.comments.get(issue, []) if one["user"]["login"] == "ccb-bot"]

    reaper.claude.answers = [written] * 20
    hub.after = reaper.claude.after = reaper.strike
    issue = hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="dev")["number"]
    await hub.hooks.settled()
    await reaper.until("/v1/requests", lambda found: [one["status"] for one in found] == ["inactive"])
    await reaper.until("/v1/requests", lambda _: "ready for review" in comments()[0])
    (number,) = repository.pulls
    pull = hub.pulls.shown(REPOSITORY, number)
    assert len(repository.git.new(pull["head"]["sha"], since=pull["base"]["sha"])) == 1
    hub.pulls.merge(REPOSITORY, number, "dev")
    await hub.hooks.settled()
    await reaper.until("/v1/integrations", lambda found: [one["slug"] for one in found] == ["hello-webhook"])
    await reaper.until("/v1/requests", lambda _: "installed" in comments()[0])
    assert len(repository.pulls) == len(comments()) == 1
    assert reaper.killed == [
        "POST /repos/acme/app/issues/…/comments",
        "DELETE /repos/acme/app/issues/…/labels/needs-info",
        "PATCH /repos/acme/app/issues/comments/…",
        "POST /v1/messages/count_tokens",
        "POST /v1/messages",
        "POST /repos/acme/app/git/trees",
        "POST /repos/acme/app/git/commits",
        "POST /repos/acme/app/git/refs",
        "POST /repos/acme/app/pulls",
    ]
