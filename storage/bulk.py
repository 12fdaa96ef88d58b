"""Many rows at once, on both dialects, without SQLAlchemy's work on each value: that costs more than SQLite's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

import sqlalchemy as sa

_MOST_ROWS = 64
"""Rows in one statement on SQLite."""

Row = TypeVar("Row")


class RowInsert:
    """INSERT of rows whose values go to the driver as they are: no defaults are filled in, no types are converted.

    SQLite gets them in few statements, for each lets go of the interpreter's lock, which the writer's thread must then
    wait for; PostgreSQL gets one array for each column.
    """

    def __init__(self, table: sa.Table, *columns: str, ending: str = "") -> None:
        """`ending`: what follows the rows (ON CONFLICT …, RETURNING …); `{}` in it is a value that each call gives."""
        self._columns = [table.c[name] for name in columns]
        self._start = f"INSERT INTO {table.name} ({', '.join(columns)})"
        self._ending = ending
        self._row = f"({', '.join('?' * len(columns))})"
        self._unnest = ""

    def __call__(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]], *values: Any) -> list[Any]:
        """Insert `rows` (the columns' values in their order); return what the ending has RETURNING."""
        if not rows:
            return []
        if connection.dialect.name == "postgresql":
            return _run(connection, self._postgresql(connection), (*zip(*rows, strict=True), *values))
        returned: list[Any] = []
        for chunk in _chunks(rows):
            returned += _run(connection, self._sqlite(len(chunk)), (*chain.from_iterable(chunk), *values))
        return returned

    def _sqlite(self, count: int) -> str:
        return f"{self._start} VALUES {', '.join([self._row] * count)} {self._ending.format('?')}"

    def _postgresql(self, connection: sa.Connection) -> str:
        if not self._unnest:
            types = [column.type.compile(connection.dialect) for column in self._columns]
            arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
            ending = self._ending.format(f"${len(types) + 1}")
            self._unnest = f"{self._start} SELECT * FROM unnest({arrays}) {ending}"  # noqa: S608 - names of our own
        return self._unnest


def _run(connection: sa.Connection, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
    result = connection.exec_driver_sql(statement, parameters)
    return list(result) if result.returns_rows else []


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut into powers of two, the largest first: so that few different statements are kept prepared."""
    start = 0
    while start < len(rows):
        size = min(_MOST_ROWS, 1 << (len(rows) - start).bit_length() - 1)
        yield rows[start : start + size]
        start += size
