"""kill -9 amid a backup: the former ones stay good, nothing half is called one, and it is made again."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.backups.direct import back_up
from core.backups.examining import examine
from tests import templates
from tests.contexts import settings
from tests.e2e.engine import CCB, EngineProcess, environment, start

pytestmark = pytest.mark.slow

BULK = 60
"""Megabytes: enough that copying them takes a moment."""


@pytest.fixture
async def former(tmp_path: Path) -> Path:
    """A backup of an empty database; the database has become large since."""
    folder = tmp_path / "data"
    templates.sqlite_in(folder)
    made = await back_up(settings(CCB_DATA_DIR=folder))
    with closing(sqlite3.connect(folder / "ccb.db")) as connection, connection:
        connection.execute("CREATE TABLE bulk (content BLOB)")
        connection.executemany("INSERT INTO bulk VALUES (zeroblob(1048576))", [()] * BULK)
    return made.path


async def begun(engine: EngineProcess, folder: Path) -> str:
    """Ask for a backup, and wait until it is being written; return its path at the engine."""
    asked = await engine.ask("POST", "/v1/backups", status=202)
    async with asyncio.timeout(20):
        while not list(folder.glob("*.db.part")):
            await asyncio.sleep(0.001)
    return f"/v1/backups/{asked['id']}"


async def test_killed_amid_a_backup(former: Path) -> None:
    folder = former.parent
    engine = await start(folder.parent, settings={})
    asked = await begun(engine, folder)
    await engine.kill()
    assert list(folder.glob("*.db.part")), "it was in the middle"
    assert list(folder.glob("*.db")) == [former]
    examine(former)

    engine = await start(folder.parent, settings={})
    made = await engine.until(asked, lambda one: one["status"] == "succeeded")
    assert not list(folder.glob("*.part*"))
    assert examine(Path(made["file"])).counts == made["counts"]
    assert [one["status"] for one in await engine.ask("GET", "/v1/backups")] == ["succeeded"] * 2

    asked = await begun(engine, folder)
    async with asyncio.timeout(10):
        assert await engine.stop() == 0, "a stop does not wait for it"
    assert not list(folder.glob("*.part*"))
    with closing(sqlite3.connect(folder.parent / "ccb.db")) as connection:
        rows = connection.execute("SELECT id, tries FROM backups WHERE status = 'waiting'").fetchall()
    assert rows == [(asked.rpartition("/")[2], 0)], "it is made at the next start"


async def test_a_disk_that_takes_no_more(former: Path) -> None:
    """No file may grow beyond a part of the database's size: it is said, the former stays, nothing is left."""
    folder = former.parent
    process = await asyncio.create_subprocess_exec(
        str(CCB), "backup", env=environment(folder.parent), cwd=str(folder),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 1 and "could not be copied" in said.decode(), said.decode()
    assert sorted(path.name for path in folder.iterdir()) == [".lock", former.name, f"{former.name}.json"]
    examine(former)
    assert (await back_up(settings(CCB_DATA_DIR=folder.parent))).manifest.size > BULK << 20
