"""Whether metrics are recorded, and in words why there are none: the guide's "Missing metrics"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from core import audit, webhook_log
from core.context import Context
from core.integrations import Installed
from core.texts import T, Text
from storage import events
from storage import metrics as rows
from storage.rollup import Recorded, recorded

RECENT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Status:
    """What is recorded of an integration. Times are seconds since the epoch."""

    enabled: bool
    retention: str
    recorded: Recorded
    problem: Text | None


async def status(ctx: Context, installed: Installed) -> Status:
    """Return whether and since when an integration's metrics are recorded, and what is wrong if there are none."""
    await webhook_log.flush(ctx)  # those refused in this second too
    kept = await ctx.db.read(recorded, installed.id)
    monitoring = installed.monitoring
    problem = await _off(ctx, installed) if not monitoring.metrics_enabled else await _silent(ctx, installed, kept)
    return Status(monitoring.metrics_enabled, monitoring.metrics_retention, kept, problem)


async def _off(ctx: Context, installed: Installed) -> Text:
    changes = await audit.newest(ctx, integration_id=installed.id, action="monitoring.changed", limit=100)
    for entry in changes:
        if any(change["key"] == "metrics_enabled" for change in orjson.loads(entry.changes)):
            return T(
                "Metrics have been switched off since {when} by {who}. Switch them on: PATCH "
                "/v1/integrations/{id}/monitoring with metrics_enabled: true.",
                when=_moment(entry.at), who=entry.actor_name, id=installed.id,
            )  # fmt: skip
    return T(
        "Metrics are switched off. Switch them on: PATCH /v1/integrations/{id}/monitoring with metrics_enabled: true.",
        id=installed.id,
    )


async def _silent(ctx: Context, installed: Installed, recorded: Recorded) -> Text | None:
    """Return why nothing was recorded in the last hour, or None where something was, other than refusals."""
    now = ctx.clock.now()
    recent = await ctx.db.read(
        rows.cells, integration_id=installed.id, names=_SIGNS, start=rows.minute_of(now - RECENT_SECONDS), end=now + 1,
        step=int(RECENT_SECONDS * 2),
    )  # fmt: skip
    refused = round(sum(cell.value for cell in recent if cell.name in rows.CAUSES))
    if any(cell.name not in rows.CAUSES for cell in recent):
        return None
    if installed.status != "active":
        return T(
            "The integration is {status}: its deliveries are refused ({count} in the last hour). Activate it: POST "
            "/v1/integrations/{id}/activate.", status=installed.status, count=refused, id=installed.id,
        )  # fmt: skip
    if refused:
        return T(
            "Only refused deliveries came in the last hour: {count}. Why: GET /v1/integrations/{id}/webhook-logs.",
            count=refused, id=installed.id,
        )  # fmt: skip
    last = await ctx.db.read(events.last_activity, installed.id)
    if last is None and (kept := installed.monitoring.events_retention) is not None:
        return T(
            "No event of the last {retention} is there; older ones are deleted (events_retention). If there should be "
            "some, check the address at the sender: GET /v1/integrations/{id}/webhook-config.",
            retention=kept, id=installed.id,
        )  # fmt: skip
    if last is None:
        return T(
            "No event has ever arrived. Check the address at the sender: GET /v1/integrations/{id}/webhook-config.",
            id=installed.id,
        )
    if recorded.newest is None:
        return T(
            "Nothing is recorded. The newest event arrived {when}, and metrics are kept for {retention}.",
            when=_moment(last), retention=installed.monitoring.metrics_retention,
        )  # fmt: skip
    return T(
        "Nothing happened in the last hour. What was last recorded is of {when}: ask for a longer range.",
        when=_moment(recorded.newest),
    )


_SIGNS = ("received", "duplicates", "succeeded", "dead", "retried", *rows.CAUSES)
"""What shows that something comes in or is worked on."""


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
