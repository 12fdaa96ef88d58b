"""OpenTelemetry: a trace of each event, where an endpoint is set (https://opentelemetry.io/docs/specs/otlp/).

Names, times, ids and outcomes go out; payloads, messages and secrets never. The SDK is imported only where it is
wanted: a start takes long enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.config import Settings

CLOSE_SECONDS = 2.0
"""How long a stop waits for the last traces to be sent."""
ENDED = ("succeeded", "dead")
"""What an event's status is when its span ends."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of an event's way. `at`: seconds since the epoch. `error`: what kind of error it ended with."""

    name: str
    at: float
    seconds: float
    error: str | None = None
    attributes: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traced:
    """One attempt at an event that has ended, with `status` for the event.

    `traceparent`: the sender's own span (https://www.w3.org/TR/trace-context/), where the delivery named one. `intake`:
    the steps before the event was accepted; they are given with the last attempt of its first run.
    """

    event_id: str
    integration_id: str
    type: str
    run: int
    attempt: int
    version: str
    received_at: float
    began_at: float
    ended_at: float
    status: str
    error: str | None
    traceparent: str | None
    intake: Sequence[Hop]
    hops: Sequence[Hop]


class Tracer(Protocol):
    """Where traces go."""

    def attempt(self, traced: Traced) -> None:
        """Hand over one attempt; never waits and never raises."""
        ...

    async def close(self) -> None:
        """Send what waits, for `CLOSE_SECONDS` at most."""
        ...


def opened(settings: Settings) -> Tracer | None:
    """Return the tracer that the settings ask for, or None."""
    if not settings.otlp_endpoint:
        return None
    from core.tracing.otlp import Otlp

    return Otlp(settings)
