"""A running engine that knows GitHub and Claude, as they stand in here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.actors import Actor
from core.requests import service
from core.requests.model import Asked
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.stand_ins.claude import API_KEY, ClaudeStandIn
from tests.stand_ins.github import BOT_TOKEN, GitHubStandIn

REPOSITORY = "acme/app"
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
    }


@pytest.fixture
async def house(tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn) -> AsyncIterator[House]:
    async with running(tmp_path, clock=clock, **settings_of(claude, hub)) as client:
        yield House(client, claude, hub, clock)
