"""`GET /metrics`: what Prometheus and its like read, in the text format or as OpenMetrics."""

from __future__ import annotations

import time

from aiohttp import web

from core.context import Context
from core.errors import Denied, Malformed, TooMany, Unauthenticated
from core.http.middleware import caller
from core.http.node import NODE, Node
from core.http.routes import Request, route
from core.texts import T


@route(
    "GET", "/metrics", permission=None, open=True, tag="metrics", produces="text/plain",
    errors=(Malformed, Unauthenticated, Denied, TooMany), summary=T("Metrics for Prometheus"),
)  # fmt: skip
async def scrape(ctx: Context, request: Request) -> web.Response:
    """Give counters and gauges of all integrations, at most five seconds old, and what this node knows of itself.

    It takes a key with `metrics.read`, unless CCB_METRICS_OPEN is set. With `Accept: application/openmetrics-text` the
    answer is OpenMetrics.
    """
    if not ctx.settings.metrics_open:
        (await caller(ctx, request.raw)).require("metrics.read")
    from core.metrics import exposition  # its client takes long to import: only who scrapes shall wait for it

    accept, own = request.raw.headers.get("Accept", ""), _own(ctx, request.raw.app[NODE])
    body, content_type = await exposition.text(ctx, own, accept=accept)
    return web.Response(body=body, headers={"Content-Type": content_type})


def _own(ctx: Context, node: Node) -> dict[str, tuple[str, float]]:
    """Return what is this node's own; the series of several nodes are told apart by the `instance` of the scrape."""
    lags, load = node.latencies.lags, ctx.sandbox.load()
    return {
        "ccb_uptime_seconds": ("How long this node's server has run.", time.monotonic() - node.started),
        "ccb_writer_backlog": ("Writes that wait for the database.", ctx.db.waiting()),
        "ccb_http_in_flight": ("Requests that are being answered, this one included.", node.latencies.in_flight),
        "ccb_http_connections": ("Connections that are open.", node.connections()),
        "ccb_http_receiving_bytes": ("Bytes of deliveries that are being received or stored.", node.receiving),
        "ccb_event_loop_lag_seconds": ("The event loop's worst delay in five minutes.", max(lags, default=0.0)),
        "ccb_sandbox_places": ("Handlers that may run at once.", load.places),
        "ccb_sandbox_busy": ("Handlers that run now.", load.busy),
        "ccb_sandbox_waiting": ("Handlers that wait for a place.", load.waiting),
    }
