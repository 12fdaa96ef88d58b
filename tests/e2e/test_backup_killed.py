"""kill -9 amid a backup: the former ones stay good, nothing half is called one, and it is made again."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.backup.examining import examine
from tests.e2e.engine import CCB, EngineProcess, environment, start

pytestmark = pytest.mark.slow

BULK = 150
"""Megabytes: enough that copying them takes a moment."""


async def backed_up(engine: EngineProcess) -> Path:
    asked = await engine.ask("POST", "/v1/backups", status=202)
    made = await engine.until(f"/v1/backups/{asked['id']}", lambda one: one["status"] in ("succeeded", "failed"))
    assert made["status"] == "succeeded", made
    return Path(made["file"])


def grow(folder: Path) -> None:
    """Make the database large."""
    with closing(sqlite3.connect(folder / "ccb.db")) as connection, connection:
        connection.execute("CREATE TABLE bulk (content BLOB)")
        connection.executemany("INSERT INTO bulk VALUES (zeroblob(1048576))", [()] * BULK)


async def test_killed_amid_a_backup(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    engine = await start(folder, settings={})
    former = await backed_up(engine)
    await engine.stop()
    grow(folder)
    engine = await start(folder, settings={})
    asked = await engine.ask("POST", "/v1/backups", status=202)
    async with asyncio.timeout(20):
        while not (parts := list((folder / "backups").glob("*.db.part"))):
            await asyncio.sleep(0.001)
    await engine.kill()
    assert parts[0].exists(), "it was in the middle"
    assert [path.name for path in (folder / "backups").glob("*.db")] == [former.name]
    examine(former)

    engine = await start(folder, settings={})
    made = await engine.until(f"/v1/backups/{asked['id']}", lambda one: one["status"] == "succeeded")
    assert not list((folder / "backups").glob("*.part"))
    found = examine(Path(made["file"]))
    assert found.counts == made["counts"]
    assert [one["status"] for one in await engine.ask("GET", "/v1/backups")] == ["succeeded"] * 2

    asked = await engine.ask("POST", "/v1/backups", status=202)
    async with asyncio.timeout(20):
        while not list((folder / "backups").glob("*.db.part")):
            await asyncio.sleep(0.001)
    async with asyncio.timeout(10):
        assert await engine.stop() == 0, "a stop does not wait for it"
    assert not list((folder / "backups").glob("*.part"))
    engine = await start(folder, settings={})
    made = await engine.until(f"/v1/backups/{asked['id']}", lambda one: one["status"] == "succeeded")
    await engine.stop()


async def test_a_full_disk(tmp_path: Path) -> None:
    """Files may grow to half the database's size: it is said, the former backup stays, nothing is left."""
    folder = tmp_path / "data"
    engine = await start(folder, settings={})
    former = await backed_up(engine)
    await engine.stop()

    async def ccb(*arguments: str, most: int | None = None) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            str(CCB), *arguments, env=environment(folder), cwd=str(tmp_path),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            preexec_fn=None if most is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )  # fmt: skip
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    code, said = await ccb("backup", most=former.stat().st_size // 2)
    assert code == 1 and "could not be copied" in said, said
    assert sorted(path.name for path in (folder / "backups").iterdir()) == [".lock", former.name, f"{former.name}.json"]
    assert (await ccb("backup", "verify", str(former)))[0] == 0
    code, said = await ccb("backup")
    assert code == 0 and "Backup made" in said
