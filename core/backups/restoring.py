"""Putting a backup in place of the database; what was there before is kept aside.

At every moment of it a whole database is in place: the former one, or the backup.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from core import audit
from core.actors import LOCAL
from core.backups import folder as places
from core.backups import postgres
from core.backups.direct import alone, opened
from core.backups.examining import Examined, examine
from core.backups.manifest import Manifest
from core.clock import SystemClock, moment
from core.config import Settings
from core.errors import Conflict, Invalid
from core.secret_box import fingerprints_of
from core.texts import T
from storage import audit as audit_rows
from storage import migrate, sessions, sqlite_copy, tables
from storage.sqlite import sqlite_engine, sqlite_path
from storage.sqlite_copy import DamagedError

Key = Literal["fits", "another", "none", "unknown"]


@dataclass(frozen=True)
class Restored:
    """What was put in place, where what was there before is now, and whether the secrets' key here is that of then."""

    backup: Examined
    aside: Path | None
    key: Key


async def restore(settings: Settings, file: Path, *, force: bool) -> Restored:
    """Put a backup in place of the database; what was there before is kept aside.

    Raises `Conflict` where an engine is at work or, without `force`, where the data here are newer than the backup.
    """
    backup = await asyncio.to_thread(examine, file)
    if backup.kind != ("sqlite" if settings.database_url is None else "postgresql"):
        raise Invalid(
            T(
                "{file} is a backup of {kind}, and the settings name another database. Set CCB_DATABASE_URL for "
                "PostgreSQL; without it the engine uses SQLite.",
                file=str(file),
                kind="SQLite" if backup.kind == "sqlite" else "PostgreSQL",
            )
        )
    if backup.revision is not None and backup.revision > migrate.newest():
        raise Conflict(
            T(
                "{file} was made by a newer version of the engine (schema {revision}; this one knows {newest}). "
                "Install that version first.",
                file=str(file),
                revision=backup.revision,
                newest=migrate.newest(),
            )
        )
    with alone(settings):
        if settings.database_url is None:
            aside = await asyncio.to_thread(_restore_sqlite, settings, backup, force=force)
        else:
            aside = await _restore_postgres(settings, settings.database_url.get_secret_value(), backup, force=force)
    return Restored(backup, aside, _key(settings, backup.manifest))


def _restore_sqlite(settings: Settings, backup: Examined, *, force: bool) -> Path | None:
    present = sqlite_path(settings.data_dir)
    aside = settings.data_dir / _aside_name()
    if present.exists():
        with suppress(DamagedError):  # what cannot be read is kept aside, and nothing is newer than the backup
            _refuse_newer(sqlite_copy.newest(present), backup, force=force, aside=aside)
    part = present.with_name(f"{present.name}.restoring")
    for left in (part, part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
        left.unlink(missing_ok=True)
    with places.understood(settings.data_dir):
        places.room_for(settings.data_dir, backup.file.stat().st_size)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        shutil.copyfile(backup.file, part)
        _settle_sqlite(part, backup)
        sqlite_copy.sync(part)
        kept = _put_aside(present, aside)
        part.replace(present)
        sqlite_copy.sync(settings.data_dir)
    return kept


def _put_aside(present: Path, aside: Path) -> Path | None:
    """Keep the database that is there; it stays in place as well, so that at every moment there is a whole one."""
    if present.exists():
        sqlite_copy.fold(present)
    beside = [path for path in (present.with_name(f"{present.name}{end}") for end in ("-wal", "-shm")) if path.exists()]
    if not present.exists() and not beside:
        return None
    aside.mkdir(mode=0o700)
    for path in beside:  # a log that could not be folded in must not be read into another database
        path.rename(aside / path.name)
    if not present.exists():
        return None
    try:
        os.link(present, aside / present.name)
    except OSError:  # not every file system has links
        shutil.copy2(present, aside / present.name)
    return aside / present.name


def _settle_sqlite(part: Path, backup: Examined) -> None:
    engine = sqlite_engine(part, writer=True)
    try:
        with engine.begin() as connection:
            _settle(connection, backup)
    finally:
        engine.dispose()


async def _restore_postgres(settings: Settings, url: str, backup: Examined, *, force: bool) -> Path | None:
    folder = settings.backup_folder.absolute()
    aside = folder / f"{_aside_name()}.dump"
    async with opened(url) as db:
        before = await db.alone(_refuse_at_work)
        held = "events" in before
        if held and "audit" in before:
            newest = await db.alone(lambda connection: connection.execute(sa.text(sqlite_copy.NEWEST)).scalar())
            _refuse_newer(newest, backup, force=force, aside=aside)
        inside = await asyncio.to_thread(postgres.tables, backup.file)
        if held:
            with places.understood(folder), places.taken(folder), places.writing(aside) as part:
                await asyncio.to_thread(postgres.dump, url, part, stopped=bool)
                sqlite_copy.sync(part)
                part.rename(aside)
        await asyncio.to_thread(postgres.restore, url, backup.file)
        await db.alone(_finish, sorted((before & tables.ALL.keys()) - inside), backup)
    return aside if held else None


def _refuse_at_work(connection: sa.Connection) -> set[str]:
    """Return the tables that are there; raise `Conflict` while anybody else is connected."""
    others = connection.execute(
        sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
    ).scalar_one()
    if others:
        raise Conflict(
            T(
                "Somebody is at work on the database ({count} connections). Stop every node first, and close what else "
                "is connected to it.",
                count=others,
            )
        )
    return set(sa.inspect(connection).get_table_names())


def _finish(connection: sa.Connection, left: list[str], backup: Examined) -> None:
    """Drop the tables that only a newer schema has, so that an upgrade can make them; settle it."""
    for name in left:
        connection.execute(sa.text(f'DROP TABLE "{name}" CASCADE'))
    _settle(connection, backup)


def _settle(connection: sa.Connection, backup: Examined) -> None:
    """End the sessions of that time, for somebody may have signed out since; note what was done."""
    there = set(sa.inspect(connection).get_table_names())
    if sessions.SESSIONS.name in there:
        sessions.end_all(connection)
    if "audit" in there:
        manifest = backup.manifest
        after = {"file": backup.file.name, "made_at": manifest.made_at if manifest else None}
        subject = manifest.id if manifest else ""
        entry = audit.row(SystemClock().now(), LOCAL, "backup.restored", subject=subject, after=after)
        audit_rows.add(connection, entry)


def _refuse_newer(newest: float | None, backup: Examined, *, force: bool, aside: Path) -> None:
    at = backup.manifest.at if backup.manifest else None
    if force or newest is None or (at is not None and newest <= at):
        return
    raise Conflict(
        T(
            "The data here are newer than the backup: the last event or change is of {newest}, the backup of {at}. "
            "What came in between would be gone. With --force it is restored all the same, and what is here now is "
            "kept in {aside}.",
            newest=moment(newest),
            at=moment(at) if at is not None else "?",
            aside=str(aside),
        ),
        newest=moment(newest),
    )


def _key(settings: Settings, manifest: Manifest | None) -> Key:
    if manifest is None or not manifest.key_fingerprints:
        return "unknown"
    here = fingerprints_of(settings)
    if not here:
        return "none"
    return "fits" if set(manifest.key_fingerprints) <= set(here) else "another"


def _aside_name() -> str:
    return f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
