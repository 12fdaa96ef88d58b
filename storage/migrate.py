"""Bringing a database to the newest schema (alembic)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

_ADVISORY_LOCK = 0x636362  # "ccb": nodes that start together upgrade one after the other


def upgrade(connection: sa.Connection) -> tuple[str | None, str]:
    """Bring the schema to the newest revision, in the connection's transaction; return the revision before and after.

    Run it as `await db.alone(migrate.upgrade)`: it may take its time.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    before = MigrationContext.configure(connection).get_current_revision()
    if before != newest():
        command.upgrade(config(connection), "head")
    return before, newest()


@cache
def newest() -> str:
    """Return the newest revision."""
    head = ScriptDirectory.from_config(_settings()).get_current_head()
    assert head is not None
    return head


def config(connection: sa.Connection) -> Config:
    """Return alembic's configuration; there is no ini file."""
    settings = _settings()
    settings.attributes["connection"] = connection
    return settings


def _settings() -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return settings
