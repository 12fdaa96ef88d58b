"""Where SQLite and PostgreSQL differ in a statement; how they are opened and written is in `sqlite` and `postgres`."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

CHANNEL = "ccb_work"
"""The channel of LISTEN and NOTIFY on PostgreSQL."""
ANNOUNCED = "ccb_announced"
"""Under this name a connection to SQLite keeps what its transaction said to `announce`."""

Work = Literal["events", "requests"]
"""What there may be to do: events in the queue, or requests for integrations and their messages."""

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A counting primary key: SQLite counts only an INTEGER one."""


def for_update(connection: sa.Connection, statement: sa.Select[Any], *, skip_locked: bool = False) -> sa.Select[Any]:
    """Lock the chosen rows where rows can be locked; SQLite's writer holds the whole database already."""
    if connection.dialect.name == "postgresql":
        return statement.with_for_update(skip_locked=skip_locked)
    return statement


def announce(connection: sa.Connection, work: Work) -> None:
    """Say, when this transaction commits, that there may be work: every node's workers hear it (`Database.on_work`)."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}, '{work}'")
    else:
        connection.info.setdefault(ANNOUNCED, set()).add(work)


def one_at_a_time(connection: sa.Connection, key: int) -> None:
    """Let one transaction at a time past this point, until it ends; SQLite's writer is alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def upsert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return an INSERT of `table` that knows ON CONFLICT."""
    if connection.dialect.name == "postgresql":
        return postgresql_insert(table)
    return sqlite_insert(table)


def where(condition: str) -> dict[str, Any]:
    """Return the arguments that make an index partial, on both dialects."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
