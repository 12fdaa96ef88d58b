"""A server on a free port, over a real SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core import auth
from core.context import Context
from core.handler import Load, Ran
from core.http import server as serving
from core.http.routes import Routes
from core.http.server import Server
from core.secret_box import SecretBox
from core.services import SERVICES
from storage.db import open_database
from tests import documented, templates
from tests.contexts import MovableClock, context, settings


class Sandbox:
    """A sandbox that runs nothing and can be broken."""

    broken = False

    async def run(self, source: str, *, event: Any, config: Any, owner: str, payload_size: int = 0) -> Ran:
        """Answer as a handler that returns no actions would."""
        if self.broken:
            raise RuntimeError("no worker could be started")
        return Ran([], "", 0.001)

    def load(self) -> Load:
        """Nothing runs."""
        return Load(4, 0, 0)


@pytest.fixture
def no_services() -> Iterator[None]:
    """Take away what other tests' imports have registered."""
    kept = dict(SERVICES)
    SERVICES.clear()
    yield
    SERVICES.clear()
    SERVICES.update(kept)


@pytest.fixture
async def ctx(tmp_path: Path, clock: MovableClock, no_services: None) -> AsyncIterator[Context]:
    """A context with an empty database of the newest tables."""
    templates.sqlite_in(tmp_path)
    db = await open_database(None, tmp_path)
    given = settings(CCB_DATA_DIR=tmp_path, CCB_PORT=0)
    made = context(given=given, clock=clock, db=db, sandbox=Sandbox(), secrets=SecretBox.open(given))
    async with made.aside:  # charts are drawn in processes of their own
        yield made
    await db.close()


@pytest.fixture
async def server(ctx: Context) -> AsyncIterator[Server]:
    """The server, listening."""
    running = Server(ctx)
    await running.start()
    yield running
    await running.stop()


@asynccontextmanager
async def serving_only(routes: Routes, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """Run a server that has these routes and no others."""
    monkeypatch.setattr(serving, "load", lambda: routes)
    running = Server(ctx)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def anonymous(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody without a key."""
    async with aiohttp.ClientSession(server.address, raise_for_status=documented.check) as session:
        yield session


@pytest.fixture
async def admin(ctx: Context, server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody with the first admin key."""
    key = await auth.ensure_first_admin(ctx)
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(server.address, headers=headers, raise_for_status=documented.check) as session:
        yield session


@pytest.fixture
def issued(ctx: Context) -> Callable[..., Awaitable[dict[str, str]]]:
    """Make a key with these permissions; return the header that shows it."""

    async def make(*permissions: str) -> dict[str, str]:
        _, plain = await auth.issue(ctx, actor=auth.SYSTEM, name="test", permissions=permissions)
        return {"Authorization": f"Bearer {plain}"}

    return make
