"""Migrations: they make exactly the tables that the code knows."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

from storage import audit, migrate
from storage.db import Database, open_database


def _differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


async def test_the_schema_is_what_the_tables_say(db: Database) -> None:
    assert await db.read(_differences) == []


async def test_an_empty_postgresql_gets_the_schema(empty_postgres_url: str, tmp_path: Path) -> None:
    database = await open_database(empty_postgres_url, tmp_path)
    assert await database.alone(migrate.upgrade) == (None, migrate.newest())
    assert await database.read(_differences) == []
    await database.close()


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


async def test_changes_of_state_are_kept_in_the_audit(tmp_path: Path) -> None:
    """0002 moves what 0001 kept in a table of its own."""
    database = await open_database(None, tmp_path)

    def first(connection: sa.Connection) -> None:
        command.upgrade(migrate.config(connection), "0001")
        row = {"integration_id": "int_1", "before": "inactive", "after": "active", "at": 5.0, "who": "ops", "why": "go"}
        columns: list[sa.ColumnClause[object]] = [sa.column(name) for name in row]
        connection.execute(sa.insert(sa.table("state_changes", *columns)).values(**row))

    await database.write(first)
    await database.write(migrate.upgrade)
    (entry,) = await database.read(audit.newest, integration_id="int_1")
    await database.close()
    assert (entry.action, entry.actor_name, entry.at, entry.why) == ("status.changed", "ops", 5.0, "go")
    assert orjson.loads(entry.changes) == [{"key": "status", "from": "inactive", "to": "active"}]
