"""The chart that goes with a message about alerts: the metric of its first alert, the last hour or since it began."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import structlog

from core import charts, metrics
from core.alerting.subjects import ENGINE
from core.alerting.values import WINDOW
from core.alerts.language import parse
from core.alerts.limits import limits_of
from core.channels import Picture
from core.charts import Chart, Limit
from core.charts.spec import UTC
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
        chart = await chart_of(ctx, alert, start, now)
        language = ctx.settings.language
        return Picture(await charts.png(ctx, charts.spec(chart, language)), charts.alt(chart, language))
    except CcbError as error:
        log.warning("alert told without its chart", alert=alert.id, reason=str(error))
        return None


async def chart_of(ctx: Context, alert: Alert, start: float, end: float, *, zone: ZoneInfo = UTC) -> Chart:
    """Return the chart of an alert's metric, with its rule's limit and what was changed."""
    assert alert.metric is not None
    # A count is compared over five minutes: in bars of as long its limit means something.
    step = WINDOW if METRICS[alert.metric].kind == "counter" else None
    found = await metrics.query(
        ctx, integration_id=alert.integration_id, names=[alert.metric], start=start, end=end, step=step
    )
    series = found[alert.metric]
    marks = await charts.marks(ctx, integration_id=alert.integration_id, start=series.start, end=series.end)
    limits = tuple(Limit(operator, value) for operator, value in limits_of(parse(alert.condition), alert.metric))
    return Chart(alert.integration, series, limits, marks, zone=zone)
