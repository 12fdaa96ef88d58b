"""Copies of a SQLite database: made while it is written to, looked at, put in place of it. All of it takes its time.

A copy is made page by page within one reading transaction: SQLite's backup of single steps begins anew whenever
somebody writes between two of them, so that under load it never ends
(https://www.sqlite.org/c3ref/backup_finish.html, "sqlite3_backup_step"). In WAL mode the reader stops no writer; the
log only grows as long as it reads. What it takes from others is the disk and the processor, hence the rests.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

COUNTED = ("integrations", "events", "effects", "alerts", "api_keys", "audit")
"""The tables whose rows are counted."""
NEWEST = """
SELECT max(moment) FROM (
    SELECT max(received_at) AS moment FROM (SELECT received_at FROM events ORDER BY id DESC LIMIT 1) AS last_event
    UNION ALL
    SELECT max(at) FROM (
        SELECT at FROM audit WHERE action <> 'deployed' AND action NOT LIKE 'backup.%' ORDER BY id DESC LIMIT 1
    ) AS last_change
) AS moments
"""
"""When the last event was received, or the last change made, whichever is later. Starts and backups are neither."""
PAGES = 256
"""Copied at once, between two looks whether to stop: a megabyte."""
STEPS_TO_DISK = 16
"""After so many such steps what was copied is brought to the disk: all at once, at the end, would make every commit
wait for seconds."""
LONGEST_REST = 0.1
STEPS = 100_000
"""Of SQLite's machine, between two such looks."""


class StoppedError(Exception):
    """It was told to stop in the middle."""


class CopyError(Exception):
    """It could not be copied; the message is SQLite's own."""


class DamagedError(Exception):
    """The file is not a whole database; the message is SQLite's own."""


@dataclass(frozen=True)
class Contents:
    """What is in a database. `revision`: of its schema, None where it has none."""

    revision: str | None
    counts: dict[str, int]


class Pace:
    """Rests as long as it worked, so that others get the disk and the processor in between."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def rest(self) -> None:
        """Sleep for as long as it has been since the last rest, a moment at the most."""
        time.sleep(min(LONGEST_REST, time.monotonic() - self._since))
        self._since = time.monotonic()


def size(path: Path) -> int:
    """Return how many bytes a copy takes; raise `CopyError`."""
    with _understood(), closing(_opened(path)) as connection:
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
        page: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return pages * page


def copy(source: Path, target: Path, *, stopped: Callable[[], bool]) -> None:
    """Write what `source` holds at this moment into the file `target`, which is there and empty.

    Whether it reaches the disk is the caller's business. Raises `CopyError` (of a full disk an `OSError`), and
    `StoppedError` once `stopped()`.
    """

    steps, pace = 0, Pace()

    def look(*_: int) -> None:
        nonlocal steps
        if stopped():
            raise StoppedError
        steps += 1
        if steps % STEPS_TO_DISK == 0:
            sync(target)
        pace.rest()

    with (
        _understood(),
        closing(_opened(source)) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it is this moment's
        writing.execute("PRAGMA synchronous=OFF")
        writing.execute("PRAGMA journal_mode=OFF")
        reading.backup(writing, pages=PAGES, progress=look)
        writing.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it


def contents(path: Path, *, stopped: Callable[[], bool] = bool) -> Contents:
    """Check every page of a copy and count what is in it; raise `DamagedError`, or `StoppedError` once `stopped()`."""
    with _read_only(path, stopped) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise DamagedError(str(found).splitlines()[0])
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        revision = None
        if "alembic_version" in tables:
            revision = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()[0]
        counted = [name for name in COUNTED if name in tables]
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 - names of our own
            for name in counted
        }
    return Contents(revision, counts)


def newest(path: Path) -> float | None:
    """Return when the last thing that counts (`NEWEST`) was stored in a database that nobody has open.

    Raises `DamagedError` where it cannot be read.
    """
    try:
        with closing(_opened(path)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"events", "audit"} <= tables:
                return None
            found: float | None = connection.execute(NEWEST).fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise DamagedError(str(error)) from None
    return found


def fold(path: Path) -> None:
    """Bring what stands in the log beside a database into its file, as far as it can be read."""
    with suppress(sqlite3.DatabaseError), closing(_opened(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=15000")
    return connection


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise CopyError(str(error)) from error


@contextmanager
def _read_only(path: Path, stopped: Callable[[], bool]) -> Iterator[sqlite3.Connection]:
    """Open a file that nobody writes to, without leaving anything beside it."""
    told, pace = False, Pace()

    def look() -> bool:
        nonlocal told
        told = told or stopped()
        pace.rest()
        return told

    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.set_progress_handler(look, STEPS)
            yield connection
    except sqlite3.DatabaseError as error:
        if told:
            raise StoppedError from None
        raise DamagedError(str(error)) from None


def sync(path: Path) -> None:
    """See that a file, or what stands in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
