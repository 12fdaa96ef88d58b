"""PostgreSQL through asyncpg: many nodes, each with one writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Concatenate

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.dialect import CHANNEL
from storage.group_commit import GroupCommit, P, R, Settled, Waiting, run_group, settle

CONNECTIONS = 5
"""Connections kept open; more are made under load and closed again."""
CONNECT_SECONDS = 10.0
"""How long a connection may take to be made."""


class PostgresDatabase(GroupCommit):
    """PostgreSQL through asyncpg: many nodes, each with one writer."""

    dialect = "postgresql"
    shared = True

    def __init__(self, url: str) -> None:
        super().__init__()
        self._address, self._timeout = address(url)
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=CONNECTIONS,
            max_overflow=10,
            pool_pre_ping=True,
            hide_parameters=True,  # an error must not show what was written
        )
        self._work = asyncio.Event()
        self._task = asyncio.create_task(self._write_forever(), name="postgres-write")
        self._listening: asyncio.Task[None] | None = None

    async def _connect(self) -> asyncpg.Connection:
        """Make a connection; asyncpg itself reads the address with all that libpq allows in it (sslmode, host, …)."""
        return await asyncpg.connect(self._address, timeout=self._timeout)

    def on_work(self, callback: Callable[[], None]) -> None:
        super().on_work(callback)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen_forever(), name="postgres-listen")

    async def _listen_forever(self) -> None:
        """Hear the announcements of all nodes, on a connection of our own; connect again when it breaks."""
        while True:
            broken = asyncio.Event()
            try:
                connection = await self._connect()
                try:
                    connection.add_termination_listener(lambda *_, over=broken: over.set())
                    await connection.add_listener(CHANNEL, lambda *_: self.work_announced())
                    self.work_announced()  # whatever was said while nobody listened
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
            while group := self.take():
                settle(await self._commit(group))
            if self._closing:
                return

    async def _commit(self, group: list[Waiting[object]]) -> Settled:
        try:
            async with self._engine.begin() as connection:
                results = await connection.run_sync(run_group, group)
        except Exception as error:  # noqa: BLE001 - whatever a batch raises belongs to whoever submitted it
            if len(group) > 1 and not _server_is_away(error):
                return [settled for waiting in group for settled in await self._commit([waiting])]
            return [(waiting, None, error) for waiting in group]
        return [(waiting, result, None) for waiting, result in zip(group, results, strict=True)]


def address(url: str) -> tuple[str, float]:
    """Return the address as asyncpg wants it, whatever form of postgres:// it has, and the seconds to connect in."""
    parsed = make_url(url).set(drivername="postgresql")
    query = dict(parsed.query)
    seconds = query.pop("connect_timeout", CONNECT_SECONDS)
    if "ssl" in query:
        query["sslmode"] = query.pop("ssl")
    return parsed.set(query=query).render_as_string(hide_password=False), float(str(seconds))


def _server_is_away(error: Exception) -> bool:
    """Say whether a transaction failed for want of a connection, which no other order of its parts would mend."""
    return isinstance(error, OSError) or (isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated)
