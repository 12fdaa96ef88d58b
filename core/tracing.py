"""OpenTelemetry: a trace of each event, where an endpoint is set (https://opentelemetry.io/docs/specs/otlp/).

An event's attempts may run hours apart and in several processes. So ids are made of the event's own: whoever writes a
span knows its parent's id. The root is written when the event ends. Names, times, ids and outcomes go out; payloads,
messages and secrets never. The SDK is imported only where it is needed: it would double the time of a start.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

from core import VERSION
from core.config import Settings

CLOSE_SECONDS = 2.0
"""How long a stop waits for the last traces to be sent."""
EXPORT_SECONDS = 5.0
"""How long the endpoint may take for one batch."""
ENDED = ("succeeded", "dead")


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
    the steps before the event was accepted; they are given with its first attempt.
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
    return _Otlp(settings) if settings.otlp_endpoint else None


def headers_of(text: str) -> dict[str, str]:
    """Return the headers in `name=value,name=value`, values percent-encoded, as the specification has it."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


class _Otlp:
    """Sends by OTLP over HTTP, from a thread of the SDK's; what does not fit into its queue is dropped."""

    def __init__(self, settings: Settings) -> None:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        assert settings.otlp_endpoint is not None
        given = settings.otlp_headers
        exporter = OTLPSpanExporter(
            endpoint=settings.otlp_endpoint.rstrip("/") + "/v1/traces",
            headers=headers_of(given.get_secret_value()) if given else None,
            timeout=EXPORT_SECONDS,
        )
        self._api = trace
        self._sender = TraceContextTextMapPropagator()
        self._ids = _Ids()
        resource = Resource.create({"service.name": "claude-code-bot", "service.version": VERSION})
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False, id_generator=self._ids
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("claude-code-bot", VERSION)

    def attempt(self, traced: Traced) -> None:
        """Write the attempt's spans, those before it with the first one, the event's own with the last one."""
        sender = self._sender_of(traced)
        trace_id = sender.trace_id if sender.is_valid else _hash(16, traced.event_id)
        first = _hash(8, traced.event_id, 1)
        root = _hash(8, traced.event_id, traced.run)
        attempt = _hash(8, traced.event_id, traced.run, traced.attempt)
        about = {
            "ccb.event.id": traced.event_id,
            "ccb.event.type": traced.type,
            "ccb.integration.id": traced.integration_id,
            "ccb.integration.commit": traced.version,
            "ccb.run": traced.run,
            "ccb.attempt": traced.attempt,
        }
        for place, hop in enumerate(traced.intake):
            self._span(trace_id, _hash(8, traced.event_id, "intake", place), first, hop, about)
        whole = Hop("attempt", traced.began_at, traced.ended_at - traced.began_at, traced.error)
        self._span(trace_id, attempt, root, whole, about)
        for place, hop in enumerate(traced.hops):
            self._span(trace_id, _hash(8, traced.event_id, traced.run, traced.attempt, place), attempt, hop, about)
        if traced.status in ENDED:
            name = "event" if traced.run == 1 else "replay"
            began = min((hop.at for hop in traced.intake), default=traced.received_at)
            began = began if traced.run == 1 else traced.began_at
            parent = (sender.span_id if sender.is_valid else 0) if traced.run == 1 else first
            hop = Hop(name, began, traced.ended_at - began, traced.error, {"ccb.event.status": traced.status})
            self._span(trace_id, root, parent, hop, about, kind=self._api.SpanKind.CONSUMER)

    def _sender_of(self, traced: Traced) -> Any:
        carrier = {"traceparent": traced.traceparent} if traced.traceparent else {}
        return self._api.get_current_span(self._sender.extract(carrier)).get_span_context()

    def _span(
        self, trace_id: int, span_id: int, parent_id: int, hop: Hop, about: Mapping[str, str | int], *, kind: Any = None
    ) -> None:
        api, self._ids.trace_id, self._ids.span_id = self._api, trace_id, span_id
        context = None
        if parent_id:
            flags = api.TraceFlags(api.TraceFlags.SAMPLED)
            parent = api.SpanContext(trace_id, parent_id, is_remote=True, trace_flags=flags)
            context = api.set_span_in_context(api.NonRecordingSpan(parent))
        span = self._tracer.start_span(
            hop.name,
            context or api.set_span_in_context(api.INVALID_SPAN),
            kind or api.SpanKind.INTERNAL,
            {**about, **hop.attributes},
            start_time=int(hop.at * 1e9),
        )
        if hop.error is not None:
            span.set_attribute("error.type", hop.error)
            span.set_status(api.StatusCode.ERROR)
        span.end(int((hop.at + max(0.0, hop.seconds)) * 1e9))

    async def close(self) -> None:
        """Send what waits. A thread of our own: asyncio waits for those of its pool, however long they take."""
        ending = threading.Thread(target=self._provider.shutdown, name="close-traces", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, CLOSE_SECONDS)


class _Ids:
    """Gives the SDK the ids that it is to use; duck-typed, so that nothing of the SDK is imported before it is used."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id

    def is_trace_id_random(self) -> bool:
        return False


def _hash(size: int, *parts: object) -> int:
    return int.from_bytes(hashlib.sha256(":".join(map(str, parts)).encode()).digest()[:size])
