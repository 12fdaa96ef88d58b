"""An engine, and a GitHub that really delivers to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from core import jobs
from core.demo.stand_ins.github.hooks import Hook
from core.demo.stand_ins.github.hub import TOKEN, GitHubStandIn
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

KEY = Fernet.generate_key().decode()
BOTH = pytest.mark.parametrize("client", ["sqlite", "postgresql"], indirect=True)
"""Run a test on both databases."""
SECRET = "a-webhook-secret"
LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]
REPOSITORY = {"full_name": "acme/app"}


@pytest.fixture
async def hub(moved: MovableClock) -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        stand_in.now = moved.now
        yield stand_in


@pytest.fixture
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, hub: GitHubStandIn, moved: MovableClock
) -> AsyncIterator[Client]:
    """An engine whose only jobs are those that the test advances; on SQLite, or as the test's parameter says."""
    given: dict[str, Any] = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": hub.url, "CCB_ROLES": "http,worker"}
    if getattr(request, "param", "sqlite") == "postgresql":
        given |= {"CCB_DATABASE_URL": request.getfixturevalue("postgres_url"), "CCB_SECRET_KEY": KEY}
    async with running(tmp_path, clock=moved, GITHUB_REPOSITORY="acme/app", **given) as client:
        yield client


@dataclass
class Watched:
    """An integration that a hook of acme/app sends to."""

    client: Client
    hub: GitHubStandIn
    clock: MovableClock
    id: str
    hook: Hook

    @property
    def path(self) -> str:
        return f"/v1/integrations/{self.id}"

    async def happen(self, n: int) -> dict[str, Any]:
        """Let GitHub deliver a push; return the delivery."""
        (delivery,) = await self.hub.hooks.happen("acme/app", "push", {"n": n, "repository": REPOSITORY})
        return delivery

    def lose(self, n: int, status_code: int = 502) -> dict[str, Any]:
        """Let GitHub's delivery of a push fail on the way; return it."""
        lost = self.hub.hooks.lose("acme/app", "push", {"n": n, "repository": REPOSITORY}, status_code=status_code)
        return lost[0]

    async def check(self, **more: Any) -> Any:
        """Look for gaps."""
        return await self.client.ask("POST", f"{self.path}/gaps/check", **more)

    async def gaps(self, state: str = "open") -> list[Any]:
        """Return the gaps that are stored."""
        found: list[Any] = (await self.client.ask("GET", f"{self.path}/events/gaps?state={state}"))["gaps"]
        return found

    async def heal(self, body: Any = None, *, status: int = 202) -> Any:
        """Ask for what is lost."""
        return await self.client.ask("POST", f"{self.path}/gaps/heal", body, status=status)

    async def healed(self, job: Any, status: str = "succeeded", *, moves: float = 1.0) -> Any:
        """Do the job's pieces, the clock moving between them, until it is over."""
        found = job
        for _ in range(3000):
            found = await self.client.ask("GET", f"/v1/jobs/{job['id']}")
            if found["finished_at"] is not None:
                break
            await jobs.advance(self.client.engine.ctx)
            self.clock.move(moves)
        assert found["status"] == status, found
        return found

    async def events(self) -> list[Any]:
        """Return the integration's events, newest first, once they have ended."""
        async with asyncio.timeout(10):
            while True:
                found: list[Any] = await self.client.ask("GET", f"{self.path}/events?limit=500")
                if all(event["status"] in ("succeeded", "skipped") for event in found):
                    return found
                await asyncio.sleep(0.01)


@pytest.fixture
async def watched(client: Client, hub: GitHubStandIn, moved: MovableClock) -> Watched:
    made = await client.install(
        package(LOG, "example.com", expected=LOGGED, source={"kind": "github", "events": ["push", "event"]}),
        webhook_secret=SECRET,
    )
    url = f"{client.engine.report.address}/webhooks/{made['id']}"
    hook = hub.hooks.add("acme/app", url, secret=SECRET, events=("push", "event"))
    moved.move(10)
    return Watched(client, hub, moved, made["id"], hook)
