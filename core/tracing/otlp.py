"""Traces by OTLP over HTTP, as OpenTelemetry's SDK sends them (https://opentelemetry.io/docs/specs/otlp/).

An event's attempts may run hours apart and in several processes. So ids are made of the event's own: whoever writes a
span knows its parent's id. The root is written when the event ends.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Mapping
from urllib.parse import unquote

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from core import VERSION
from core.config import Settings
from core.tracing import CLOSE_SECONDS, ENDED, Hop, Traced

EXPORT_SECONDS = 5.0
"""How long the endpoint may take for one batch."""


def headers_of(text: str) -> dict[str, str]:
    """Return the headers in `name=value,name=value`, values percent-encoded, as the specification has it."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


class Otlp:
    """Sends by OTLP over HTTP, from a thread of the SDK's; what does not fit into its queue is dropped."""

    def __init__(self, settings: Settings) -> None:
        assert settings.otlp_endpoint is not None
        given = settings.otlp_headers
        exporter = OTLPSpanExporter(
            endpoint=settings.otlp_endpoint.rstrip("/") + "/v1/traces",
            headers=headers_of(given.get_secret_value()) if given else None,
            timeout=EXPORT_SECONDS,
        )
        self._sender = TraceContextTextMapPropagator()
        self._ids = _Ids()
        resource = Resource.create({"service.name": "claude-code-bot", "service.version": VERSION})
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False, id_generator=self._ids
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("claude-code-bot", VERSION)

    def attempt(self, traced: Traced) -> None:
        """Write the attempt's spans, and with the last one the event's own and those before all attempts."""
        sender = self._sender_of(traced)
        trace_id = sender.trace_id if sender.is_valid else _hash(16, traced.event_id)
        first = _hash(8, traced.event_id, 1)
        root = _hash(8, traced.event_id, traced.run)
        attempt = _hash(8, traced.event_id, traced.run, traced.attempt)
        about: dict[str, str | int] = {
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
            self._span(trace_id, root, parent, hop, about, kind=trace.SpanKind.CONSUMER)

    def _sender_of(self, traced: Traced) -> trace.SpanContext:
        carrier = {"traceparent": traced.traceparent} if traced.traceparent else {}
        return trace.get_current_span(self._sender.extract(carrier)).get_span_context()

    def _span(
        self,
        trace_id: int,
        span_id: int,
        parent_id: int,
        hop: Hop,
        about: Mapping[str, str | int],
        *,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
    ) -> None:
        self._ids.trace_id, self._ids.span_id = trace_id, span_id
        context = None
        if parent_id:
            flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
            parent = trace.SpanContext(trace_id, parent_id, is_remote=True, trace_flags=flags)
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
        span = self._tracer.start_span(
            hop.name,
            context or trace.set_span_in_context(trace.INVALID_SPAN),
            kind,
            {**about, **hop.attributes},
            start_time=int(hop.at * 1e9),
        )
        if hop.error is not None:
            span.set_attribute("error.type", hop.error)
            span.set_status(trace.StatusCode.ERROR)
        span.end(int((hop.at + max(0.0, hop.seconds)) * 1e9))

    async def close(self) -> None:
        """Send what waits. A thread of our own: asyncio waits for those of its pool, however long they take."""
        ending = threading.Thread(target=self._provider.shutdown, name="close-traces", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, CLOSE_SECONDS)


class _Ids(IdGenerator):
    """Gives the SDK the ids that it is to use."""

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
