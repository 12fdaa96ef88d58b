"""Alert rules: how long one look at all of them takes, by their number, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import orjson
import sqlalchemy as sa

from bench.ingest import postgres
from bench.report import Figure, median
from core.alerting import Evaluator
from core.clock import SystemClock
from core.config import Settings
from core.context import Context
from core.histogram import bucket_of
from storage import metrics, migrate
from storage.alert_rules import RULES
from storage.db import Database, open_database
from storage.integrations import INTEGRATIONS, PACKAGES
from storage.metrics import METRICS

RULES_AT_ONCE = (100, 300, 1000)
MOST = 1000
"""The number that the target is for."""
TARGET_SECONDS = 20.0
"""A look begins every 20 seconds: one that takes less is never late."""
CONDITIONS = (
    "error_rate > 1% for 2m",
    "latency_p95 > 500ms for 5m",
    "webhook_failures > 0 or rejected > 10",
    "queue_depth > 100 and queue_age > 2m",
    "error_rate > 3 * avg(error_rate, 1d)",
    "no_events for 1h",
    "max(latency_p95, 1h) > 2s",
)
MINUTES = 60
"""Minutes of metrics of each integration."""


def measure(folder: Path, *, rounds: int) -> list[Figure]:
    """Look at more and more rules over half as many integrations."""
    for name in ("alerts", "alerts-node"):
        (folder / name).mkdir()
    figures = asyncio.run(_measured("SQLite", folder / "alerts", None, rounds))
    with postgres(folder / "alerts-postgres") as url:
        return [*figures, *asyncio.run(_measured("PostgreSQL", folder / "alerts-node", url, rounds))]


async def _measured(title: str, folder: Path, url: str | None, rounds: int) -> list[Figure]:
    db = await open_database(url, folder)
    await db.alone(migrate.upgrade)
    times: dict[int, float] = {}
    for count in RULES_AT_ONCE:
        await db.alone(_fill, count, time.time())
        times[count] = await _looks(db, folder, rounds)
    await db.close()
    grown = ", ".join(f"{count:,}: {seconds * 1000:,.0f} ms" for count, seconds in times.items())
    shown = f"by the number of rules: {grown}"
    what = f"A look at {MOST:,} alert rules over {MOST // 2} integrations, {title}"
    return [Figure(f"alerts.{title.lower()}", what, times[MOST], " s", at_most=TARGET_SECONDS, shown=shown)]


async def _looks(db: Database, folder: Path, rounds: int) -> float:
    settings = Settings(CCB_DATA_DIR=folder)
    nothing = cast(Any, None)
    clock = SystemClock()
    ctx = Context(settings, db, clock, secrets=nothing, http=nothing, sandbox=nothing, github=nothing)
    found = []
    for _ in range(rounds + 1):
        evaluator = Evaluator(ctx)  # each as cold as after a change of the leader
        began = time.perf_counter()
        if not await evaluator.look():
            raise SystemExit("another look was written: the figures are void")
        found.append(time.perf_counter() - began)
    return median(found[1:])  # the first round makes the alerts that fire


def _fill(connection: sa.Connection, rules: int, now: float) -> None:
    """Make it `rules` rules over half as many integrations with an hour of metrics, a tenth in trouble."""
    for table in (RULES, METRICS, INTEGRATIONS, PACKAGES):
        connection.execute(sa.delete(table))
    connection.execute(sa.insert(PACKAGES).values(digest="p", files="{}", created_at=now))
    chance = random.Random(rules)
    ids = [f"int_{number:05}" for number in range(rules // 2)]
    common: Mapping[str, Any] = {"package": "p", "provenance": "{}", "sealed": "", "created_at": now,
                                 "updated_at": now - 7200, "status": "active"}  # fmt: skip
    connection.execute(sa.insert(INTEGRATIONS), [{"id": id, "slug": id, "name": id, **common} for id in ids])
    connection.execute(
        sa.insert(RULES),
        [
            {
                "id": f"alr_{number:05}", "integration_id": ids[number // 2], "place": number % 2,
                "name": f"rule {number}", "condition": CONDITIONS[number % len(CONDITIONS)],
                "channels": orjson.dumps(["slack://alerts"]).decode(), "severity": "warning", "description": "",
                "created_at": now, "updated_at": now,
            }
            for number in range(rules)
        ],
    )  # fmt: skip
    for minute in range(MINUTES):
        counts: metrics.Counts = {}
        for number, integration_id in enumerate(ids):
            at = now - 60 * minute
            metrics.count(counts, integration_id, at, "received", by=100)
            metrics.count(counts, integration_id, at, "succeeded", by=100)
            if number % 10 == 0:
                metrics.count(counts, integration_id, at, "dead", by=5)
            for _ in range(12):
                took = chance.lognormvariate(5, 0.6)
                metrics.count(counts, integration_id, at, "latency_ms", bucket=bucket_of(took), by=8)
        metrics.add(connection, counts)
