"""`/dashboard/integrations/{id}`: one integration: whether it works, its numbers, a chart, its newest events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import charts, durations, integrations, listing, metrics
from core.actors import Actor
from core.alerting.charted import charted
from core.charts import Chart
from core.context import Context
from core.http import charts as chart_resource
from core.http import integration_status
from core.http.dashboard import mending
from core.http.dashboard.door import Shown, action, page
from core.http.dashboard.events import EVENT_WORDS
from core.http.dashboard.render import number
from core.http.events import Page, integration_events_of
from core.http.integration_status import ProblemOut, StatusOut
from core.http.metrics import range_of
from core.http.routes import Request, json_response
from core.integrations import Installed
from core.metrics import METRICS
from core.requests.model import Asked
from core.texts import T, Text
from storage.integrations import OWN

RANGES = ("1h", "6h", "24h", "7d", "30d")
KEY_NUMBERS = ("received", "succeeded", "failed", "error_rate", "latency_p50", "latency_p95", "rejected", "queue_depth")
NARROWEST, WIDEST = 240, 1600
"""Of a chart's plot, in pixels."""
NARROW, BESIDE = 480, 60
"""Below this width a chart's title stands in several lines; what the axis takes beside the plot, which a title may."""
EVENTS = 20


class IntegrationQuery(BaseModel):
    """Which chart, over which time."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    metric: str = Field("received", max_length=100)
    range: Literal["1h", "6h", "24h", "7d", "30d"] = "1h"


class DrawnQuery(chart_resource.ChartQuery):
    """What a chart in a browser is asked by."""

    width: int = Field(640, ge=NARROWEST, le=WIDEST)


@page("/dashboard/integrations/{id}", permission="integrations.read", section="integrations", query=IntegrationQuery)
async def integration(ctx: Context, request: Request) -> Shown:
    """Show one integration, or the request that it is to come of."""
    found = await listing.find(ctx, request.path["id"])
    status = await integration_status.status(ctx, request)
    values: dict[str, Any] = {
        "t": _WORDS,
        "one": status,
        "slug": found.row.slug if isinstance(found, Asked) else found.slug,
        "version": None if isinstance(found, Asked) else found.version,
        "webhook": None if isinstance(found, Asked) else integrations.webhook_url(ctx, found.id),
        "measured": None,
        "events": None,
        "alerts": isinstance(found, Installed) and request.actor.may("alerts.read"),
        "logs": request.actor.may("logs.read"),
        "switch": None,
        "links": links(status.pull_request, status.issue),
        "problems": [_problem(one, status, found, request.actor) for one in status.problems],
    }
    if isinstance(found, Installed):
        if found.id != OWN and request.actor.may("integrations.activate"):
            values["switch"] = {"active": "pause", "paused": "activate", "inactive": "activate"}.get(found.status)
        if request.actor.may("metrics.read"):
            values["measured"] = await _measured(ctx, request, found)
        if request.actor.may("events.read"):
            values["events"], _ = await integration_events_of(ctx, request, Page(limit=EVENTS), found.id)
    return Shown("integration.html", status.name, values)


@action("/dashboard/integrations/{id}/count", permission="integrations.write", section="integrations")
async def count(ctx: Context, request: Request) -> str:
    """Switch its metrics on."""
    changed = await integrations.monitor(ctx, request.path["id"], {"metrics_enabled": True}, actor=request.actor)
    return f"/dashboard/integrations/{changed.id}"


@page("/dashboard/integrations/{id}/chart.json", permission="metrics.read", query=DrawnQuery)
async def chart_spec(ctx: Context, request: Request) -> web.Response:
    """Give the chart's specification for a browser: as wide as it is wanted, to be zoomed along the time."""
    chart = await chart_resource.chart_of(ctx, request)
    drawn = replace(chart, width=request.query_as(DrawnQuery).width)
    return json_response(interactive(charts.spec(drawn, request.language)))


@page("/dashboard/integrations/{id}/chart.png", permission="metrics.read", query=chart_resource.ChartQuery)
async def chart_png(ctx: Context, request: Request) -> web.Response:
    """Give the chart as a picture, where no script runs."""
    chart = await chart_resource.chart_of(ctx, request)
    return web.Response(body=await charts.png(ctx, charts.spec(chart, request.language)), content_type="image/png")


