"""What monitoring systems read: counters since ever and gauges of this moment, as families of the Prometheus client.

They come from the database, so that each node gives the same. Counters only grow: they outlive the retention of what is
kept by time. The number of series is bounded: `MOST_INTEGRATIONS` have series of their own, those that are oldest.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from core import VERSION, histogram
from core.context import Context
from core.metrics.known import ANSWERS
from core.metrics.rollup import LOOK_BACK_SECONDS
from storage import integrations, rollup, spending
from storage import metrics as rows

FRESH_SECONDS = 5.0
"""How long what was read of the database is given again."""
MOST_INTEGRATIONS = 300
OTHER = "other"
"""The label of the integrations beyond those."""
NOBODY = ""
"""The label of refused deliveries to addresses that nobody has."""
BOUNDS_MS = tuple(2**power for power in range(0, 21, 2))
"""Upper bounds of the histograms' buckets, in milliseconds: 1 ms to 17 minutes, each of them a bound of ours too."""

_Counts: TypeAlias = Mapping[str, Mapping[int, float]]

_COUNTERS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    ("ccb_events_received", "Events that were stored.", "", (("received", ""),)),
    (
        "ccb_events_ended", "Events that ended, by how.", "outcome",
        (("succeeded", "succeeded"), ("dead", "failed")),
    ),
    ("ccb_attempts_retried", "Attempts that failed and are tried again.", "", (("retried", ""),)),
    ("ccb_deliveries_duplicate", "Deliveries that repeated an event.", "", (("duplicates", ""),)),
    ("ccb_events_skipped", "Events of types that the integration does not handle.", "", (("skipped", ""),)),
    (
        "ccb_deliveries_rejected", "Deliveries that were refused, by cause.", "cause",
        tuple((name, name.removeprefix(rows.REJECTED)) for name in rows.CAUSES),
    ),
    ("ccb_effects", "Actions that were done.", "", (("effects", ""),)),
    (
        "ccb_answers", "Answers to actions, by the class of their status.", "status",
        tuple((f"deliveries_{kind}", kind) for kind in ANSWERS),
    ),
)  # fmt: skip
_HISTOGRAMS = (
    ("ccb_event_latency_seconds", "From the acceptance of an event to its end.", "latency_ms"),
    ("ccb_attempt_seconds", "What one attempt takes: the handler and its actions.", "processing_ms"),
)


async def text(ctx: Context, own: Mapping[str, tuple[str, float]], *, accept: str) -> tuple[bytes, str]:
    """Return what `GET /metrics` answers, and its content type. `own`: this node's gauges, each with its meaning."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        _Given(
            (
                *await families(ctx),
                InfoMetricFamily("ccb_build", "Which version this node runs.", {"version": VERSION}),
                *(GaugeMetricFamily(name, meaning, value=value) for name, (meaning, value) in own.items()),
            )
        )
    )
    encode, content_type = choose_encoder(accept)
    return await asyncio.to_thread(encode, registry), content_type


async def families(ctx: Context) -> tuple[Metric, ...]:
    """Return all families, as they were at most `FRESH_SECONDS` ago."""
    kept: tuple[Metric, ...] | None = ctx.memo.get(families)
    if kept is None:
        kept = await ctx.memo.share(families, lambda: _read(ctx))
        ctx.memo.put(families, kept, seconds=FRESH_SECONDS)
    return kept


async def _read(ctx: Context) -> tuple[Metric, ...]:
    listed = await ctx.db.read(integrations.labels)
    label = {one.id: one.slug if place < MOST_INTEGRATIONS else OTHER for place, one in enumerate(listed)}
    label[NOBODY] = NOBODY
    since = await ctx.db.read(rollup.until) - LOOK_BACK_SECONDS
    counts: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
    for name in label.values():  # those of which nothing was counted have series too, at 0
        counts[name] = counts[name]
    for total in await ctx.db.read(rollup.totals, since):
        if total.integration_id in label:  # those that are gone have none
            counts[label[total.integration_id]][total.name][total.bucket] += total.value
    states = Counter(one.status for one in listed if one.id != integrations.OWN)
    waiting = await ctx.db.read(rows.waiting)
    spent = sum((await ctx.db.read(spending.totals)).values())
    queue = _gauges(waiting, label, ctx.clock.now())
    return (*_counters(counts), *_histograms(counts), *queue, _states(states), _cost(spent))


def _counters(counts: Mapping[str, _Counts]) -> Iterator[Metric]:
    for family, text, dimension, parts in _COUNTERS:
        made = CounterMetricFamily(family, text, labels=["integration", *([dimension] if dimension else [])])
        for integration, counted in counts.items():
            for name, value in parts:
                labels = [integration, value] if dimension else [integration]
                made.add_metric(labels, counted.get(name, {}).get(0, 0.0))
        yield made
    sandbox = CounterMetricFamily("ccb_sandbox_seconds", "What handlers took in the sandbox.", labels=["integration"])
    for integration, counted in counts.items():
        sandbox.add_metric([integration], counted.get("sandbox_ms", {}).get(0, 0.0) / 1e3)
    yield sandbox


def _histograms(counts: Mapping[str, _Counts]) -> Iterator[Metric]:
    for family, text, name in _HISTOGRAMS:
        made = HistogramMetricFamily(
            family, f"{text} The sum is made of the buckets, and at most 4.4 % away.", labels=["integration"]
        )
        for integration, counted in counts.items():
            buckets = counted.get(name, {})
            under = [
                (bound, sum(n for b, n in buckets.items() if b <= histogram.bucket_of(bound))) for bound in BOUNDS_MS
            ]
            total = sum(buckets.values())
            made.add_metric(
                [integration],
                [*((f"{bound / 1e3:g}", count) for bound, count in under), ("+Inf", total)],
                sum(histogram.value_of(b) * n for b, n in buckets.items()) / 1e3,
            )
        yield made


def _gauges(waiting: Mapping[str, tuple[int, float]], label: Mapping[str, str], now: float) -> Iterator[Metric]:
    depths: dict[str, float] = dict.fromkeys((name for name in label.values() if name != NOBODY), 0.0)
    ages = dict(depths)
    for owner, (depth, since) in waiting.items():
        name = label.get(owner, OTHER)
        depths[name] = depths.get(name, 0.0) + depth
        ages[name] = max(ages.get(name, 0.0), now - since)
    yield _gauge("ccb_queue_depth", "Events that wait for a worker, or for their next attempt.", depths)
    yield _gauge("ccb_queue_age_seconds", "How long the event that has been due for longest has waited.", ages)


def _gauge(family: str, text: str, values: Mapping[str, float]) -> Metric:
    made = GaugeMetricFamily(family, text, labels=["integration"])
    for integration, value in values.items():
        made.add_metric([integration], value)
    return made


def _states(states: Mapping[str, int]) -> Metric:
    made = GaugeMetricFamily("ccb_integrations", "Integrations, by status.", labels=["status"])
    for status, count in sorted(states.items()):
        made.add_metric([status], count)
    return made


def _cost(usd: float) -> Metric:
    made = CounterMetricFamily("ccb_claude_cost_usd", "What Claude has cost, in USD.")
    made.add_metric([], usd)
    return made


class _Given(Collector):
    """A collector that gives families that are there already; the client's registry asks collectors synchronously."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._families
