"""Paging: a page of events behind row 1,000,000 beside one behind row 10, over HTTP, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import asyncpg

from bench import engine
from bench.engine import Engine
from bench.ingest import NOWHERE, postgres
from bench.report import Figure, median
from storage.sqlite import sqlite_engine, sqlite_path

ROWS = 1_001_000
NEAR, FAR = 10, 1_000_000
PAGES = 40
"""Pages of each kind in one round."""
ALIKE = 1.5
"""The target: so many times the near page's time, for the slowest of the lists."""

LISTS: Mapping[str, str] = {
    "all": "/v1/events?limit=50",
    "of one integration": "/v1/integrations/benchmark/events?limit=50",
    "dead": "/v1/integrations/benchmark/events?limit=50&status=dead",
    "of one type": "/v1/integrations/benchmark/events?limit=50&type=push",
}
_COLUMNS = (
    "id, integration_id, type, status, received_at, remote, size, intake, duplicates, run, attempt, finished_at, error"
)
_VALUES = (
    "'{integration}', 'push', 'dead', 1700000000 + n, '127.0.0.1', 9216, '[]', 0, 1, 5, 1700000001 + n, "
    """'{{"error":"Upstream failed","message":"[\\"It failed.\\", null, 0, {{}}]"}}'"""
)
_SQLITE = (
    f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS}) "
    f"INSERT INTO events ({_COLUMNS}) SELECT 'evt_' || printf('%026d', n), {_VALUES} FROM numbers"
)
_POSTGRESQL = (
    f"INSERT INTO events ({_COLUMNS}) SELECT 'evt_' || lpad(n::text, 26, '0'), {_VALUES} "
    f"FROM generate_series(1, {ROWS}) AS n"
)


def measure(folder: Path, *, rounds: int) -> list[Figure]:
    """Fill each database with events, then ask for near and far pages in turn."""
    figures = [_measured("SQLite", folder / "paging", None, rounds)]
    with postgres(folder / "paging-postgres") as url:
        return [*figures, _measured("PostgreSQL", folder / "paging-node", url, rounds)]


def _measured(title: str, folder: Path, database_url: str | None, rounds: int) -> Figure:
    with engine.started(folder, roles="http", database_url=database_url) as server:
        integration = server.install(NOWHERE).rpartition("/")[2]
    if database_url is None:
        _fill_sqlite(folder, integration)
    else:
        asyncio.run(_fill_postgresql(database_url, integration))
    with engine.started(folder, roles="http", database_url=database_url) as server:
        times = {name: _times(server, path, rounds) for name, path in LISTS.items()}
    ratios = {name: median(f / n for n, f in pairs) for name, pairs in times.items()}
    slowest = max(ratios, key=lambda name: ratios[name])
    near, far = (median(pair[place] for pair in times["all"]) for place in (0, 1))
    return Figure(
        f"paging.{title.lower()}",
        f"A page of 50 events behind row {FAR:,}, {title}",
        far,
        " ms",
        ratio=ratios[slowest],
        to=f"the page behind row {NEAR}",
        at_most=ALIKE,
        shown=f"behind row {NEAR} {near:.1f} ms; the ratio is that of the list “{slowest}”",
    )


def _times(server: Engine, path: str, rounds: int) -> list[tuple[float, float]]:
    """Return, for each round, the median milliseconds of a near and of a far page."""
    found: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        near: list[float] = []
        far: list[float] = []
        for shift in range(PAGES):  # in turn, each page another one
            near.append(_page(server, path, NEAR + shift))
            far.append(_page(server, path, FAR + shift))
        found.append((median(near), median(far)))
    return found[1:]  # the first round warms up


def _page(server: Engine, path: str, row: int) -> float:
    """Return the milliseconds that the page behind a row of the list takes, which must be the right one."""
    last = ROWS - row + 1
    began = time.perf_counter()
    events = server.ask("GET", f"{path}&after=evt_{last:026}")
    took = (time.perf_counter() - began) * 1e3
    if [event["id"] for event in events] != [f"evt_{n:026}" for n in range(last - 1, last - 51, -1)]:
        raise SystemExit(f"{path} behind row {row} is another page: the figures are void")
    return took


def _fill_sqlite(folder: Path, integration: str) -> None:
    writer = sqlite_engine(sqlite_path(folder), writer=True)
    with closing(writer.connect()) as connection, connection.begin():
        connection.exec_driver_sql(_SQLITE.format(integration=integration))
    writer.dispose()


async def _fill_postgresql(url: str, integration: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_POSTGRESQL.format(integration=integration))
        await connection.execute("VACUUM ANALYZE events")
    finally:
        await connection.close()
