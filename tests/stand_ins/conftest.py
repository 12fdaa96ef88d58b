"""A GitHub, and somewhere that its hooks deliver to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.demo.stand_ins.github.hub import GitHubStandIn
from tests.stand_ins.github_asking import Target


@pytest.fixture
async def hub() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    made = Target()
    app = web.Application()
    app.router.add_post("/hook", made.take)
    async with TestServer(app, host="127.0.0.1") as server:
        made.url = f"http://127.0.0.1:{server.port}/hook"
        yield made
