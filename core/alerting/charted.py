"""Charts of metrics with what concerns alerts: limits, times of firing, and changes that the reader may see."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from core import alerts, charts, metrics
from core.actors import Actor
from core.alerting.preview import Preview
from core.alerting.subjects import read_condition
from core.alerting.values import WINDOW
from core.alerts.limits import limits_of
from core.charts import Chart, Limit, Span
from core.charts.chart import UTC
from core.context import Context
from core.integrations import Installed
from core.metrics import METRICS, Series
from core.texts import T
from storage.alerts import Alert
from storage.metrics import MINUTE

EDGE_SECONDS = 10.0
"""To whole ones of these the axis of a chart reaches that ends now: the same numbers are the same chart for so long."""


async def charted(
    ctx: Context, installed: Installed | None, metric: str, *, start: float, end: float | None = None,
    step: int | None = None, zone: ZoneInfo, actor: Actor, language: str,
) -> Chart:  # fmt: skip
    """Return a metric's chart, of one integration or (None) of all together; without `end`, until now.

    The limits of alert rules are drawn for who may read them (`alerts.read`), changes for who may read the
    integration's (`integrations.read`). Raises `Invalid` as `metrics.query` does.
    """
    now = ctx.clock.now()
    found = await metrics.query(
        ctx, integration_id=installed.id if installed else None, names=[metric], start=start,
        end=now if end is None else end, step=step,
    )  # fmt: skip
    series = found[metric] if end is not None else _until_now(found[metric], now)
    if installed is None:
        return Chart(T("all integrations").render(language), series, zone=zone)
    marks: tuple[charts.Mark, ...] = ()
    if actor.may("integrations.read"):
        marks = await charts.marks(ctx, integration_id=installed.id, start=series.start, end=series.end)
    rules = await alerts.listed(ctx, installed.id) if actor.may("alerts.read") else []
    drawn = tuple(limit for stored in rules for limit in limits(stored.rule.condition, series))
    return Chart(installed.name, series, drawn, marks, zone=zone)


def _until_now(series: Series, now: float) -> Series:
    """Return a series as it is drawn while its last minute is not over.

    What has come of it is in the value, and drawn: a chart must not say that there is no data while the numbers beside
    it say what there is. But a rate of some seconds, a sample that is not taken yet and nothing at all are no points.
    """
    last = series.points[-1]
    early = series.end - last.at < MINUTE and (series.metric.kind in ("rate", "gauge") or last.value is None)
    points = series.points[:-1] if early and len(series.points) > 1 else series.points
    return replace(series, end=(now // EDGE_SECONDS + 1) * EDGE_SECONDS, points=points)


async def played(
    ctx: Context, installed: Installed, condition: str, found: Preview, *, zone: ZoneInfo, actor: Actor
) -> Chart | None:
    """Return the chart of what a preview has found: the metric, the rule's limit, and when it would have fired.

    None where the rule is about no metric. Changes are marked for who may read them (`integrations.read`).
    """
    if found.metric not in METRICS:
        return None
    read = await metrics.query(ctx, integration_id=installed.id, names=[found.metric], start=found.start, end=found.end)
    series = read[found.metric]
    spans = tuple(Span(one.at, one.ended or found.end) for one in found.fired)
    marks: tuple[charts.Mark, ...] = ()
    if actor.may("integrations.read"):
        marks = await charts.marks(ctx, integration_id=installed.id, start=series.start, end=series.end)
    return Chart(installed.name, series, limits(condition, series), marks, spans, zone)


async def of_alert(ctx: Context, alert: Alert, start: float, end: float, *, zone: ZoneInfo = UTC) -> Chart:
    """Return the chart of an alert's metric, with its rule's limit and what was changed."""
    assert alert.metric is not None
    # A count is compared over five minutes: in bars of as long its limit means something.
    step = WINDOW if METRICS[alert.metric].kind == "counter" else None
    found = await metrics.query(
        ctx, integration_id=alert.integration_id, names=[alert.metric], start=start, end=end, step=step
    )
    series = found[alert.metric]
    marks = await charts.marks(ctx, integration_id=alert.integration_id, start=series.start, end=series.end)
    return Chart(alert.integration, series, limits(alert.condition, series), marks, zone=zone)


def limits(condition: str, series: Series) -> tuple[Limit, ...]:
    """Return what a stored condition compares a series with; nothing where it cannot be read, or means another step."""
    # A count is compared over five minutes: where a point is not as long, its height has nothing to do with the limit.
    if series.metric.kind == "counter" and series.step != WINDOW:
        return ()
    rule = read_condition(condition)
    return () if rule is None else tuple(Limit(*one) for one in limits_of(rule, series.metric.name))