def interactive(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a chart's specification with its values to be pointed at, and its time to be zoomed and moved. Pure."""
    layers, zooms = [], False
    for layer in spec["layer"]:
        encoding = layer.get("encoding", {})
        if "field" not in encoding.get("y", {}) or "tooltip" not in encoding:
            layers.append(layer)
            continue
        mark = {**layer["mark"], "clip": True}
        if mark["type"] == "line":  # a line itself is met too rarely
            mark["point"] = {"size": 25, "filled": True, "color": mark["color"]}
        more: dict[str, Any] = {}
        if not zooms:
            select = {"type": "interval", "encodings": ["x"]}
            more, zooms = {"params": [{"name": "zoom", "select": select, "bind": "scales"}]}, True
        layers.append({**layer, "mark": mark, **more})
    title = {**spec["title"], "limit": spec["width"] + BESIDE}
    if spec["width"] < NARROW:
        title |= {name: title[name].split(" · ") for name in ("text", "subtitle")}
    return {**spec, "title": title, "layer": layers, "padding": 4}


def _problem(problem: ProblemOut, status: StatusOut, found: Installed | Asked, actor: Actor) -> dict[str, Any]:
    """Return a problem with what to do about it, and the links to that which the reader may follow."""
    slug, own = found.row.slug if isinstance(found, Asked) else found.slug, f"/dashboard/integrations/{found.id}/"
    steps = [step for step in mending.steps(problem) if actor.may(step.needs)]
    return {
        "wrong": problem.severity == "error",
        "message": problem.message,
        "advice": mending.advice(problem, slug, status.missing),
        "steps": [(step.label, step.path if step.path.startswith("/") else own + step.path) for step in steps],
    }


def links(pull: dict[str, Any] | None, issue: dict[str, Any] | None) -> dict[str, tuple[str, str | None]]:
    """Return where its request stands on GitHub: what is called how, and its address as far as it is known."""
    found: dict[str, tuple[str, str | None]] = {}
    url = str(pull["url"]) if pull is not None else ""
    known = url if url.startswith(("https://", "http://")) else None
    if pull is not None:
        found["pull"] = (f"#{pull['number']}", known)
    if issue is not None:
        root, _, _ = url.rpartition("/pull/")
        address = f"{root}/issues/{issue['number']}" if known and root else None
        found["issue"] = (f"{issue['repository']}#{issue['number']}", address)
    return found


async def _measured(ctx: Context, request: Request, found: Installed) -> dict[str, Any]:
    """Return an integration's numbers, and the chart that was asked for."""
    query, now = request.query_as(IntegrationQuery), ctx.clock.now()
    start, end = range_of(query.range, None, now=now)
    chart = await charted(
        ctx, found, query.metric, start=start, zone=chart_resource.zone_of("UTC"), actor=request.actor,
        language=request.language,
    )  # fmt: skip
    series = await metrics.query(ctx, integration_id=found.id, names=KEY_NUMBERS, start=start, end=end)
    state = await metrics.status(ctx, found)
    return {
        "metric": query.metric,
        "range": query.range,
        "ranges": RANGES,
        "metrics": {name: one.description.render(request.language) for name, one in METRICS.items()},
        "numbers": [(name, _valued(one.value, one.metric.unit, request.language)) for name, one in series.items()],
        "problem": _unmeasured(state, found, request.language),
        "switch_on": not state.enabled and request.actor.may("integrations.write") and found.id != OWN,
        "query": urlencode({"metric": query.metric, "from": query.range}),
        "alt": charts.alt(chart, request.language),
        "points": _points(chart, request.language),
    }


def _unmeasured(state: metrics.Status, found: Installed, language: str) -> str | None:
    """Return why there are no numbers, in a page's terms; that it is not active is said at the top already."""
    if not state.enabled:
        return T("Metrics are switched off for this integration: nothing is counted.").render(language)
    said = state.problem.render(language) if state.problem is not None and found.status == "active" else None
    if said is None or not mending.names_rest(said):
        return said
    if said.endswith(f"/v1/integrations/{found.id}/webhook-logs."):
        return T("Only refused deliveries came in the last hour: the log says which, and why.").render(language)
    return T("No event has arrived. If there should be some, check the address at the sender: it stands above.").render(
        language
    )


def _points(chart: Chart, language: str) -> list[tuple[float, str]]:
    """Return the chart as a table: its newest points first."""
    unit = chart.series.metric.unit
    return [(float(point.at), _valued(point.value, unit, language)) for point in reversed(chart.series.points)]


def _valued(value: float | None, unit: str, language: str) -> str:
    if value is None:
        return "–"
    if unit in ("ms", "s"):
        return durations.said(value * (1000 if unit == "s" else 1), language)
    shown = number(value, language, 2)
    return {"%": f"{shown} %", "USD": f"{shown} USD"}.get(unit, shown)


_WORDS: dict[str, Text] = {
    "back": T("All integrations"),
    "log": T("Log"),
    "list": T("Events"),
    "activate": T("Activate…"),
    "pause": T("Pause…"),
    "pull": T("Pull request"),
    "issue": T("Issue"),
    "all_events": T("All events, by status, type and text"),
    "alerts": T("Alerts"),
    "rules": T("Alert rules"),
    "problems": T("What is wrong"),
    "numbers": T("Numbers"),
    "switch_on": T("Switch them on"),
    "chart": T("Chart"),
    "metric": T("Metric"),
    "range": T("Time"),
    "show": T("Show"),
    "table": T("The chart's values as a table"),
    "time": T("Time"),
    "value": T("Value"),
    "zoom": T("Point at it for values. Turn the wheel to zoom, drag to move, press twice to see all."),
    "events": T("Newest events"),
    "no_events": T("No event has arrived yet. Send a signed sample from the engine's machine:"),
    "no_metrics": T("Numbers and charts are shown to keys with the permission metrics.read."),
    "no_list": T("Events are shown to keys with the permission events.read."),
    "address": T("Address for the sender"),
    "version": T("Version"),
    "missing": T("Must be set before it can be activated"),
    "last": T("Last activity"),
    "queue": T("Queue"),
    "dead": T("Dead events"),
    "refused": T("Refused, last hour"),
    "details": T("What it says of its error"),
} | EVENT_WORDS
