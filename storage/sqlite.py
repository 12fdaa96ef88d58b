"""SQLite: one writing thread, a few reading ones, one process."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Concatenate

import sqlalchemy as sa

from storage.dialect import ANNOUNCED
from storage.group_commit import GroupCommit, P, R, Settled, Waiting, run_group, settle

READERS = 4
"""Reading connections (threads)."""


class AlreadyRunningError(Exception):
    """Another process has this SQLite database open; `pid` is its number where known."""

    def __init__(self, path: Path, pid: str) -> None:
        super().__init__(f"process {pid or '?'} has {path} open")
        self.path = path
        self.pid = pid


class SqliteDatabase(GroupCommit):
    """SQLite in a folder: one writing thread, a few reading ones, one process (kept by a lock file)."""

    dialect = "sqlite"
    shared = False

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lockfile = lock_folder(folder)
        path = sqlite_path(folder)
        path.touch(mode=0o600)  # bodies of events are nobody else's business; -wal and -shm take the same mode
        self._writer_engine = sqlite_engine(path, writer=True)
        self._reader_engine = sqlite_engine(path, writer=False, pool_size=READERS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-read")
        self._loop = asyncio.get_running_loop()
        self._work = threading.Event()
        self._connection = self._writer_engine.connect()  # here, so that a damaged file ends the start
        self._thread = threading.Thread(target=self._write_forever, name="sqlite-write", daemon=True)
        self._thread.start()

    async def read(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def reading() -> R:
            with self._reader_engine.begin() as connection:
                return function(connection, *args, **kwargs)

        return await self._loop.run_in_executor(self._readers, reading)

    async def alone(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.write(function, *args, **kwargs)

    def hurry(self) -> None:
        """Nothing to do: the file is at hand."""

    async def close(self) -> None:
        with self._lock:
            self._closing = True
        self._work.set()
        await self._loop.run_in_executor(None, self._thread.join)
        self._readers.shutdown()
        self._connection.close()
        self._writer_engine.dispose()
        self._reader_engine.dispose()
        self._lockfile.close()

    def _wake(self) -> None:
        self._loop.call_soon(self._work.set)  # after what else this turn of the loop submits: larger groups, no delay

    def _write_forever(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            while group := self.take():
                settled = self._commit(self._connection, group)
                with suppress(RuntimeError):  # the loop is gone: nobody waits for the answer
                    self._loop.call_soon_threadsafe(settle, settled)
            if self._closing:
                return

    def _commit(self, connection: sa.Connection, group: list[Waiting[Any]]) -> Settled:
        try:
            with connection.begin():
                connection.info.pop(ANNOUNCED, None)
                results = run_group(connection, group)
                announced = connection.info.pop(ANNOUNCED, ())
        except Exception as error:  # noqa: BLE001 - whatever a batch raises belongs to whoever submitted it
            if len(group) > 1:
                return [settled for waiting in group for settled in self._commit(connection, [waiting])]
            return [(group[0], None, error)]
        for work in announced:
            self._loop.call_soon_threadsafe(self.work_announced, work)
        return [(waiting, result, None) for waiting, result in zip(group, results, strict=True)]


def sqlite_path(folder: Path) -> Path:
    """Return the database file in a data folder."""
    return folder / "ccb.db"


def sqlite_engine(path: Path, *, writer: bool, pool_size: int = 1) -> sa.Engine:
    """Return an engine on the file with the durability that the promise needs (WAL, synchronous FULL)."""
    engine = sa.create_engine(
        f"sqlite+pysqlite:///{path}", poolclass=sa.QueuePool, pool_size=pool_size, max_overflow=0,
        connect_args={"check_same_thread": False, "cached_statements": 512},
        hide_parameters=True,  # an error must not show what was written
    )  # fmt: skip

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=15000",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def lock_folder(folder: Path) -> IO[str]:
    """Take the folder for this process, until what is returned is closed; raise `AlreadyRunningError`.

    flock is let go by the kernel even when the process is killed.
    """
    path = folder / "ccb.lock"
    lockfile = path.open("a+")
    try:
        fcntl.flock(lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lockfile.seek(0)
        pid = lockfile.read().strip()
        lockfile.close()
        raise AlreadyRunningError(folder, pid) from None
    lockfile.seek(0)
    lockfile.truncate()
    lockfile.write(str(os.getpid()))
    lockfile.flush()
    return lockfile
