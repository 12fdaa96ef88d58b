"""A rule before it is saved: what it would have done."""

from __future__ import annotations

import base64
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core import charts, integrations
from core.alerting.charted import played
from core.alerting.preview import Preview, preview
from core.alerting.preview_words import sentence
from core.alerts import RuleWish
from core.context import Context
from core.errors import NotFound, Unavailable
from core.http.charts import zone_of
from core.http.routes import Request, moment, route, time_of
from core.http.times import AGO
from core.metrics import METRICS
from core.texts import T

MOST_SHOWN = 200


class PreviewIn(RuleWish):
    """A rule as it would be put; of it, the conditions and `min_samples` count here."""

    name: str = Field("", max_length=80)
    from_: str = Field("7d", alias="from", description="15m, 1h, 7d ago, or ISO 8601; at most 30d.",
                       json_schema_extra=AGO)  # fmt: skip
    tz: str = Field("UTC", max_length=64, description="The zone of the chart's times, such as Europe/Moscow.")
    picture: bool = Field(False, description="Whether the chart is to come as a picture too.")


class FiredOut(BaseModel):
    """One time for which it would have fired."""

    at: str
    ended: str | None = Field(description="Null: it would fire still.")
    seconds: float
    highest: float | None = Field(description="The highest value meanwhile, in the metric's unit.")


class PreviewOut(BaseModel):
    """What the rule would have done."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: str = Field(alias="from", description="Later than asked for where metrics are not kept for so long.")
    to: str
    by_hours_until: str | None = Field(
        description="What is before was played by hours, for minutes are no longer kept; null: all by minutes."
    )
    condition: str
    times: int = Field(description="How often it would have fired.")
    fired: list[FiredOut] = Field(description=f"When; the newest {MOST_SHOWN}.")
    firing_seconds: float
    metric: str
    unit: str | None
    highest: float | None = Field(description="The highest value of all.")
    missing: float = Field(description="In which share of the looks there was no data, 0 to 1.")
    looks: int
    sentence: str = Field(description="The same in words.")
    chart: dict[str, Any] | None = Field(description="Vega-Lite; null: the rule is about no metric.")
    picture: str | None = Field(description="The chart as a PNG in base64, where it was asked for.")


@route(
    "POST", "/v1/integrations/{id}/alerts/preview", permission="alerts.read", tag="alerts", request=PreviewIn,
    response=PreviewOut, errors=[NotFound, Unavailable], summary=T("Play a rule over the recorded past"),
)  # fmt: skip
async def alerts_preview(ctx: Context, request: Request) -> PreviewOut:
    """Say how often a rule would have fired. Nothing is stored and nobody is told."""
    wish = request.body_as(PreviewIn)
    request.actor.require("metrics.read")
    zone = zone_of(wish.tz)
    start = time_of(wish.from_, now=ctx.clock.now(), path="from")
    assert start is not None
    installed = await integrations.find(ctx, request.path["id"])
    found = await preview(
        ctx, installed.id, condition=wish.condition, resolve_condition=wish.resolve_condition,
        min_samples=wish.min_samples, start=start,
    )  # fmt: skip
    chart = await played(ctx, installed, wish.condition, found, zone=zone, actor=request.actor)
    spec = None if chart is None else charts.spec(chart, request.language)
    png = await charts.png(ctx, spec) if spec is not None and wish.picture else None
    return _out(found, wish, spec, png, request.language)


def _out(found: Preview, wish: PreviewIn, spec: dict[str, Any] | None, png: bytes | None, language: str) -> PreviewOut:
    lasted = [(one.ended or found.end) - one.at for one in found.fired]
    fired = [
        FiredOut(at=moment(one.at), ended=None if one.ended is None else moment(one.ended), seconds=seconds,
                 highest=one.highest)
        for one, seconds in zip(found.fired, lasted, strict=True)
    ]  # fmt: skip
    return PreviewOut.model_validate({
        "from": moment(found.start), "to": moment(found.end),
        "by_hours_until": None if found.by_hours_until is None else moment(found.by_hours_until),
        "condition": wish.condition, "times": len(fired),
        "fired": fired[-MOST_SHOWN:], "firing_seconds": sum(lasted), "metric": found.metric,
        "unit": METRICS[found.metric].unit if found.metric in METRICS else None, "highest": found.highest,
        "missing": round(found.missing, 4), "looks": found.looks,
        "sentence": sentence(found, language),
        "chart": spec, "picture": None if png is None else base64.b64encode(png).decode(),
    })  # fmt: skip
