"""PostgreSQL through asyncpg: many nodes, each with one writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Concatenate
from weakref import WeakSet

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.address import address
from storage.away import DatabaseAwayError, DatabaseSilentError
from storage.dialect import CHANNEL, Work
from storage.group_commit import GroupCommit, P, R, Settled, Waiting, run_group, settle

CONNECTIONS = 5
"""Connections kept open; more are made under load and closed again."""
ANSWER_SECONDS = 8.0
"""How long a transaction may take, and how long getting a connection for it: below the ten seconds for which most
senders of webhooks wait, so that they are told to come again. What takes longer by its nature is done in parts, or
by `alone`."""
LAST_SECONDS = 4.0
"""The same at a stop."""
SILENT = "it does not answer in time"
AWAY_STATES = ("08", "57P")
"""SQLSTATE classes of a lost connection and of a server that shuts down or starts."""


class PostgresDatabase(GroupCommit):
    """PostgreSQL through asyncpg: many nodes, each with one writer."""

    dialect = "postgresql"
    shared = True

    def __init__(self, url: str) -> None:
        super().__init__()
        self._address, self._timeout = address(url)
        self._connections: WeakSet[asyncpg.Connection] = WeakSet()
        self._seconds = ANSWER_SECONDS
        self._waits: set[asyncio.Timeout] = set()
        self._uses: set[asyncpg.Connection] = set()
        self._hurried = False
        self._given_up = False
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=partial(self._connect, ANSWER_SECONDS),
            pool_size=CONNECTIONS,
            max_overflow=10,
            hide_parameters=True,  # an error must not show what was written
        )
        sa.event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._work = asyncio.Event()
        self._task = asyncio.create_task(self._write_forever(), name="postgres-write")
        self._listening: asyncio.Task[None] | None = None

    async def _connect(self, seconds: float | None) -> asyncpg.Connection:
        """Make a connection; asyncpg itself reads the address with all that libpq allows in it (sslmode, host, …).

        `seconds`: how long one statement may take.
        """
        connection = await asyncpg.connect(self._address, timeout=self._timeout, command_timeout=seconds)
        self._connections.add(connection)
        return connection

    def on_work(self, work: Work, callback: Callable[[], None]) -> None:
        super().on_work(work, callback)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen_forever(), name="postgres-listen")

    async def _listen_forever(self) -> None:
        """Hear the announcements of all nodes, on a connection of our own; connect again when it breaks."""
        while True:
            broken = asyncio.Event()
            try:
                connection = await self._connect(ANSWER_SECONDS)
                try:
                    connection.add_termination_listener(lambda *_, over=broken: over.set())
                    await connection.add_listener(CHANNEL, self._heard)
                    self.work_announced()  # whatever was said while nobody listened
                    await broken.wait()
                finally:
                    await connection.close(timeout=1)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(1)  # the server is away: try again in a second

    def _heard(self, _connection: object, _process: int, _channel: str, announced: str) -> None:
        self.work_announced(announced)

    async def read(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        async with self._connected() as connection:
            return await connection.run_sync(function, *args, **kwargs)

    async def alone(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=partial(self._connect, None), poolclass=sa.NullPool,
            hide_parameters=True,
        )  # fmt: skip
        async with engine.begin() as connection:
            return await connection.run_sync(function, *args, **kwargs)

    def hurry(self) -> None:
        if self._hurried:
            return
        self._hurried, self._seconds = True, LAST_SECONDS
        asyncio.get_running_loop().call_later(LAST_SECONDS, self._give_up_if_any, {*self._waits, *self._uses})

    async def close(self) -> None:
        self.hurry()
        with self._lock:
            self._closing = True
        self._work.set()
        await self._task
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError, TimeoutError):
                await self._listening
        late = asyncio.get_running_loop().call_later(1, self._give_up)
        await self._engine.dispose()
        late.cancel()

    def _wake(self) -> None:
        self._work.set()

    async def _write_forever(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while group := self.take():
                settled = await self._commit(group)
                settle(settled)
                if isinstance(settled[0][2], DatabaseSilentError):
                    self._turn_away(str(settled[0][2]))
            if self._closing:
                return

    def _turn_away(self, reason: str) -> None:
        """Answer all that waits as well, each of which would wait as long again."""
        while group := self.take():
            settle([(waiting, None, DatabaseSilentError(reason)) for waiting in group])

    async def _commit(self, group: list[Waiting[object]]) -> Settled:
        try:
            async with self._connected() as connection, connection.begin():
                results = await connection.run_sync(run_group, group)
        except DatabaseAwayError as error:  # no other order of its parts would mend it; its COMMIT may have been made
            return [(waiting, None, error) for waiting in group]
        except Exception as error:  # noqa: BLE001 - whatever a batch raises belongs to whoever submitted it
            if len(group) > 1:
                return [settled for waiting in group for settled in await self._commit([waiting])]
            return [(waiting, None, error) for waiting in group]
        return [(waiting, result, None) for waiting, result in zip(group, results, strict=True)]

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for one transaction; raise `DatabaseAwayError` when there is none, or it breaks.

        What takes too long is ended by breaking its connection: a cancelled statement would wait for the server's word.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        connection = await self._borrowed()
        assert connection.sync_connection is not None
        driver = connection.sync_connection.connection.driver_connection
        assert driver is not None
        late = loop.call_at(until, self._break, driver)
        self._uses.add(driver)
        try:
            try:
                yield connection
            finally:
                await asyncio.shield(asyncio.create_task(connection.close()))
        except (DBAPIError, OSError) as error:
            meaning = self._understood(error, silent=driver not in self._uses)
            if meaning is None:
                raise
            raise meaning from error
        finally:
            late.cancel()
            self._uses.discard(driver)

    async def _borrowed(self) -> AsyncConnection:
        """Return a connection of the pool, or a new one."""
        if self._given_up:
            raise self._silence()
        connection = self._engine.connect()
        try:
            async with asyncio.timeout(self._seconds) as wait:
                self._waits.add(wait)
                try:
                    return await connection.start()
                finally:
                    self._waits.discard(wait)
        except TimeoutError as error:
            raise self._silence() from error
        except (DBAPIError, OSError) as error:  # whatever it is that stands in the way of a connection
            raise DatabaseAwayError(_reason(error)) from error

    def _understood(self, error: DBAPIError | OSError, *, silent: bool) -> DatabaseAwayError | None:
        """Return what an error of a connection means, if it is the connection's; `silent`: we broke it ourselves."""
        if silent:
            return self._silence()
        return DatabaseAwayError(_reason(error)) if _away(error) else None

    def _silence(self) -> DatabaseSilentError:
        """Return the error of having waited too long; at a stop nothing more is waited for then."""
        if self._hurried and not self._given_up:
            self._give_up()
        return DatabaseSilentError(SILENT)

    def _break(self, driver: asyncpg.Connection) -> None:
        """End what waits for an answer on a connection."""
        self._uses.discard(driver)
        driver.terminate()

    def _give_up(self) -> None:
        """End all that waits for the database, at once and from now on."""
        self._given_up = True
        for driver in list(self._connections):
            self._break(driver)
        for wait in self._waits:
            wait.reschedule(0)

    def _give_up_if_any(self, early: set[object]) -> None:
        """Give up if something is still under way that was so when the stop began."""
        if early & (self._waits | self._uses):
            self._give_up()


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Let the pool make a new connection in place of one that the server has closed; asking it each time would cost."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _away(error: DBAPIError | OSError) -> bool:
    """Say whether a transaction failed for want of a connection, which no other order of its parts would mend."""
    if isinstance(error, OSError) or error.connection_invalidated:
        return True
    return str(getattr(error.orig, "sqlstate", None)).startswith(AWAY_STATES)


def _reason(error: DBAPIError | OSError) -> str:
    """Return what the server or the system said, on one line."""
    cause = error.orig.__cause__ or error.orig if isinstance(error, DBAPIError) and error.orig else error
    return " ".join(str(cause).split()) or type(cause).__name__
