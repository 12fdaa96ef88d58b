"""Migrations: they make exactly the tables that the code knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

from storage import migrate
from storage.db import Database


def _differences(connection: sa.Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, SQLModel.metadata))


async def test_the_schema_is_what_the_tables_say(db: Database) -> None:
    assert await db.read(_differences) == []


async def test_an_upgrade_of_the_newest_changes_nothing(db: Database) -> None:
    before, after = await db.write(migrate.upgrade)
    assert before == after
