"""`/metrics` as Prometheus reads it: every family well formed, the true numbers, the same after a roll-up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from core import metrics
from core.histogram import ERROR, bucket_of
from core.metrics import exposition
from storage import metrics as rows
from storage.integrations import INTEGRATIONS
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
async def client(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Client]:
    moved = MovableClock(float(int(time.time()) // 3600 * 3600 + 30))
    async with running(tmp_path, clock=moved, CCB_OUTBOUND_ALLOW=receiver.host) as client:
        yield client


async def scraped(client: Client, accept: str = "*/*") -> tuple[str, str]:
    client.engine.ctx.memo.drop(exposition.families)
    async with client.local.get("http://ccb/metrics", headers={"Accept": accept}) as answer:
        assert answer.status == 200
        return await answer.text(), answer.headers["Content-Type"]


def samples(families: Iterable[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def of(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_the_numbers_are_there_and_only_grow(client: Client, receiver: Receiver) -> None:
    async def answer(got: Received) -> int:
        return 503 if b"3" in got.body else 200

    receiver.before_answer = answer
    made = await client.install(
        package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)), config={"retry_attempts": 1}
    )
    for number in (1, 2, 3):
        event = (await client.deliver(made["id"], {"n": number}, f"msg_{number}")).json["event_id"]
        await client.ended(event, "dead" if number == 3 else "succeeded")
    await client.deliver(made["id"], {"n": 1}, "msg_1")
    path, body, headers = await client.sign(made["id"], {"n": 0}, "msg_bad")
    await client.post(path, body + b" ", headers)
    await client.post("/webhooks/int_unknown", b"{}", {})
    await client.ask("GET", "/v1/integrations/forward/webhook-logs")  # which writes what is known of refusals
    text, kind = await scraped(client)
    assert kind.startswith("text/plain")
    families = list(plain(text))
    assert all(family.documentation and family.type != "unknown" for family in families), "HELP and TYPE"
    found = samples(families)

    def is_true(found: dict[tuple[str, frozenset[tuple[str, str]]], float]) -> None:
        assert of(found, "ccb_events_received_total", integration="forward") == 3
        assert of(found, "ccb_events_ended_total", integration="forward", outcome="succeeded") == 2
        assert of(found, "ccb_events_ended_total", integration="forward", outcome="failed") == 1
        assert of(found, "ccb_deliveries_duplicate_total", integration="forward") == 1
        assert of(found, "ccb_deliveries_rejected_total", integration="forward", cause="signature") == 1
        assert of(found, "ccb_deliveries_rejected_total", integration="", cause="unknown") == 1
        assert of(found, "ccb_answers_total", integration="forward", status="2xx") == 4
        assert of(found, "ccb_answers_total", integration="forward", status="5xx") == 1
        assert of(found, "ccb_attempt_seconds_count", integration="forward") == 3
        assert of(found, "ccb_attempt_seconds_bucket", integration="forward", le="+Inf") == 3

    is_true(found)
    assert of(found, "ccb_queue_depth", integration="forward") == 0
    assert of(found, "ccb_integrations", status="active") == 1
    assert of(found, "ccb_claude_cost_usd_total") == 0
    assert of(found, "ccb_sandbox_places") == 4 and of(found, "ccb_http_connections") >= 1
    assert [s.labels["version"] for f in families for s in f.samples if s.name == "ccb_build_info"] != [""]
    clock = client.engine.ctx.clock
    assert isinstance(clock, MovableClock)
    clock.move(2 * 3600)
    assert await metrics.roll(client.engine.ctx) > 0
    is_true(samples(plain((await scraped(client))[0])))
    text, kind = await scraped(client, OPENMETRICS)
    assert kind.startswith("application/openmetrics-text") and text.endswith("# EOF\n")
    is_true(samples(openmetrics(text)))  # type: ignore[no-untyped-call]  # the client has no types there


async def test_a_histograms_buckets_are_ours(client: Client, receiver: Receiver) -> None:
    made = await client.install(package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)))
    durations = [0.5, 1.0, 3.9, 4.0, 4.1, 70.0, 1e7]
    counts: rows.Counts = {}
    for ms in durations:
        rows.count(counts, made["id"], client.engine.ctx.clock.now(), "latency_ms", bucket=bucket_of(ms))
    await client.engine.ctx.db.write(rows.add, counts)
    found = samples(plain((await scraped(client))[0]))
    for bound in exposition.BOUNDS_MS:
        under = sum(ms <= bound for ms in durations)
        le = f"{bound / 1e3:g}"
        assert of(found, "ccb_event_latency_seconds_bucket", integration="forward", le=str(float(le))) == under, le
    total = of(found, "ccb_event_latency_seconds_sum", integration="forward")
    assert total == pytest.approx(sum(durations) / 1e3, rel=ERROR)


async def key(client: Client, permission: str) -> str:
    made = await client.ask("POST", "/v1/auth/tokens", {"name": permission, "permissions": [permission]}, status=201)
    return str(made["token"])


async def test_it_takes_a_key_and_is_read_once_for_many(client: Client, tmp_path: Path) -> None:
    address = client.engine.report.address
    for given, status in ((None, 401), (await key(client, "logs.read"), 403), (await key(client, "metrics.read"), 200)):
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        async with client.public.get(f"{address}/metrics", headers=headers) as answer:
            assert answer.status == status, await answer.text()
    ctx = client.engine.ctx
    families = await exposition.families(ctx)
    assert all(one is families for one in await asyncio.gather(*(exposition.families(ctx) for _ in range(5))))
    async with (
        running(tmp_path / "open", CCB_METRICS_OPEN=True) as opened,
        opened.public.get(f"{opened.engine.report.address}/metrics") as answer,
    ):
        assert answer.status == 200 and "ccb_build_info" in await answer.text()


async def test_the_number_of_series_is_bounded(client: Client, receiver: Receiver) -> None:
    made = await client.install(package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)))
    counts: rows.Counts = {}

    def many(connection: sa.Connection) -> None:
        kept = connection.execute(sa.select(INTEGRATIONS).where(INTEGRATIONS.c.id == made["id"])).mappings().one()
        for number in range(exposition.MOST_INTEGRATIONS + 5):
            copy = {"id": f"int_~{number:04}", "slug": f"n{number}"}
            connection.execute(sa.insert(INTEGRATIONS).values(**{**kept, **copy}))
            rows.count(counts, copy["id"], client.engine.ctx.clock.now(), "received")
        rows.add(connection, counts)

    await client.engine.ctx.db.write(many)
    found = samples(plain((await scraped(client))[0]))
    name = "ccb_events_received_total"
    received = {dict(labels)["integration"]: n for (family, labels), n in found.items() if family == name}
    assert len(received) == exposition.MOST_INTEGRATIONS + 2, "those, the other ones together, and unknown addresses"
    assert sum(received.values()) == exposition.MOST_INTEGRATIONS + 5 and received["other"] > 5
