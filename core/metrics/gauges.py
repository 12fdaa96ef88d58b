"""What stands in the queue: now, and once a minute as it was."""

from __future__ import annotations

from core.context import Context
from core.monitoring import Monitoring
from storage import integrations
from storage import metrics as rows


async def now(ctx: Context, *, integration_id: str | None) -> dict[str, float]:
    """Return the gauges as they are at this moment, of one integration or (None) of all together."""
    waiting = (await ctx.db.read(rows.waiting, integration_id=integration_id)).values()
    moment = ctx.clock.now()
    return {
        rows.QUEUE_DEPTH: float(sum(depth for depth, _ in waiting)),
        rows.QUEUE_AGE: max((moment - since for _, since in waiting if since < moment), default=0.0),
    }


async def sample(ctx: Context) -> None:
    """Keep what stands in the queue at this moment; called once a minute, on one node."""
    settings = await ctx.db.read(integrations.monitoring)
    off = [id for id, stored in settings.items() if not Monitoring.model_validate_json(stored).metrics_enabled]
    await ctx.db.write(rows.sample, ctx.clock.now(), not_of=off)
