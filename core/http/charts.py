"""Charts of an integration's metrics: the picture, and the specification that a browser draws itself."""

from __future__ import annotations

import hashlib
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import charts, integrations
from core.alerting.charted import charted
from core.charts import Chart
from core.context import Context
from core.errors import Invalid, NotFound, Unavailable
from core.http.health import VERSION
from core.http.metrics import range_of, step_of
from core.http.paging import unchanged
from core.http.routes import Request, route
from core.http.times import AGO
from core.metrics import METRICS
from core.texts import T

FRESH_SECONDS = 30


class ChartQuery(BaseModel):
    """Which metric, over which time, its times said in which zone."""

    model_config = ConfigDict(extra="forbid")

    metric: str = Field(max_length=100, description="The metric.", json_schema_extra={"enum": list(METRICS)})
    from_: str = Field(
        "1h", alias="from", description="15m, 1h, 7d ago, or ISO 8601. It begins with a whole minute.",
        json_schema_extra=AGO,
    )  # fmt: skip
    to: str | None = Field(None, description="As `from`; without it until now.", json_schema_extra=AGO)
    step: str | None = Field(
        None, description="From one point to the next, in whole minutes: 1m, 15m, 1h.",
        json_schema_extra={"pattern": "^[1-9][0-9]{0,5}[mhd]$"},
    )  # fmt: skip
    tz: str = Field("UTC", max_length=64, description="The zone of the times, such as Europe/Moscow.")


@route(
    "GET", "/v1/integrations/{id}/metrics/chart.json", permission="metrics.read", tag="metrics", query=ChartQuery,
    response=dict[str, Any], errors=[NotFound], cached=True,
    summary=T("Get a chart of a metric as a Vega-Lite specification"),
)  # fmt: skip
async def chart_spec(ctx: Context, request: Request) -> web.Response:
    """Give what a browser can draw. Its `description` says in words what the chart shows, for who cannot see it.

    The limits of alert rules are drawn for who may read them (`alerts.read`), changes for who may read the
    integration's (`integrations.read`).
    """
    body, headers = await _specification(ctx, request)
    if unchanged(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)


@route(
    "GET", "/v1/integrations/{id}/metrics/chart.png", permission="metrics.read", tag="metrics", query=ChartQuery,
    produces="image/png", errors=[NotFound, Unavailable], cached=True,
    summary=T("Get a chart of a metric as a picture"),
)  # fmt: skip
async def chart_png(ctx: Context, request: Request) -> web.Response:
    """Draw the same chart as a PNG, in the language of Accept-Language."""
    body, headers = await _specification(ctx, request)
    if unchanged(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    picture = await ctx.memo.share(
        ("chart", headers["ETag"]), lambda: charts.png(ctx, orjson.loads(body))
    )  # who asks for the same at the same time shares it
    return web.Response(body=picture, content_type="image/png", headers=headers)


async def _specification(ctx: Context, request: Request) -> tuple[bytes, dict[str, str]]:
    chart = await chart_of(ctx, request)
    body = orjson.dumps(charts.spec(chart, request.language))
    digest = hashlib.blake2b(VERSION.encode() + body, digest_size=12).hexdigest()
    return body, {
        "ETag": f'W/"{digest}"',
        "Cache-Control": f"private, max-age={FRESH_SECONDS}",
        "Vary": "Authorization, Accept-Language",
    }


async def chart_of(ctx: Context, request: Request) -> Chart:
    """Return the chart that a query (`ChartQuery`) asks for."""
    query = request.query_as(ChartQuery)
    zone = zone_of(query.tz)
    installed = await integrations.find(ctx, request.path["id"])
    start, end = range_of(query.from_, query.to, now=ctx.clock.now())
    return await charted(
        ctx, installed, query.metric, start=start, end=None if query.to is None else end, step=step_of(query.step),
        zone=zone, actor=request.actor, language=request.language,
    )  # fmt: skip


def zone_of(name: str, *, path: str = "tz") -> ZoneInfo:
    """Return the time zone that a field names; raise `Invalid` where there is none such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            T("{path}: there is no time zone {name}. Write one such as {example}.", path=path, name=repr(name[:64]),
              example="Europe/Moscow"),
            path=path,
        ) from None  # fmt: skip
