"""Statements over many rows at once, on both dialects, without SQLAlchemy's work on each value.

That work costs more than SQLite's own, and each single statement costs the writer's thread a wait for the interpreter's
lock. So the values go to the driver as they are: no defaults are filled in, no types are converted.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

_SIZES = (*range(1, 9), 12, 16, 24, 32, 48, 64)
"""How many rows a statement on SQLite may have: few lengths, so that all are kept prepared, and few statements for any
number of rows. PostgreSQL gets one array for each column, of any length."""

Row = TypeVar("Row")


class ManyRows:
    """A statement in plain SQL. `{rows}` in it are the rows, with columns named column1, column2, …; `{value}` is a
    value that each call gives; `{lock}` locks rows where rows can be locked."""

    def __init__(self, text: str, *columns: sa.Column[Any], lock: str = "") -> None:
        """`columns`: those that the rows' values are for; PostgreSQL wants to know their types."""
        self._lock = lock
        self.pick: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*(column.name for column in columns))
        """Takes a row's values out of a mapping; for more than one column."""
        self._text = text
        self._columns = columns
        self._one = f"({', '.join('?' * len(columns))})"
        self._sqlite_texts: dict[int, str] = {}
        self._postgresql_text = ""

    def __call__(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]], *value: Any) -> list[Any]:
        """Run it over `rows`; return what it has RETURNING. Without rows nothing is run."""
        if not rows:
            return []
        if connection.dialect.name == "postgresql":
            return _on_postgresql(connection, self._postgresql(connection), (*zip(*rows, strict=True), *value))
        returned: list[Any] = []
        for chunk in _chunks(rows):
            returned += _on_sqlite(connection, self._sqlite(len(chunk)), (*chain.from_iterable(chunk), *value))
        return returned

    def _sqlite(self, count: int) -> str:
        text = self._sqlite_texts.get(count)
        if text is None:
            values = "VALUES " + ", ".join([self._one] * count)
            text = self._sqlite_texts[count] = self._text.format(rows=values, value="?", lock="")
        return text

    def _postgresql(self, connection: sa.Connection) -> str:
        if not self._postgresql_text:
            numbered = list(enumerate((column.type.compile(connection.dialect) for column in self._columns), 1))
            arrays = ", ".join(f"${number}::{kind}[]" for number, kind in numbered)
            names = ", ".join(f"column{number}" for number, _ in numbered)
            rows = f"SELECT * FROM unnest({arrays}) AS given({names})"  # noqa: S608 - names of our own
            self._postgresql_text = self._text.format(rows=rows, value=f"${len(numbered) + 1}", lock=self._lock)
        return self._postgresql_text


def insert(table: sa.Table, *columns: str, ending: str = "") -> ManyRows:
    """Return an INSERT; `ending` follows the rows (ON CONFLICT …, RETURNING …)."""
    names = ", ".join(f'"{name}"' for name in columns)  # quoted: `references` is one of SQL's own words
    text = f"INSERT INTO {table.name} ({names}) {{rows}} {ending}"
    return ManyRows(text, *(table.c[name] for name in columns))


def _on_postgresql(connection: sa.Connection, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
    result = connection.exec_driver_sql(statement, parameters)
    return list(result) if result.returns_rows else []


def _on_sqlite(connection: sa.Connection, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    try:
        return driver.execute(statement, parameters).fetchall()
    except sqlite3.Error as error:  # as SQLAlchemy would raise it; without the values, which no error may show
        raise DBAPIError.instance(
            statement, (), error, sqlite3.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut into pieces of `_SIZES`, the largest first."""
    start = 0
    while start < len(rows):
        size = _SIZES[bisect(_SIZES, len(rows) - start) - 1]
        yield rows[start : start + size]
        start += size
