"""The chart that goes with a message about alerts: the metric of its first alert, the last hour or since it began."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from core import charts
from core.alerting import charted
from core.alerting.subjects import ENGINE
from core.channels import Picture
from core.context import Context
from core.errors import CcbError
from core.metrics import METRICS
from storage.alerts import Alert

log = structlog.get_logger()

BEFORE_SECONDS = 3600.0
LONGEST_SECONDS = 86_400.0


async def picture(ctx: Context, alerts: Sequence[Alert]) -> Picture | None:
    """Return the chart, or None where there is nothing to draw, or it cannot be drawn: the message goes without."""
    alert = next((one for one in alerts if one.integration_id != ENGINE and one.metric in METRICS), None)
    if alert is None:
        return None
    now = ctx.clock.now()
    start = max(min(now - BEFORE_SECONDS, alert.started_at - BEFORE_SECONDS / 2), now - LONGEST_SECONDS)
    try:
        chart = await charted.of_alert(ctx, alert, start, now)
        language = ctx.settings.language
        return Picture(await charts.png(ctx, charts.spec(chart, language)), charts.alt(chart, language))
    except CcbError as error:
        log.warning("alert told without its chart", alert=alert.id, reason=str(error))
        return None
