"""The bot's client (`ccb-bot`) against the stand-in, and a client that dies on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from core.context import GitHubAccess, GitHubPort
from core.demo.stand_ins.github.hub import BOT_TOKEN, GitHubStandIn
from core.github.client import GitHub
from tests.contexts import MovableClock, settings


class Killed(BaseException):
    """The process ended here."""


class Dying:
    """A client whose process ends right after its n-th write, which GitHub has done."""

    def __init__(self, github: GitHubPort, *, after: int) -> None:
        self._github = github
        self._left = after

    async def request(self, method: str, path: str, *, body: Any = None, token: str | None = None) -> Any:
        """Ask GitHub."""
        answer = await self._github.request(method, path, body=body, token=token)
        if method != "GET":
            self._left -= 1
            if self._left == 0:
                raise Killed
        return answer

    async def login(self) -> str:
        """Ask who we are."""
        return await self._github.login()

    async def page(self, path: str, *, token: str | None = None) -> tuple[Any, str | None]:
        """Ask for a page."""
        return await self._github.page(path, token=token)

    async def access(self, repositories: Sequence[str], *, token: str | None) -> GitHubAccess:
        """Ask what a token grants."""
        return await self._github.access(repositories, token=token)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def hub(clock: MovableClock) -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        stand_in.now = clock.now
        yield stand_in


@pytest.fixture
async def bot(hub: GitHubStandIn, clock: MovableClock) -> AsyncIterator[GitHub]:
    async with GitHub(settings(GITHUB_TOKEN=BOT_TOKEN, GITHUB_API_URL=hub.url), clock) as client:
        yield client


def writes(hub: GitHubStandIn) -> int:
    """Return how many writes the stand-in was asked for."""
    return sum(method != "GET" for method, _ in hub.requests)
