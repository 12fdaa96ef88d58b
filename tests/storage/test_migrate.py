"""Migrations: they make exactly the tables that the code knows."""

from __future__ import annotations

import stat
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

from storage import migrate
from storage.db import Database, open_database


def _differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


async def test_the_schema_is_what_the_tables_say(db: Database) -> None:
    assert await db.read(_differences) == []


async def test_an_upgrade_of_the_newest_changes_nothing(db: Database) -> None:
    before, after = await db.write(migrate.upgrade)
    assert before == after


async def test_what_is_stored_is_its_owners_alone(tmp_path: Path) -> None:
    """The bodies of events lie in these files: nobody else on the machine may read them, whatever the umask."""
    folder = tmp_path / "data"
    database = await open_database(None, folder)
    await database.write(migrate.upgrade)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.glob("ccb.db*")]}
    await database.close()
    assert modes.pop("data") == 0o700
    assert modes.keys() >= {"ccb.db", "ccb.db-wal"} and set(modes.values()) == {0o600}
