"""Retention: what is older than an integration's monitoring settings say is deleted, piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from core import durations
from core.context import Context
from core.monitoring import HOURS_KEPT, MINUTES_KEPT, Monitoring
from storage import integrations
from storage import retention as rows
from storage.metrics import MINUTE
from storage.rollup import ALL, DAY, HOUR

log = structlog.get_logger()

ROWS_AT_ONCE = 1000
"""Rows of metrics and lines that one transaction deletes."""
EVENTS_AT_ONCE = 100
"""Events that one transaction looks at; each has a body and steps."""


@dataclass(slots=True)
class Deleted:
    """How many rows were deleted."""

    metrics: int = 0
    lines: int = 0
    refusals: int = 0
    events: int = 0


async def sweep(ctx: Context) -> Deleted:
    """Delete all that is too old; called every few minutes, on one node.

    What belongs to no integration (any more) goes by the defaults.
    """
    stored = await ctx.db.read(integrations.monitoring)
    settings = {integration_id: Monitoring.model_validate_json(text) for integration_id, text in stored.items()}
    longest = max(map(_metrics_seconds, (Monitoring(), *settings.values())))
    deleted = Deleted()
    for integration_id in sorted(await ctx.db.read(rows.owners)):
        monitoring = settings.get(integration_id, Monitoring())
        seconds = longest if integration_id == ALL else _metrics_seconds(monitoring)
        await _sweep_metrics(ctx, integration_id, seconds, deleted)
        if integration_id and integration_id != ALL and integration_id not in settings:
            deleted.metrics += await ctx.db.write(rows.counters, integration_id)
        await _sweep_one(ctx, integration_id, monitoring, deleted)
    if deleted != Deleted():
        log.info("old rows deleted", **{name: getattr(deleted, name) for name in Deleted.__slots__})
    return deleted


def _metrics_seconds(monitoring: Monitoring) -> float:
    return durations.parse(monitoring.metrics_retention)


async def _sweep_metrics(ctx: Context, integration_id: str, seconds: float, deleted: Deleted) -> None:
    now = ctx.clock.now()
    deleted.metrics += await _all(ctx, rows.metrics, integration_id, now - min(seconds, MINUTES_KEPT))
    levels = ((MINUTE, min(seconds, MINUTES_KEPT)), (HOUR, min(seconds, HOURS_KEPT)), (DAY, seconds))
    for level, kept in levels if integration_id == ALL else levels[1:]:
        deleted.metrics += await _all(ctx, partial(rows.levels, seconds=level), integration_id, now - kept)


async def _sweep_one(ctx: Context, integration_id: str, monitoring: Monitoring, deleted: Deleted) -> None:
    now = ctx.clock.now()
    logs_before = now - durations.parse(monitoring.logs_retention)
    deleted.lines += await _all(ctx, rows.lines, integration_id, logs_before)
    deleted.refusals += await _all(ctx, rows.refusals, integration_id, logs_before)
    if monitoring.events_retention is not None:
        before = now - durations.parse(monitoring.events_retention)
        after: str | None = ""
        while after is not None:
            swept = await ctx.db.write(rows.events, integration_id, before, after=after, limit=EVENTS_AT_ONCE)
            deleted.events, after = deleted.events + swept.deleted, swept.after


async def _all(ctx: Context, piece: Callable[..., int], integration_id: str, before: float) -> int:
    """Delete piece by piece until nothing that old is left."""
    total = 0
    while True:
        gone = await ctx.db.write(piece, integration_id, before, limit=ROWS_AT_ONCE)
        total += gone
        if gone < ROWS_AT_ONCE:
            return total
