"""Traces as a collector receives them: OTLP over a real socket, from a running engine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from pydantic import ValidationError

from core.tracing.otlp import headers_of
from tests.contexts import MovableClock, settings
from tests.engines import Client, running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver

SENDER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENDER_SPAN = "00f067aa0ba902b7"


@dataclass
class Collector:
    """An OpenTelemetry collector that keeps what it is sent."""

    address: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    raw: bytes = b""
    resources: set[str] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        sent = ExportTraceServiceRequest.FromString(body)
        self.raw += body
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        for resource in sent.resource_spans:
            self.resources |= {a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(body=b"", content_type="application/x-protobuf")

    def of(self, event: str) -> list[Span]:
        """Return an event's spans, in the order in which they began."""
        found = [span for span in self.spans if attributes(span)["ccb.event.id"] == event]
        return sorted(found, key=lambda span: (span.start_time_unix_nano, -span.end_time_unix_nano))


def attributes(span: Span) -> dict[str, Any]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    async with TestServer(app) as server:
        made.address = str(server.make_url("")).rstrip("/")
        yield made


async def installed(client: Client, receiver: Receiver) -> str:
    wish = package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host))
    return str((await client.install(wish, config={"retry_backoff": "fixed"}))["id"])


async def test_an_event_is_a_trace(tmp_path: Path, receiver: Receiver, collector: Collector) -> None:
    async def answer(got: Received) -> int:
        return 503 if b"hush-hush" in got.body and len(receiver.received) < 2 else 200

    receiver.before_answer = answer
    moved = MovableClock(float(int(time.time())))
    values = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address + "/", "OTEL_EXPORTER_OTLP_HEADERS": "x-team=a%20b"}
    async with running(tmp_path, clock=moved, CCB_OUTBOUND_ALLOW=receiver.host, **values) as client:
        integration = await installed(client, receiver)
        retried = (await client.deliver(integration, {"n": "hush-hush"}, "msg_1")).json["event_id"]
        await client.ended(retried, "failed")
        moved.move(60)
        await client.ended(retried)
        path, body, headers = await client.sign(integration, {"n": 2}, "msg_2")
        headers["traceparent"] = f"00-{SENDER_TRACE}-{SENDER_SPAN}-01"
        joined = (await client.post(path, body, headers)).json["event_id"]
        await client.ended(joined)
    spans = {span.name: span for span in collector.of(joined)}
    names = [span.name for span in collector.of(joined)]
    assert sorted(names) == sorted(
        ["event", "receive", "verify", "deduplicate", "attempt", "transform", "http_request", "http_request"]
    )
    root = spans["event"]
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (SENDER_TRACE, SENDER_SPAN)
    assert {span.trace_id for span in collector.of(joined)} == {root.trace_id}
    for name in ("receive", "verify", "deduplicate", "attempt"):
        assert spans[name].parent_span_id == root.span_id, name
    for name in ("transform", "http_request"):
        assert spans[name].parent_span_id == spans["attempt"].span_id, name
    about = attributes(root)
    assert about["ccb.integration.id"] == integration and about["ccb.event.status"] == "succeeded"
    assert about["ccb.event.type"] and about["ccb.integration.commit"] and about["ccb.attempt"] == 1
    assert attributes(spans["http_request"])["server.address"] == receiver.host
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in collector.spans)

    again = collector.of(retried)
    assert len({span.trace_id for span in again}) == 1 and again[0].trace_id != root.trace_id
    assert len({span.span_id for span in again}) == len(again)
    attempts = [span for span in again if span.name == "attempt"]
    assert [attributes(span)["ccb.attempt"] for span in attempts] == [1, 2]
    assert [span.status.code for span in attempts] == [Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET]
    failed = next(span for span in again if span.status.code and span.name == "http_request")
    assert attributes(failed)["http.response.status_code"] == 503
    (whole,) = [span for span in again if span.name == "event"]
    assert not whole.parent_span_id and {span.parent_span_id for span in attempts} == {whole.span_id}
    assert whole.end_time_unix_nano - whole.start_time_unix_nano >= 60 * 10**9
    assert b"hush-hush" not in collector.raw, "no payload"
    assert {header["x-team"] for header in collector.headers} == {"a b"} and "claude-code-bot" in collector.resources


async def test_a_dead_endpoint_disturbs_nothing(tmp_path: Path, receiver: Receiver, unused_tcp_port: int) -> None:
    endpoint = f"http://127.0.0.1:{unused_tcp_port}"
    async with running(tmp_path, CCB_OUTBOUND_ALLOW=receiver.host, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as client:
        integration = await installed(client, receiver)
        for number in range(5):
            event = (await client.deliver(integration, {"n": number}, f"msg_{number}")).json["event_id"]
            await client.ended(event)
        began = time.monotonic()
    assert time.monotonic() - began < 10


def test_what_takes_long_to_import_is_imported_only_where_it_is_wanted() -> None:
    asked = (
        "import sys, core.bootstrap; from core.http.routes import load; load(); "
        "print(sum(name.startswith(('opentelemetry', 'prometheus_client')) for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_headers_are_as_the_specification_has_them() -> None:
    assert headers_of("Api-Key=a%2Cb, x=1=2 ,") == {"api-key": "a,b", "x": "1=2"}


@pytest.mark.parametrize(
    "values", [{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, {"OTEL_EXPORTER_OTLP_HEADERS": "api-key"}]
)
def test_what_cannot_work_is_said_at_the_start(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="must"):
        settings(**values)
