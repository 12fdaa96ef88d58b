"""The database: how functions of a connection are run, on SQLite and on PostgreSQL alike.

Every storage function is plain and synchronous: it takes a `Connection` and values, and returns values. `Database.read`
runs it on a reading connection; `Database.write` and `Database.submit` hand it to the one writer of this process, which
runs all that waits in one transaction (group commit) and answers each after its COMMIT. On SQLite the writer is a
thread with its own connection (BEGIN IMMEDIATE, so "database is locked" cannot happen between our own), on PostgreSQL a
task over asyncpg. Nothing that a storage function does may depend on being run once: after an error the transaction is
rolled back and each of its functions is run again alone, so that a bad one fails by itself.

A database that is away or silent is `storage.away.DatabaseAwayError`. On PostgreSQL a transaction has
`storage.postgres.ANSWER_SECONDS`: what may touch any number of rows does it in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, Protocol

import sqlalchemy as sa

from storage.dialect import Work
from storage.group_commit import Item, P, R
from storage.postgres import PostgresDatabase
from storage.sqlite import SqliteDatabase


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

    async def alone(self, function: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `function` in a transaction of its own that may take as long as it takes: a migration."""
        ...

    def waiting(self) -> int:
        """Return how many items wait for the writer: its backlog."""
        ...

    def on_work(self, work: Work, callback: Callable[[], None]) -> None:
        """Call `callback` (in the event loop) after every transaction, of any node, that has announced such work."""
        ...

    def hurry(self) -> None:
        """Stop soon: from now on a database that does not answer is waited for a few seconds in all."""
        ...

    async def close(self) -> None:
        """Write what waits, then close."""
        ...


async def open_database(url: str | None, folder: Path) -> Database:
    """Open PostgreSQL at `url`, or SQLite in `folder` where there is none; `storage.migrate` then makes its schema.

    Raises `storage.sqlite.AlreadyRunningError` when another process has the SQLite database.
    """
    return SqliteDatabase(folder) if url is None else PostgresDatabase(url)
