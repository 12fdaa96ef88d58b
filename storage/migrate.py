"""Bringing a database to the newest schema (alembic)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from storage.db import postgres_url, sqlite_engine, sqlite_path

_ADVISORY_LOCK = 0x636362  # "ccb": nodes that start together upgrade one after the other


def upgrade(url: str | None, folder: Path) -> tuple[str | None, str]:
    """Bring PostgreSQL at `url`, or SQLite in `folder`, to the newest schema; return the revision before and after."""
    if url is not None:
        return asyncio.run(_upgrade_postgres(url))
    folder.mkdir(parents=True, exist_ok=True)
    engine = sqlite_engine(sqlite_path(folder), writer=True)
    try:
        with engine.begin() as connection:
            return _upgrade(connection)
    finally:
        engine.dispose()


async def _upgrade_postgres(url: str) -> tuple[str | None, str]:
    engine = create_async_engine(postgres_url(url))
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def config(connection: sa.Connection | None = None) -> Config:
    """Return alembic's configuration; there is no ini file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.attributes["connection"] = connection
    return settings


def _upgrade(connection: sa.Connection) -> tuple[str | None, str]:
    before = MigrationContext.configure(connection).get_current_revision()
    settings = config(connection)
    command.upgrade(settings, "head")
    head = ScriptDirectory.from_config(settings).get_current_head()
    assert head is not None
    return before, head
