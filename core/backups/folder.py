"""The folder of backups: who writes there, what is left over, how much room there is, what is kept."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from core.backups.manifest import NAME, Manifest, beside, read
from core.errors import CcbError, Conflict
from core.texts import T, Text
from storage.sqlite_copy import sync

LOCK = ".lock"
PART = ".part"
"""What stands behind a name as long as it is not whole."""
SPARE = 100 << 20
"""Bytes that stay free: below that the engine itself is in trouble."""


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Have the folder to oneself, made where it is not there, without what a killed process left.

    Raises `Conflict` while another process makes a backup in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(_for_the_owner(folder / LOCK, os.O_RDWR | os.O_CREAT)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                T("Another process makes a backup in {folder} just now. Try again when it has ended.",
                  folder=str(folder))
            ) from None  # fmt: skip
        _clear(folder)
        yield


@contextmanager
def understood(folder: Path) -> Iterator[None]:
    """Say in words why a backup could not be written."""
    try:
        yield
    except OSError as error:
        raise CcbError(_why(folder, error), error="Backup failed", folder=str(folder)) from error


def room_for(folder: Path, size: int) -> None:
    """Raise `CcbError` where so many bytes more would leave too little space."""
    free = shutil.disk_usage(folder).free
    if free < size + SPARE:
        raise CcbError(
            T(
                "There is no room for a backup in {folder}: it needs about {size} MB and 100 MB that stay free, and "
                "{free} MB are. Make room; where backups go, CCB_BACKUP_DIR says.",
                folder=str(folder),
                size=-(-size >> 20),
                free=free >> 20,
            ),
            error="Backup failed",
            folder=str(folder),
        )


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a file to write to, for its owner alone, which is not there any more if that fails."""
    part = path.with_name(path.name + PART)
    os.close(_for_the_owner(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    try:
        yield part
    except BaseException:
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)
        raise


def commit(part: Path, path: Path, manifest: Manifest) -> None:
    """Make a written file a backup. It is one from the moment of its last renaming, when all else is on the disk."""
    described = beside(path)
    with writing(described) as text:
        text.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        sync(text)
        text.rename(described)
    sync(path.parent)
    part.rename(path)
    sync(path.parent)


def whole(folder: Path) -> list[tuple[Path, Manifest]]:
    """Return the backups in a folder, the oldest first: with their manifests, and as long as those say.

    A file of another size stays where it is; `verify` says what is wrong with it.
    """
    found = []
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        if NAME.fullmatch(path.name) and (manifest := read(path)) is not None and manifest.file == path.name:
            with suppress(OSError):
                if path.stat().st_size == manifest.size:
                    found.append((path, manifest))
    return sorted(found, key=lambda one: (one[1].at, one[1].id))


def prune(folder: Path, keep: int) -> list[Manifest]:
    """Delete what need not be kept any longer; return it."""
    there = whole(folder)
    kept = chosen([manifest.at for _, manifest in there], keep)
    gone = [one for number, one in enumerate(there) if number not in kept]
    for path, _ in gone:
        path.unlink()  # first, so that a manifest alone is left, never a file that nobody can judge
        beside(path).unlink(missing_ok=True)
    return [manifest for _, manifest in gone]


def chosen(moments: Sequence[float], keep: int) -> set[int]:
    """Return which of these to keep, by their place: the newest, and of the newest days (UTC) the last of each.

    So a day of many backups does not push out those of the days before. `moments`: seconds, the oldest first.
    """
    places = range(len(moments))
    last_of_day = {datetime.fromtimestamp(moments[place], UTC).date(): place for place in places}
    days = sorted(last_of_day)[-keep:]
    return {*places[-keep:], *(last_of_day[day] for day in days)}


def _clear(folder: Path) -> None:
    """Remove what a killed process left: parts, and manifests whose file never came."""
    for path in folder.iterdir():
        name = path.name.removesuffix("-journal").removesuffix(PART)
        is_part = name != path.name and NAME.fullmatch(name.removesuffix(".json"))
        is_manifest = path.suffix == ".json" and NAME.fullmatch(path.stem)
        if is_part or (is_manifest and not path.with_suffix("").exists()):
            path.unlink()


def _for_the_owner(path: Path, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _why(folder: Path, error: OSError) -> Text:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return T(
                "The disk of {folder} is full. Make room; where backups go, CCB_BACKUP_DIR says.", folder=str(folder)
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return T(
                "The engine may not write to {folder} ({reason}). Give the folder to its user; where backups go, "
                "CCB_BACKUP_DIR says.",
                folder=str(folder), reason=_said(error),
            )  # fmt: skip
        case _:
            return T("{folder} cannot be written: {reason}.", folder=str(folder), reason=_said(error))


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__
