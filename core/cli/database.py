"""`ccb db upgrade`: bring the database to the newest schema without starting the engine."""

from __future__ import annotations

import typer

from core.cli import screen
from core.cli.command import Session, command, group
from core.cli.language import said
from core.cli.settings import load_settings
from core.cli.starting import explained
from core.config import Settings
from core.texts import T


def add(parent: typer.Typer) -> None:
    """Add the commands."""
    database = group("db", T("The database."))
    help = T("Bring the database to the newest schema; `ccb serve` does it too.")
    command(database, "upgrade", help, remote=False)(upgrade)
    parent.add_typer(database)


async def upgrade(session: Session) -> None:
    """Upgrade, and say from where to where."""
    settings = load_settings()
    with explained():
        before, after = await _upgraded(settings)
    if session.json:
        screen.write_json({"before": before, "after": after})
    elif before == after:
        session.console.print("✓ " + said(T("The database is at {after}, the newest: nothing to do.", after=after)))
    elif before is None:
        session.console.print("✓ " + said(T("The database is made, at {after}.", after=after)))
    else:
        told = T("The database is upgraded from {before} to {after}.", before=before, after=after)
        session.console.print("✓ " + said(told))


async def _upgraded(settings: Settings) -> tuple[str | None, str]:
    from storage import migrate, tables  # here: no other command should wait for these imports
    from storage.db import open_database

    assert tables.ALL
    url = settings.database_url.get_secret_value() if settings.database_url else None
    db = await open_database(url, settings.data_dir)
    try:
        return await db.alone(migrate.upgrade)
    finally:
        await db.close()
