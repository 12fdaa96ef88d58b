"""The metrics that there are: each made from counts by the minute, or from what stands in the queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from core.texts import T, Text
from storage.metrics import CAUSES, REJECTED

Kind = Literal["counter", "rate", "ratio", "percentile", "gauge"]
"""`counter`, `rate`: 0 where nothing happened. `ratio`, `percentile`: nothing where nothing happened. `gauge`: its
value is that of this moment, its series the highest of the samples taken once a minute."""
Unit = Literal["count", "count/min", "%", "ms", "s", "USD"]
COST = "claude_cost"
"""What is not counted: it is read from the calls of Claude themselves."""
ANSWERS = ("2xx", "3xx", "4xx", "5xx", "none")
"""The classes of the answers to deliveries."""


@dataclass(frozen=True)
class Metric:
    """One metric. `counted`: the names of the counts that it is made of (of a ratio: its numerator)."""

    name: str
    unit: Unit
    kind: Kind
    description: Text
    counted: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    """Of a ratio: the denominator."""
    q: float = 0.0
    """Of a percentile: the share."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all counts that it takes."""
        return tuple(dict.fromkeys((*self.counted, *self.whole)))


_REJECTED: Mapping[str, Text] = dict(
    zip(
        CAUSES,
        (
            T("Refused: nothing proves who sent it (no signature, a wrong one, an old one)."),
            T("Refused: the integration is not active."),
            T("Refused: the body, or what should prove the sender, cannot be read."),
            T("Refused: the body is too large."),
            T("Refused: nobody has this address. Only of all integrations together."),
        ),
        strict=True,
    )
)
_DELIVERIES: Mapping[str, Text] = dict(
    zip(
        ANSWERS,
        (
            T("Actions that the other side answered with success."),
            T("Actions that were answered with a redirect that is not followed."),
            T("Actions that were answered with an error of ours (4xx)."),
            T("Actions that were answered with an error of theirs (5xx)."),
            T("Actions that got no answer, or none that has a status."),
        ),
        strict=True,
    )
)


def _counters() -> Iterator[Metric]:
    for name, counted, description in (
        ("received", ("received",), T("Events that were stored.")),
        ("processed", ("succeeded", "dead"), T("Events that ended, well or not.")),
        ("succeeded", ("succeeded",), T("Events that ended well.")),
        ("failed", ("dead",), T("Events that failed for good.")),
        ("retried", ("retried",), T("Attempts that failed and are tried again.")),
        ("effects", ("effects",), T("Actions that were done.")),
        ("duplicates", ("duplicates",), T("Deliveries that repeated an event and were not stored again.")),
        ("skipped", ("skipped",), T("Events of types that the integration does not handle.")),
        ("rejected", CAUSES, T("Deliveries that were refused, whatever the cause.")),
        *((f"rejected_{name.removeprefix(REJECTED)}", (name,), text) for name, text in _REJECTED.items()),
        ("webhook_failures", CAUSES, T("The same as rejected, under the name that alert rules know.")),
        *((f"deliveries_{kind}", (f"deliveries_{kind}",), text) for kind, text in _DELIVERIES.items()),
    ):
        yield Metric(name, "count", "counter", description, counted)
    yield Metric("sandbox_time", "ms", "counter", T("What handlers took in the sandbox."), ("sandbox_ms",))
    yield Metric(
        COST,
        "USD",
        "counter",
        T("What Claude cost for the request that an integration came of; of all together also requests without one."),
        (COST,),
    )


def _percentiles() -> Iterator[Metric]:
    for name, description in (
        ("latency", T("From the acceptance of an event to its end, waits between attempts included.")),
        ("processing", T("What one attempt takes: the handler and its actions.")),
    ):
        for percent in (50, 90, 95, 99):
            yield Metric(
                f"{name}_p{percent}",
                "ms",
                "percentile",
                T("{what} {percent} of 100 take no longer.", what=description, percent=percent),
                (f"{name}_ms",),
                q=percent / 100,
            )


_ALL = (
    *_counters(),
    Metric("events_per_minute", "count/min", "rate", T("Events that were stored, per minute."), ("received",)),
    Metric(
        "error_rate",
        "%",
        "ratio",
        T("Attempts that failed, of all that ended."),
        ("dead", "retried"),
        ("succeeded", "dead", "retried"),
    ),
    *_percentiles(),
    Metric("queue_depth", "count", "gauge", T("Events that wait for a worker, or for their next attempt.")),
    Metric("queue_age", "s", "gauge", T("How long the event that has been due for longest has waited.")),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
