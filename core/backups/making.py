"""Making one backup: copied beside its later place, brought to the disk, read back, and only then called one.

All of it is run in a thread, for it takes as long as the disk takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core import VERSION
from core.backups import folder as places
from core.backups import postgres
from core.backups.manifest import Kind, Maker, Manifest, digest, free_name
from core.clock import moment
from core.config import Settings
from core.errors import CcbError
from core.texts import T
from storage import sqlite_copy
from storage.sqlite import sqlite_path
from storage.sqlite_copy import DamagedError, sync


@dataclass(frozen=True)
class Order:
    """What is to be made. `revision` and `counts`: of PostgreSQL, which is asked for them before."""

    id: str
    settings: Settings
    made_by: Maker
    at: float
    fingerprints: tuple[str, ...]
    revision: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Which database it is."""
        return "sqlite" if self.settings.database_url is None else "postgresql"


@dataclass(frozen=True)
class Made:
    """A backup that is there, and the manifests of older ones that were deleted for it."""

    path: Path
    manifest: Manifest
    deleted: tuple[Manifest, ...]


def make(order: Order, *, stopped: Callable[[], bool]) -> Made:
    """Make a backup, then delete those that need not be kept any longer.

    Raises `CcbError` in words for people, and `StoppedError` once `stopped()`; either way nothing is left of it.
    """
    folder = order.settings.backup_folder.absolute()
    with places.understood(folder), places.taken(folder):
        try:
            places.room_for(folder, _size(order, folder))
            path, manifest = _write(order, folder, stopped)
        except sqlite_copy.CopyError as error:
            raise CcbError(
                T("The database could not be copied to {folder}: {reason}.", folder=str(folder), reason=str(error)),
                error="Backup failed",
                folder=str(folder),
            ) from error
        return Made(path, manifest, tuple(places.prune(folder, order.settings.backup_keep)))


def verify(file: Path, kind: Kind, *, stopped: Callable[[], bool] = bool) -> sqlite_copy.Contents | None:
    """Read a backup as a whole; return what is in it (of PostgreSQL's nobody can tell); raise `DamagedError`."""
    if kind == "sqlite":
        return sqlite_copy.contents(file, stopped=stopped)
    postgres.check(file, stopped=stopped)
    return None


def _size(order: Order, folder: Path) -> int:
    """Return how large it will be: as SQLite's file is, or about as large as the last of PostgreSQL's."""
    if order.kind == "sqlite":
        return sqlite_copy.size(sqlite_path(order.settings.data_dir))
    there = places.whole(folder)
    return there[-1][1].size * 6 // 5 if there else 0


def _write(order: Order, folder: Path, stopped: Callable[[], bool]) -> tuple[Path, Manifest]:
    began = time.monotonic()
    path = folder / free_name(folder, order.kind, order.at)
    with places.writing(path) as part:
        _copy(order, part, stopped)
        sync(part)
        try:
            found = verify(part, order.kind, stopped=stopped)
        except DamagedError as error:
            raise CcbError(
                T(
                    "The backup was written, and is damaged when it is read back: {reason}. It is deleted. Look "
                    "after the disk of {folder}, and after the database: `ccb backup` tries again.",
                    reason=str(error),
                    folder=str(folder),
                ),
                error="Backup failed",
                folder=str(folder),
            ) from None
        manifest = Manifest(
            id=order.id,
            kind=order.kind,
            file=path.name,
            made_at=moment(order.at),
            made_by=order.made_by,
            version=VERSION,
            revision=found.revision if found else order.revision,
            key_fingerprints=order.fingerprints,
            counts=dict(found.counts if found else order.counts),
            size=part.stat().st_size,
            sha256=digest(part, stopped=stopped),
            seconds=round(time.monotonic() - began, 3),
        )
        places.commit(part, path, manifest)
    return path, manifest


def _copy(order: Order, part: Path, stopped: Callable[[], bool]) -> None:
    url = order.settings.database_url
    if url is None:
        sqlite_copy.copy(sqlite_path(order.settings.data_dir), part, stopped=stopped)
    else:
        postgres.dump(url.get_secret_value(), part, stopped=stopped)
