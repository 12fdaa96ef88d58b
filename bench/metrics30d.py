"""Metrics: a question over 30 days beside one over a day, with what ten million events leave behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import asyncpg

from bench import engine
from bench.engine import Engine
from bench.ingest import NOWHERE, postgres
from bench.report import Figure, median
from core.monitoring import MINUTES_KEPT
from storage import rollup
from storage.metrics import MINUTE
from storage.rollup import ALL, DAY, HOUR
from storage.sqlite import sqlite_engine, sqlite_path

EVENTS = 10_000_000
INTEGRATIONS = 25
DAYS = 30
ASKED = 10
"""Questions of each kind in one round."""
MOST_MS = 1000.0
"""The target, for each question over 30 days."""
MINUTES_ON_POSTGRESQL = 2 * DAY // MINUTE
"""How many minutes are filled there, where a row takes longer to write; a question reads those of the last hour."""
EACH_HOUR = EVENTS // (DAYS * 24 * INTEGRATIONS)
"""Events of one integration in an hour."""

QUESTIONS: Mapping[str, str] = {
    "all metrics of all integrations": "/v1/metrics?from={range}",
    "all metrics of one integration": "/v1/integrations/benchmark/metrics?from={range}",
    "one metric of all integrations": "/v1/metrics?metric=latency_p95&from={range}",
}
_COUNTERS = ("received", "succeeded", "effects", "deliveries_2xx", "sandbox_ms", "retried")
_HISTOGRAMS = ("latency_ms", "processing_ms")
_WIDTH = 40
"""Buckets of a histogram that an hour fills: 32 times from the fastest to the slowest."""
_WIDTH_OF_A_MINUTE = 8
_HOURS = (
    "INSERT INTO metrics_rolled (integration_id, seconds, start, name, bucket, value) WITH {names} "
    "SELECT CASE o WHEN 0 THEN '{all}' WHEN 1 THEN '{integration}' ELSE 'int_' || o END, {hour}, {last} - t * {hour}, "
    "name, bucket, value * CASE o WHEN 0 THEN {integrations} ELSE 1 END FROM owners, times, names"
)
_DAYS = (
    f"INSERT INTO metrics_rolled (integration_id, seconds, start, name, bucket, value) "
    f"SELECT integration_id, {DAY}, start / {DAY} * {DAY}, name, bucket, sum(value) FROM metrics_rolled "
    f"WHERE seconds = {HOUR} GROUP BY 1, 3, 4, 5"
)
_MINUTES = (
    "INSERT INTO metrics (integration_id, minute, name, bucket, node, value, rolled) WITH {names} "
    "SELECT CASE o WHEN 1 THEN '{integration}' ELSE 'int_' || o END, {last} - t * 60, name, bucket, '', value / 60, "
    "value / 60 FROM owners, times, names WHERE o > 0"
)
_MINUTES_OF_ALL = (
    f"INSERT INTO metrics_rolled (integration_id, seconds, start, name, bucket, value) "
    f"SELECT '{ALL}', {MINUTE}, minute, name, bucket, sum(value) FROM metrics GROUP BY 3, 4, 5"
)


def measure(folder: Path, *, rounds: int) -> list[Figure]:
    """Fill each database, then ask over a day and over 30 days in turn."""
    figures = _measured("SQLite", folder / "metrics30d", None, rounds)
    with postgres(folder / "metrics30d-postgres") as url:
        return [*figures, *_measured("PostgreSQL", folder / "metrics30d-node", url, rounds)]


def _measured(title: str, folder: Path, database_url: str | None, rounds: int) -> list[Figure]:
    with engine.started(folder, roles="http", database_url=database_url) as server:
        integration = server.install(NOWHERE).rpartition("/")[2]
    if database_url is None:
        _fill_sqlite(folder, _statements(integration, int(MINUTES_KEPT) // MINUTE))
    else:
        asyncio.run(_fill_postgresql(database_url, _statements(integration, MINUTES_ON_POSTGRESQL)))
    with engine.started(folder, roles="http", database_url=database_url) as server:
        _check(server)
        times = {name: _times(server, path, rounds) for name, path in QUESTIONS.items()}
    return [_figure(title, name, pairs) for name, pairs in times.items()]


def _figure(title: str, name: str, pairs: list[tuple[float, float]]) -> Figure:
    short, long = (median(pair[place] for pair in pairs) for place in (0, 1))
    return Figure(
        f"metrics30d.{title.lower()}.{name.replace(' ', '_')}",
        f"{name[0].upper()}{name[1:]} over {DAYS} days, {EVENTS:,} events, {title}",
        long,
        " ms",
        at_most=MOST_MS,
        shown=f"{median(long / short for short, long in pairs):.2f} × the same over 1 day, {short:.1f} ms",
    )


def _times(server: Engine, path: str, rounds: int) -> list[tuple[float, float]]:
    """Return, for each round, the median milliseconds of a question over a day and over 30."""
    found: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        short: list[float] = []
        long: list[float] = []
        for _ in range(ASKED):
            short.append(_asked(server, path.format(range="1d")))
            long.append(_asked(server, path.format(range=f"{DAYS}d")))
        found.append((median(short), median(long)))
    return found[1:]  # the first round warms up


def _asked(server: Engine, path: str) -> float:
    began = time.perf_counter()
    server.ask("GET", path)
    return (time.perf_counter() - began) * 1e3


def _check(server: Engine) -> None:
    """Stop unless the answer counts every event once."""
    for path, expected in (("/v1/metrics", EVENTS), ("/v1/integrations/benchmark/metrics", EVENTS / INTEGRATIONS)):
        found = server.ask("GET", f"{path}?metric=received&from={DAYS}d")["value"]
        if not 0.99 * expected <= found <= expected:
            raise SystemExit(f"{path} counts {found:,} of {expected:,.0f} events: the figures are void")


def _statements(integration: str, minutes: int) -> list[str]:
    """Return what writes the rows that the events of 30 days leave: the last minutes, hours and days, all rolled up."""
    last = rollup.floor(time.time(), HOUR)
    known = {"all": ALL, "integration": integration, "hour": HOUR, "last": last, "integrations": INTEGRATIONS}
    return [
        _HOURS.format(names=_rows(_WIDTH, DAYS * 24), **known),
        _DAYS,
        _MINUTES.format(names=_rows(_WIDTH_OF_A_MINUTE, minutes), **known),
        _MINUTES_OF_ALL,
        f"INSERT INTO metrics_rolling (id, until) VALUES (1, {last}) ON CONFLICT (id) DO UPDATE SET until = {last}",
    ]


def _fill_sqlite(folder: Path, statements: Sequence[str]) -> None:
    writer = sqlite_engine(sqlite_path(folder), writer=True)
    with closing(writer.connect()) as connection, connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)
    writer.dispose()


async def _fill_postgresql(url: str, statements: Sequence[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _rows(width: int, times: int) -> str:
    """Return the tables of owners, times, and what one of them counts in an hour, in histograms of `width` buckets."""
    counters = (f"SELECT '{name}' AS name, 0 AS bucket, {EACH_HOUR}.0 AS value" for name in _COUNTERS)
    histograms = (f"SELECT '{name}', 40 + n, {EACH_HOUR / width} FROM buckets" for name in _HISTOGRAMS)
    return (
        f"RECURSIVE owners(o) AS (SELECT 0 UNION ALL SELECT o + 1 FROM owners WHERE o < {INTEGRATIONS}), "
        f"times(t) AS (SELECT 1 UNION ALL SELECT t + 1 FROM times WHERE t < {times}), "
        f"buckets(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM buckets WHERE n < {width}), "
        f"names AS ({' UNION ALL '.join((*counters, *histograms))})"
    )
