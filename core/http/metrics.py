"""Metrics of an integration, and of all together; and why there may be none."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from core import durations, integrations, metrics
from core.context import Context
from core.errors import Invalid, NotFound
from core.http.routes import Request, moment, route, time_of
from core.http.times import AGO
from core.metrics import METRICS, Series
from core.texts import T, Text


class PointOut(BaseModel):
    """One point of a series."""

    timestamp: str = Field(description="Where it begins.")
    value: int | float | None = Field(description="Null: nothing happened that it could be made of.")


class MetricOut(BaseModel):
    """One metric over a range of time."""

    model_config = ConfigDict(serialize_by_alias=True)

    metric: str
    value: int | float | None = Field(
        description="Over the whole range (of queue_depth and queue_age: at this moment). Null: there was nothing that "
        "it could be made of; counts are 0 then."
    )
    unit: str = Field(description="count, count/min, % (12.4 is 12.4 of a hundred), ms, s.")
    from_: str = Field(alias="from")
    to: str
    step: int = Field(description="Seconds from one point to the next.")
    series: list[PointOut]


class MetricsQuery(BaseModel):
    """Which metric, over which time."""

    model_config = ConfigDict(extra="forbid")

    metric: str | None = Field(
        None,
        max_length=100,
        description="One metric; without it all, by their names.",
        json_schema_extra={"enum": list(METRICS)},
    )
    from_: str = Field(
        "1h",
        alias="from",
        description="15m, 1h, 7d ago, or ISO 8601. It begins with a whole minute.",
        json_schema_extra=AGO,
    )
    to: str | None = Field(None, description="As `from`; without it now.", json_schema_extra=AGO)
    step: str | None = Field(
        None,
        description="From one point to the next, in whole minutes: 1m, 15m, 1h. Without it one that gives at most 120 "
        "points.",
        json_schema_extra={"pattern": "^[1-9][0-9]{0,5}[mhd]$"},
    )


class MetricsStatusOut(BaseModel):
    """Whether metrics are recorded."""

    enabled: bool
    retention: str = Field(description="How long they are kept.")
    last_recorded_at: str | None = Field(description="The newest minute of which there is anything.")
    oldest_recorded_at: str | None
    minutes: int = Field(description="In how many minutes something was recorded.")
    rows: int = Field(description="How many rows they take in the database.")
    problem: str | None = Field(description="Why nothing was recorded of late, and what to do; null: all is well.")


@route(
    "GET", "/v1/integrations/{id}/metrics", permission="metrics.read", tag="metrics", query=MetricsQuery,
    response=MetricOut | dict[str, MetricOut], errors=[NotFound], summary=T("Read an integration's metrics"),
)  # fmt: skip
async def integration_metrics(ctx: Context, request: Request) -> MetricOut | dict[str, MetricOut]:
    """Give one metric, or all in an object by their names, over a range of time."""
    installed = await integrations.find(ctx, request.path["id"])
    return await _asked(ctx, request, installed.id)


@route(
    "GET", "/v1/metrics", permission="metrics.read", tag="metrics", query=MetricsQuery,
    response=MetricOut | dict[str, MetricOut], summary=T("Read the metrics of all integrations together"),
)  # fmt: skip
async def all_metrics(ctx: Context, request: Request) -> MetricOut | dict[str, MetricOut]:
    """Give one metric, or all in an object by their names, over a range of time."""
    return await _asked(ctx, request, None)


@route(
    "GET", "/v1/integrations/{id}/metrics/status", permission="metrics.read", tag="metrics",
    response=MetricsStatusOut, errors=[NotFound], summary=T("Ask whether an integration's metrics are recorded"),
)  # fmt: skip
async def metrics_status(ctx: Context, request: Request) -> MetricsStatusOut:
    """Say what is recorded, and in words why there is nothing."""
    found = await metrics.status(ctx, await integrations.find(ctx, request.path["id"]))
    recorded = found.recorded
    return MetricsStatusOut(
        enabled=found.enabled,
        retention=found.retention,
        last_recorded_at=None if recorded.newest is None else moment(recorded.newest),
        oldest_recorded_at=None if recorded.oldest is None else moment(recorded.oldest),
        minutes=recorded.minutes,
        rows=recorded.rows,
        problem=found.problem.render(request.language) if isinstance(found.problem, Text) else None,
    )


async def _asked(ctx: Context, request: Request, integration_id: str | None) -> MetricOut | dict[str, MetricOut]:
    query, now = request.query_as(MetricsQuery), ctx.clock.now()
    start, end = range_of(query.from_, query.to, now=now)
    found = await metrics.query(
        ctx,
        integration_id=integration_id,
        names=METRICS if query.metric is None else [query.metric],
        start=start,
        end=end,
        step=step_of(query.step),
    )
    out = {name: _out(series) for name, series in found.items()}
    return out if query.metric is None else out[query.metric]


def range_of(from_: str, to: str | None, *, now: float) -> tuple[float, float]:
    """Return the range that a query names; raise `Invalid` for what is no time."""
    start = time_of(from_, now=now, path="from")
    end = now if to is None else time_of(to, now=now, path="to")
    assert start is not None and end is not None
    return start, end


def step_of(text: str | None) -> int | None:
    """Return the seconds from point to point, None where nobody says; raise `Invalid` for what is no duration."""
    if text is None:
        return None
    try:
        return int(durations.parse(text))
    except Invalid as error:
        raise Invalid(error.message, path="step") from None


def _out(series: Series) -> MetricOut:
    return MetricOut.model_validate(
        {
            "metric": series.metric.name,
            "value": series.value,
            "unit": series.metric.unit,
            "from": moment(series.start),
            "to": moment(series.end),
            "step": series.step,
            "series": [PointOut(timestamp=moment(point.at), value=point.value) for point in series.points],
        }
    )
