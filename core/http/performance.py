"""How fast this server answers: percentiles by route, and what keeps it busy."""

from __future__ import annotations

import time

from pydantic import BaseModel, Field

from core import histogram
from core.context import Context
from core.http.latencies import WINDOW_SECONDS, Counted, merged
from core.http.node import NODE
from core.http.routes import Request, moment, route
from core.texts import T


class TimesOut(BaseModel):
    """Answers and how long they took, in milliseconds; null where there were none."""

    count: int
    refused: int = Field(description="Answers with 4xx.")
    errors: int = Field(description="Answers with 5xx.")
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class RouteOut(BaseModel):
    """One route."""

    method: str
    path: str
    since_start: TimesOut
    recent: TimesOut = Field(description="Over the last `recent_seconds`.")


class LagOut(BaseModel):
    """How late the event loop came back in the last `recent_seconds`, measured once a second."""

    last_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class PerformanceOut(BaseModel):
    """What this server measured of itself. Each node has its own."""

    started_at: str
    uptime_seconds: float
    recent_seconds: int
    relative_error: float = Field(description="A percentile is at most this share away from the exact one.")
    in_flight: int = Field(description="Requests that are being answered now, this one included.")
    writer_backlog: int = Field(description="Writes that wait for the database.")
    event_loop_lag: LagOut
    all: RouteOut = Field(description="All routes together.")
    routes: list[RouteOut] = Field(description="Routes that were asked, the most asked first.")


@route(
    "GET", "/v1/metrics/performance", permission="metrics.read", tag="metrics", response=PerformanceOut,
    summary=T("How fast this server answers, by route"),
)  # fmt: skip
async def performance(ctx: Context, request: Request) -> PerformanceOut:
    """Show the percentiles of every route since the start and over the last five minutes.

    They come from logarithmic buckets, and are at most 4.4 % away from the exact ones. A duration ends when the answer
    is made; sending it is not in it.
    """
    node, now = request.raw.app[NODE], ctx.clock.now()
    asked = sorted((one for one in node.latencies if one.total.count), key=lambda one: (-one.total.count, one.path))
    uptime = time.monotonic() - node.started
    lags = node.latencies.lags
    return PerformanceOut(
        started_at=moment(time.time() - uptime),
        uptime_seconds=round(uptime, 3),
        recent_seconds=WINDOW_SECONDS,
        relative_error=round(histogram.ERROR, 4),
        in_flight=node.latencies.in_flight,
        writer_backlog=ctx.db.waiting(),
        event_loop_lag=LagOut(
            last_ms=_ms(lags[-1]) if lags else None,
            p99_ms=_ms(sorted(lags)[int(len(lags) * 0.99)]) if lags else None,
            max_ms=_ms(max(lags)) if lags else None,
        ),
        all=RouteOut(
            method="*",
            path="*",
            since_start=_times(merged(one.total for one in asked)),
            recent=_times(merged(one.recent(now) for one in asked)),
        ),
        routes=[
            RouteOut(method=one.method, path=one.path, since_start=_times(one.total), recent=_times(one.recent(now)))
            for one in asked
        ],
    )


def _times(counted: Counted) -> TimesOut:
    p50, p90, p95, p99 = (_rounded(histogram.percentile(counted.buckets, q)) for q in (0.5, 0.9, 0.95, 0.99))
    return TimesOut(
        count=counted.count, refused=counted.refused, errors=counted.errors,
        p50_ms=p50, p90_ms=p90, p95_ms=p95, p99_ms=p99,
    )  # fmt: skip


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 4)


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 3)
