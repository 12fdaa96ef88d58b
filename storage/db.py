"""The database: how functions of a connection are run, on SQLite and on PostgreSQL. All dialect differences are here.

Every storage function is plain and synchronous: it takes a `Connection` and values, and returns values. `Database.read`
runs it on a reading connection; `Database.write` and `Database.submit` hand it to the one writer of this process, which
runs all that waits in one transaction (group commit) and answers each after its COMMIT. On SQLite the writer is a
thread with its own connection (BEGIN IMMEDIATE, so "database is locked" cannot happen between our own), on PostgreSQL a
task over asyncpg. Nothing that a storage function does may depend on being run once: after an error the transaction is
rolled back and each of its functions is run again alone, so that a bad one fails by itself.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

P = ParamSpec("P")
R = TypeVar("R")
Item = TypeVar("Item")
Batch = Callable[[sa.Connection, Sequence[Any]], Sequence[Any]]

GROUP_LIMIT = 256
"""Most items in one transaction: more would make the first wait for the last."""
CHANNEL = "ccb_work"
"""The channel of LISTEN and NOTIFY on PostgreSQL."""
_ANNOUNCED = "ccb_announced"
READERS = 4
"""Reading connections on SQLite (threads)."""


class AlreadyRunningError(Exception):
    """Another process has this SQLite database open; `pid` is its number where known."""

    def __init__(self, path: Path, pid: str) -> None:
        super().__init__(f"process {pid or '?'} has {path} open")
        self.path = path
        self.pid = pid


class Waiting(Generic[Item]):
    """One item on its way into the next transaction."""

    __slots__ = ("batch", "future", "item")

    def __init__(self, batch: Batch, item: Item, future: asyncio.Future[Any]) -> None:
        self.batch = batch
        self.item = item
        self.future = future


class Database(Protocol):
    """A database that is open."""

    dialect: str
    shared: bool
    """Whether other nodes write to it too, so that what is kept in memory grows old."""

    async def read(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function` on a reading connection and return its result."""
        ...

    async def write(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function` in the next transaction; returns after COMMIT."""
        ...

    async def submit(self, batch: Callable[[sa.Connection, Sequence[Item]], Sequence[R]], item: Item) -> R:
        """Put `item` into the next transaction, where `batch` takes all items of its kind at once; after COMMIT."""
        ...

    def waiting(self) -> int:
        """Return how many items wait for the writer: its backlog."""
        ...

    def on_work(self, callback: Callable[[], None]) -> None:
        """Call `callback` (in the event loop) after every transaction, of any node, that said `announce`."""
        ...

    async def close(self) -> None:
        """Write what waits, then close."""
        ...


async def open_database(url: str | None, folder: Path) -> Database:
    """Open PostgreSQL at `url`, or SQLite in `folder` where there is none. The schema must be there (`migrate`).

    Raises `AlreadyRunningError` when another process has the SQLite database.
    """
    if url is None:
        return SqliteDatabase(folder)
    return PostgresDatabase(url)


def sqlite_path(folder: Path) -> Path:
    """Return the database file in a data folder."""
    return folder / "ccb.db"


def postgres_url(url: str) -> sa.URL:
    """Return `url` with the asyncpg driver, whatever form of postgres:// it was given in."""
    return make_url(url).set(drivername="postgresql+asyncpg")


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


class _GroupCommit:
    """What both dialects share: the line of items before the writer."""

    def __init__(self) -> None:
        self._line: list[Waiting[Any]] = []
        self._lock = threading.Lock()
        self._closing = False
        self._callbacks: list[Callable[[], None]] = []

    def on_work(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def _work_announced(self) -> None:
        for callback in self._callbacks:
            callback()

    def waiting(self) -> int:
        return len(self._line)

    async def write(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await self.submit(_one_by_one, lambda connection: function(connection, *args, **kwargs))
        return result

    async def submit(self, batch: Callable[[sa.Connection, Sequence[Item]], Sequence[R]], item: Item) -> R:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._closing:
                raise RuntimeError("the database is closed")
            self._line.append(Waiting(batch, item, future))
            first = len(self._line) == 1
        if first:
            self._wake()
        return await future

    def _wake(self) -> None:
        raise RuntimeError("given by the dialect")

    def _take(self) -> list[Waiting[Any]]:
        with self._lock:
            taken, self._line = self._line[:GROUP_LIMIT], self._line[GROUP_LIMIT:]
        return taken


def _one_by_one(connection: sa.Connection, functions: Sequence[Callable[[sa.Connection], Any]]) -> list[Any]:
    return [function(connection) for function in functions]


def _run_group(connection: sa.Connection, group: Sequence[Waiting[Any]]) -> list[Any]:
    """Run a group's batches in the order in which their first items came; return results in the group's order."""
    kinds: dict[Batch, list[int]] = {}
    for place, waiting in enumerate(group):
        kinds.setdefault(waiting.batch, []).append(place)
    results: list[Any] = [None] * len(group)
    for batch, places in kinds.items():
        for place, result in zip(places, batch(connection, [group[p].item for p in places]), strict=True):
            results[place] = result
    return results


Settled = list[tuple[Waiting[Any], Any, BaseException | None]]


def _settle(settled: Settled) -> None:
    for waiting, result, error in settled:
        if waiting.future.done():  # whoever asked has gone away; the write stands
            continue
        if error is None:
            waiting.future.set_result(result)
        else:
            waiting.future.set_exception(error)


class SqliteDatabase(_GroupCommit):
    """SQLite in a folder: one writing thread, a few reading ones, one process (kept by a lock file)."""

    dialect = "sqlite"
    shared = False

    def __init__(self, folder: Path) -> None:
        super().__init__()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lockfile = _lock_folder(folder)
        path = sqlite_path(folder)
        path.touch(mode=0o600)  # bodies of events are nobody else's business; -wal and -shm take the same mode
        self._writer_engine = sqlite_engine(path, writer=True)
        self._reader_engine = sqlite_engine(path, writer=False, pool_size=READERS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-read")
        self._loop = asyncio.get_running_loop()
        self._work = threading.Event()
        self._thread = threading.Thread(target=self._write_forever, name="sqlite-write", daemon=True)
        self._thread.start()

    async def read(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def reading() -> R:
            with self._reader_engine.begin() as connection:
                return function(connection, *args, **kwargs)

        return await self._loop.run_in_executor(self._readers, reading)

    async def close(self) -> None:
        with self._lock:
            self._closing = True
        self._work.set()
        await self._loop.run_in_executor(None, self._thread.join)
        self._readers.shutdown()
        self._writer_engine.dispose()
        self._reader_engine.dispose()
        self._lockfile.close()

    def _wake(self) -> None:
        self._loop.call_soon(self._work.set)  # after what else this turn of the loop submits: larger groups, no delay

    def _write_forever(self) -> None:
        with self._writer_engine.connect() as connection:
            while True:
                self._work.wait()
                self._work.clear()
                while group := self._take():
                    settled = self._commit(connection, group)
                    with suppress(RuntimeError):  # the loop is gone: nobody waits for the answer
                        self._loop.call_soon_threadsafe(_settle, settled)
                if self._closing:
                    return

    def _commit(self, connection: sa.Connection, group: list[Waiting[Any]]) -> Settled:
        try:
            with connection.begin():
                connection.info.pop(_ANNOUNCED, None)
                results = _run_group(connection, group)
                announced = connection.info.pop(_ANNOUNCED, False)
        except Exception as error:  # noqa: BLE001 - whatever a batch raises belongs to whoever submitted it
            if len(group) > 1:
                return [settled for waiting in group for settled in self._commit(connection, [waiting])]
            return [(group[0], None, error)]
        if announced:
            self._loop.call_soon_threadsafe(self._work_announced)
        return [(waiting, result, None) for waiting, result in zip(group, results, strict=True)]


class PostgresDatabase(_GroupCommit):
    """PostgreSQL through asyncpg: many nodes, each with one writer."""

    dialect = "postgresql"
    shared = True

    def __init__(self, url: str) -> None:
        super().__init__()
        self._engine: AsyncEngine = create_async_engine(
            postgres_url(url), pool_size=READERS + 1, max_overflow=10, pool_pre_ping=True, hide_parameters=True
        )
        self._work = asyncio.Event()
        self._task = asyncio.create_task(self._write_forever(), name="postgres-write")
        self._listening: asyncio.Task[None] | None = None

    def on_work(self, callback: Callable[[], None]) -> None:
        super().on_work(callback)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen_forever(), name="postgres-listen")

    async def _listen_forever(self) -> None:
        """Hear the announcements of all nodes, on a connection of our own; connect again when it breaks."""
        while True:
            broken = asyncio.Event()
            try:
                connection = await asyncpg.connect(
                    self._engine.url.set(drivername="postgresql").render_as_string(False)
                )
                try:
                    connection.add_termination_listener(lambda *_, over=broken: over.set())
                    await connection.add_listener(CHANNEL, lambda *_: self._work_announced())
                    self._work_announced()  # whatever was said while nobody listened
                    await broken.wait()
                finally:
                    await connection.close()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(1)  # the server is away: try again in a second

    async def read(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        async with self._engine.connect() as connection:
            return await connection.run_sync(function, *args, **kwargs)

    async def close(self) -> None:
        with self._lock:
            self._closing = True
        self._work.set()
        await self._task
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._engine.dispose()

    def _wake(self) -> None:
        self._work.set()

    async def _write_forever(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while group := self._take():
                _settle(await self._commit(group))
            if self._closing:
                return

    async def _commit(self, group: list[Waiting[Any]]) -> Settled:
        try:
            async with self._engine.begin() as connection:
                results = await connection.run_sync(_run_group, group)
        except Exception as error:  # noqa: BLE001 - whatever a batch raises belongs to whoever submitted it
            if len(group) > 1:
                return [settled for waiting in group for settled in await self._commit([waiting])]
            return [(group[0], None, error)]
        return [(waiting, result, None) for waiting, result in zip(group, results, strict=True)]


def _lock_folder(folder: Path) -> IO[str]:
    """Take the folder for this process (flock is let go by the kernel even when the process is killed)."""
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


def for_update(connection: sa.Connection, statement: sa.Select[Any], *, skip_locked: bool = False) -> sa.Select[Any]:
    """Lock the chosen rows where rows can be locked; SQLite's writer holds the whole database already."""
    if connection.dialect.name == "postgresql":
        return statement.with_for_update(skip_locked=skip_locked)
    return statement


def announce(connection: sa.Connection) -> None:
    """Say, when this transaction commits, that there may be work: every node's workers hear it (`Database.on_work`)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
    else:
        connection.info[_ANNOUNCED] = True


def upsert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return an INSERT of `table` that knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(table)
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(table)


def where(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index partial, on both dialects."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A counting primary key: SQLite counts only an INTEGER one."""
