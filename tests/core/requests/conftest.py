"""A running engine that knows GitHub and Claude, as they stand in here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from core.actors import Actor
from core.demo.stand_ins.claude import API_KEY, ClaudeStandIn
from core.demo.stand_ins.github.hub import BOT_TOKEN, GitHubStandIn
from core.generation import author
from core.github.setup import EVENTS as HEARD
from core.requests import service
from core.requests.model import Asked
from core.texts import revive
from storage.dialect import announce
from storage.events import EVENTS, STEPS
from storage.integrations import OWN
from storage.requests import REQUESTS
from tests.contexts import MovableClock
from tests.core.generation.drafts import answer, draft
from tests.core.requests.issues import ENGLISH, LABEL
from tests.engines import Client, running

assert author.TIMEOUT  # imported here, for its library takes long to import: not in the seconds that a test waits
REPOSITORY = "acme/app"
KEY = Fernet.generate_key().decode()
HOOK_SECRET = "what the hook signs with"
ASKER = Actor("key", "key_1", "ann", frozenset({"integrations.write"}))
FIELDS = {
    "service_name": "My service",
    "integration_type": "Webhook",
    "target_service": "the log",
    "api_endpoints": "none",
    "description": "Write a line for each event.",
}


@pytest.fixture
async def claude() -> AsyncIterator[ClaudeStandIn]:
    async with ClaudeStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def hub() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        yield stand_in


@dataclass
class House:
    """The engine, what it talks to, and the clock."""

    client: Client
    claude: ClaudeStandIn
    hub: GitHubStandIn
    clock: MovableClock

    async def ask(self, **fields: str) -> Asked:
        """Ask for an integration."""
        ctx = self.client.engine.ctx
        return await service.open_request(ctx, {**FIELDS, **fields}, actor=ASKER, origin="rest")

    async def now(self, asked: Asked) -> Asked:
        """Return the request as it is."""
        return await service.find(self.client.engine.ctx, asked.id)

    async def until(self, asked: Asked, holds: Callable[[Asked], bool]) -> Asked:
        """Wait until the request is so; fail with what it is instead after ten seconds."""
        found = asked
        try:
            async with asyncio.timeout(10):
                while not holds(found := await self.now(asked)):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never came true: {found.row}") from None
        return found

    async def settled(self) -> None:
        """Wait until everything that happened on GitHub is worked on, and no request has anything to do at this time.

        What is done may happen on GitHub again, so it is looked at until two looks find nothing.
        """
        ctx, quiet = self.client.engine.ctx, 0
        async with asyncio.timeout(20):
            while quiet < 2:
                await self.hub.hooks.settled()
                busy = await ctx.db.read(_busy, ctx.clock.now())
                quiet = 0 if busy else quiet + 1
                await asyncio.sleep(0.02)

    async def later(self, seconds: float) -> None:
        """Let time pass, and the workers look at once."""
        self.clock.move(seconds)
        await self.client.engine.ctx.db.write(announce, "requests")
        await self.settled()

    async def published(self, body: str = ENGLISH) -> tuple[int, Asked]:
        """Open an issue as a writer and wait for its pull request; return the issue's number and the request."""
        self.claude.answers.append(answer(draft()))
        issue = self.hub.open_issue(REPOSITORY, "Helpdesk", body, [LABEL], as_user="dev")["number"]
        await self.settled()
        asked = await self.request(issue)
        assert asked.row.status == "inactive", asked.row
        return issue, asked

    async def request(self, issue: int) -> Asked:
        """Return the request that an issue is."""
        found = await service.of_issue(self.client.engine.ctx, REPOSITORY, issue)
        assert found is not None
        return found

    async def done(self) -> list[str]:
        """Return what each event of the bot's own webhook came to, in English, oldest first."""
        return await self.client.engine.ctx.db.read(_done)

    def comments(self, issue: int) -> list[str]:
        """Return the bot's comments on an issue."""
        there = self.hub.repositories[REPOSITORY].comments[issue]
        return [comment["body"] for comment in there if comment["user"]["login"] == "ccb-bot"]

    def labels(self, issue: int) -> set[str]:
        """Return an issue's labels."""
        return {label["name"] for label in self.hub.repositories[REPOSITORY].issues[issue - 1]["labels"]}

    def pulls(self) -> list[int]:
        """Return the numbers of all pull requests."""
        return list(self.hub.repositories[REPOSITORY].pulls)

    def hook(self) -> None:
        """Let GitHub deliver to this engine."""
        self.hub.hooks.all.clear()
        url = f"{self.client.engine.report.address}/webhooks/github"
        self.hub.hooks.add(REPOSITORY, url, secret=HOOK_SECRET, events=HEARD)

    async def log(self, asked: Asked) -> list[tuple[str, str]]:
        """Return the request's log: steps and levels."""
        lines = await service.log(self.client.engine.ctx, asked)
        return [(line.step, line.level) for line in lines]


def settings_of(claude: ClaudeStandIn, hub: GitHubStandIn) -> dict[str, Any]:
    """Return the settings of an engine that knows both."""
    return {
        "ANTHROPIC_API_KEY": API_KEY,
        "ANTHROPIC_BASE_URL": claude.url,
        "GITHUB_TOKEN": BOT_TOKEN,
        "GITHUB_API_URL": hub.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_WEBHOOK_SECRET": HOOK_SECRET,
    }


def _busy(connection: sa.Connection, now: float) -> int:
    open_now = sa.or_(EVENTS.c.status.in_(("queued", "processing")), EVENTS.c.run_at <= now)
    at_work = sa.select(EVENTS.c.id).where(EVENTS.c.integration_id == OWN, open_now)
    due = sa.or_(REQUESTS.c.run_at <= now, REQUESTS.c.tell_at <= now, REQUESTS.c.lease_token.is_not(None))
    both = sa.union_all(at_work, sa.select(REQUESTS.c.id).where(due)).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(both)).scalar_one())


def _done(connection: sa.Connection) -> list[str]:
    query = sa.select(EVENTS.c.type, STEPS.c.detail).join(STEPS, STEPS.c.event_id == EVENTS.c.id)
    query = query.where(EVENTS.c.integration_id == OWN).order_by(EVENTS.c.id)
    return [f"{row.type}: {revive(row.detail)}" for row in connection.execute(query)]


@pytest.fixture(params=["sqlite", "postgresql"])
async def house_on_either(
    request: pytest.FixtureRequest, tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn
) -> AsyncIterator[House]:
    """A house on SQLite, and one on PostgreSQL."""
    given = settings_of(claude, hub)
    if request.param == "postgresql":
        given |= {"CCB_DATABASE_URL": request.getfixturevalue("postgres_url"), "CCB_SECRET_KEY": KEY}
    async with running(tmp_path, clock=clock, **given) as client:
        built = House(client, claude, hub, clock)
        built.hook()
        yield built


@pytest.fixture
async def house(tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn) -> AsyncIterator[House]:
    async with running(tmp_path, clock=clock, **settings_of(claude, hub)) as client:
        built = House(client, claude, hub, clock)
        built.hook()
        yield built
