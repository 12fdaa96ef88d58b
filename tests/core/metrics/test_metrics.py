"""Metrics through the doors: what is counted, what is said of it, and why there may be nothing."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from core import metrics, retention
from core.histogram import ERROR
from core.metrics import METRICS
from storage.calls import CALLS
from tests.contexts import MovableClock
from tests.engines import Client
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver

PATH = "/v1/integrations/forward"


@pytest.fixture
def moved() -> MovableClock:
    return MovableClock(float(int(time.time()) // 60 * 60 + 30))


async def forwarding(client: Client, receiver: Receiver, **config: Any) -> str:
    wish = package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host))
    return str((await client.install(wish, config=config))["id"])


def refuse(receiver: Receiver, *numbers: int) -> None:
    """Let the receiver answer 503 to what comes of these deliveries."""

    async def answer(got: Received) -> int:
        return 503 if any(f'"n":{number}'.encode() in got.body.replace(b" ", b"") for number in numbers) else 200

    receiver.before_answer = answer


async def values(client: Client, path: str = PATH, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    found = await client.ask("GET", f"{path}/metrics?{asked}")
    return {name: metric["value"] for name, metric in found.items()}


async def deliveries(client: Client, integration: str, *numbers: int) -> list[str]:
    made = [await client.deliver(integration, {"n": n}, f"msg_{n}") for n in numbers]
    return [answer.json["event_id"] for answer in made]


async def refused(client: Client, integration: str, times: int = 1) -> None:
    path, body, headers = await client.sign(integration, {"n": 0}, "msg_refused")
    for _ in range(times):
        assert (await client.post(path, body + b" ", headers)).status == 401


async def test_everything_that_happens_is_counted(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    integration = await forwarding(client, receiver, retry_attempts=1)
    refuse(receiver, 3)
    good = await deliveries(client, integration, 1, 2)
    (bad,) = await deliveries(client, integration, 3)
    for event in good:
        await client.ended(event)
    await client.ended(bad, "dead")
    await deliveries(client, integration, 1, 1, 2)
    await refused(client, integration, times=14)  # most of them without a line of their own
    assert (await client.ask("GET", f"{PATH}/metrics?metric=rejected"))["value"] == 14, "at once"
    assert (await client.post("/webhooks/int_unknown", b"{}", {})).status == 404
    assert (await client.ask("GET", f"{PATH}/webhook-logs"))[0]["suppressed"] == 4
    found = await values(client)
    assert found | {"received": 3, "processed": 3, "succeeded": 2, "failed": 1, "retried": 0} == found
    assert found | {"duplicates": 3, "skipped": 0, "rejected": 14, "webhook_failures": 14, "effects": 4} == found
    assert (found["rejected_signature"], found["rejected_malformed"]) == (14, 0)
    assert (found["deliveries_2xx"], found["deliveries_5xx"], found["deliveries_none"]) == (4, 1, 0)
    assert found["error_rate"] == 33.333 and found["sandbox_time"] > 0
    assert found["latency_p50"] is not None and found["processing_p99"] > 0
    assert list(found) == list(METRICS)
    everywhere = await values(client, "/v1")
    assert (everywhere["rejected"], everywhere["rejected_unknown"], everywhere["received"]) == (15, 1, 3), (
        "the unknown address counts for all together"
    )


async def test_a_metric_is_a_value_and_a_series(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    integration = await forwarding(client, receiver)
    began = moved.now()
    for number in range(1, 4):
        for event in await deliveries(client, integration, number, 10 * number):
            await client.ended(event)
        moved.move(120)
    one = await client.ask("GET", f"{PATH}/metrics?metric=received&from=1h")
    assert (one["metric"], one["value"], one["unit"], one["step"]) == ("received", 6, "count", 60)
    assert sum(point["value"] for point in one["series"]) == 6 and len(one["series"]) == 61
    assert [point["value"] for point in one["series"][-7:]] == [2, 0, 2, 0, 2, 0, 0]
    assert one["series"][0]["timestamp"] == one["from"]
    coarse = await client.ask("GET", f"{PATH}/metrics?metric=received&from=1h&step=30m")
    assert [point["value"] for point in coarse["series"]] == [0, 6, 0] and coarse["step"] == 1800
    early = await client.ask("GET", f"{PATH}/metrics?metric=received&from={int(began - 30)}&to=2m", status=422)
    assert early["path"] == "from"
    part = await client.ask("GET", f"{PATH}/metrics?metric=received&from=6m&to=3m")
    assert part["value"] == 4
    rate = await client.ask("GET", f"{PATH}/metrics?metric=events_per_minute&from=6m")
    assert rate["unit"] == "count/min" and rate["value"] == pytest.approx(6 / 6.5, abs=0.001)


async def test_where_nothing_happened_counts_are_0_and_the_rest_is_null(client: Client, receiver: Receiver) -> None:
    await forwarding(client, receiver)
    found = await client.ask("GET", f"{PATH}/metrics?from=1h")
    empty = {name: metric["value"] for name, metric in found.items()}
    assert {name for name, value in empty.items() if value is None} == {
        name for name, metric in METRICS.items() if metric.kind in ("ratio", "percentile")
    }
    assert {value for value in empty.values() if value is not None} == {0}
    assert {point["value"] for point in found["error_rate"]["series"]} == {None}
    assert found["error_rate"]["unit"] == "%"


async def test_attempts_that_are_tried_again_are_errors_but_no_failures(
    client: Client, receiver: Receiver, moved: MovableClock
) -> None:
    integration = await forwarding(client, receiver, retry_backoff="fixed", retry_attempts=3)
    refuse(receiver, 1)
    (event,) = await deliveries(client, integration, 1)
    await client.ended(event, "failed")
    found = await values(client)
    assert (found["retried"], found["failed"], found["processed"], found["error_rate"]) == (1, 0, 0, 100.0)
    assert found["latency_p50"] is None and found["processing_p50"] is not None
    assert (found["queue_depth"], found["queue_age"]) == (1, 0.0), "it waits for its next attempt, which is not due"
    receiver.before_answer = None
    moved.move(11)
    await client.ended(event)
    found = await values(client)
    assert (found["retried"], found["succeeded"], found["error_rate"]) == (1, 1, 50.0)
    assert found["latency_p99"] == pytest.approx(11_000, rel=ERROR)
    assert (found["queue_depth"], found["effects"]) == (0, 2)


async def test_what_waits_for_a_service_is_no_attempt(client: Client) -> None:
    said = {"type": "slack_message", "channel": "#deploys", "text": "hello"}
    wish = package(
        f"def handle(event: dict, config: dict) -> list[dict]:\n    return [{said}]\n", "example.com", expected=[said],
        capabilities={"actions": ["slack_message"], "channels": ["#deploys"]},
    )  # fmt: skip
    integration = str((await client.install(wish))["id"])
    (event,) = await deliveries(client, integration, 1)
    await client.ended(event, "failed")
    found = await values(client)
    assert (found["received"], found["retried"], found["error_rate"], found["processing_p50"]) == (1, 0, None, None)
    (line,) = await client.ask("GET", f"{PATH}/logs")
    assert (line["level"], line["fields"]["waiting_for"]) == ("warning", "slack")


async def test_what_waits_is_known_now_and_as_it_was(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    integration = await forwarding(client, receiver, retry_backoff="fixed")
    refuse(receiver, 1, 2)
    for event in await deliveries(client, integration, 1, 2):
        await client.ended(event, "failed")
    await client.ask("POST", f"{PATH}/pause")
    for _ in range(3):
        moved.move(60)
        await metrics.sample(client.engine.ctx)
    found = await client.ask("GET", f"{PATH}/metrics?from=5m")
    depth, age = found["queue_depth"], found["queue_age"]
    assert (depth["value"], depth["unit"], age["unit"]) == (2, "count", "s")
    assert age["value"] == pytest.approx(170, abs=1)
    assert [point["value"] for point in depth["series"][-4:]] == [0, 2, 2, 2]
    assert age["series"][-1]["value"] == pytest.approx(age["value"])
    assert (await values(client, "/v1"))["queue_depth"] == 2
    await client.ask("PATCH", f"{PATH}/monitoring", {"metrics_enabled": False})
    moved.move(60)
    await metrics.sample(client.engine.ctx)
    later = await client.ask("GET", f"{PATH}/metrics?metric=queue_depth&from=5m")
    assert [point["value"] for point in later["series"][-2:]] == [2, 0] and later["value"] == 2


async def test_what_is_switched_off_is_not_counted(client: Client, receiver: Receiver) -> None:
    integration = await forwarding(client, receiver)
    await client.ask("PATCH", f"{PATH}/monitoring", {"metrics_enabled": False})
    for event in await deliveries(client, integration, 1, 2):
        await client.ended(event)
    await deliveries(client, integration, 1)
    await refused(client, integration)
    await client.ask("GET", f"{PATH}/webhook-logs")  # which writes what is known of refusals
    found = await values(client)
    assert {value for value in found.values() if value is not None} == {0}


async def test_types_that_are_not_handled_are_counted_apart(client: Client) -> None:
    wish = package(
        "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n", "example.com",
        source={"kind": "standard-webhooks", "events": ["event"]},
    )  # fmt: skip
    integration = str((await client.install(wish))["id"])
    await client.deliver(integration, {"type": "order", "n": 0}, type="order")
    found = await values(client)
    assert (found["received"], found["skipped"], found["processed"]) == (1, 1, 0)


BAD = {
    "metric=speed": "metric",
    "metric=": "metric",
    "from=yesterday": "from",
    "to=soon": "to",
    "from=1h&to=2h": "from",
    "from=9000-01-01": "from",
    "step=30s": "step",
    "step=90s": "step",
    "step=0m": "step",
    "step=abc": "step",
    "from=300d&step=1m": "step",
    "window=1h": "window",
}


@pytest.mark.parametrize("asked", BAD)
async def test_what_cannot_be_asked_is_named(client: Client, receiver: Receiver, asked: str) -> None:
    await forwarding(client, receiver)
    for path in (f"{PATH}/metrics", "/v1/metrics"):
        wrong = await client.ask("GET", f"{path}?{asked}", status=422)
        assert wrong["path"] == BAD[asked]
    if "speed" in asked:
        assert wrong["known"] == list(METRICS) and "error_rate" in wrong["message"]


@pytest.mark.parametrize(
    "asked",
    [
        "from=999999d",
        "from=0001-01-01T14:00:00%2B14:00",
        "from=365d&to=9999-12-31T09:59:59-14:00",
        "from=1s",
        "from=0001-01-01",
    ],
)
async def test_any_range_can_be_asked(client: Client, receiver: Receiver, asked: str) -> None:
    await forwarding(client, receiver)
    found = await client.ask("GET", f"{PATH}/metrics?{asked}")
    assert all(0 < len(metric["series"]) <= 120 and metric["step"] >= 60 for metric in found.values())


async def test_an_unknown_integration_has_none(client: Client) -> None:
    for path in ("metrics", "metrics/status"):
        await client.ask("GET", f"/v1/integrations/nobody/{path}", status=404)


async def problem(client: Client) -> str | None:
    found: str | None = (await client.ask("GET", f"{PATH}/metrics/status"))["problem"]
    return found


async def test_the_status_says_why_there_is_nothing(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    integration = await forwarding(client, receiver)
    fresh = await client.ask("GET", f"{PATH}/metrics/status")
    assert (fresh["enabled"], fresh["retention"], fresh["rows"], fresh["last_recorded_at"]) == (True, "30d", 0, None)
    assert "No event has ever arrived" in fresh["problem"]
    await refused(client, integration, times=3)
    assert "Only refused deliveries" in str(await problem(client)) and "3" in str(await problem(client))
    await client.ask("POST", f"{PATH}/pause")
    assert "paused" in str(await problem(client))
    await client.ask("POST", f"{PATH}/activate")
    for event in await deliveries(client, integration, 1):
        await client.ended(event)
    well = await client.ask("GET", f"{PATH}/metrics/status")
    assert well["problem"] is None and well["minutes"] == 1 and well["rows"] > 3
    assert well["last_recorded_at"] == well["oldest_recorded_at"]
    moved.move(7200)
    assert "Nothing happened in the last hour" in str(await problem(client))
    await client.ask("PATCH", f"{PATH}/monitoring", {"metrics_enabled": False})
    off = await client.ask("GET", f"{PATH}/metrics/status")
    assert not off["enabled"] and "switched off since" in off["problem"] and "metrics_enabled" in off["problem"]


async def test_counts_equal_a_recount_of_the_rows(client: Client, receiver: Receiver) -> None:
    """Many at once: what the counts say is what the events say."""
    integration = await forwarding(client, receiver, retry_attempts=1)
    refuse(receiver, 7, 17)
    signed = [await client.sign(integration, {"n": n % 30}, f"msg_{n % 30}") for n in range(40)]
    answers = await asyncio.gather(*(client.post(*one) for one in signed))
    ids = {answer.json["event_id"] for answer in answers}
    for event in ids:
        await client.until(event, lambda e: e["status"] in ("succeeded", "dead"))
    events = await client.ask("GET", f"{PATH}/events?limit=100")
    found = await values(client)
    assert found["received"] == len(events) == len(ids) == 30
    assert found["duplicates"] == sum(event["duplicates"] for event in events) == 10
    assert found["failed"] == sum(event["status"] == "dead" for event in events)
    assert found["succeeded"] == sum(event["status"] == "succeeded" for event in events)


async def test_a_long_range_is_answered_from_hours_and_days(
    client: Client, receiver: Receiver, moved: MovableClock
) -> None:
    """What is asked for a month after it happened is what was asked on the day, in coarser points."""
    integration = await forwarding(client, receiver)
    moved.time = (moved.time // 86400 + 1) * 86400 + 5 * 3600
    for number in range(1, 5):
        for event in await deliveries(client, integration, number, 10 * number):
            await client.ended(event)
        moved.move(3600)
    fresh = await values(client, "/v1", **{"from": "1d"})
    later = {"/v1": fresh, PATH: await values(client, **{"from": "1d"})}
    for days, kept in ((1, "minutes"), (9, "hours"), (80, "days")):
        moved.move(days * 86400)
        await metrics.roll(client.engine.ctx)
        await client.ask("PATCH", f"{PATH}/monitoring", {"metrics_retention": "400d"})
        await retention.sweep(client.engine.ctx)
        for path, was in later.items():
            now = await values(client, path, **{"from": "130d"})
            gauges = {"queue_depth", "queue_age", "events_per_minute"}
            assert {n: v for n, v in now.items() if n not in gauges} == {
                n: v for n, v in was.items() if n not in gauges
            }, (path, kept)
    ago = int((moved.now() - 91 * 86400) // 86400 * 86400)
    part = await client.ask("GET", f"/v1/metrics?metric=received&from={_iso(ago)}&to={_iso(ago + 3 * 86400)}&step=1h")
    assert part["value"] == 8 and sum(point["value"] for point in part["series"]) == 8
    moved.move(20 * 86400)
    await retention.sweep(client.engine.ctx)
    part = await client.ask("GET", f"/v1/metrics?metric=received&from={_iso(ago)}&to={_iso(ago + 90000)}&step=1h")
    assert (part["step"], part["value"]) == (86400, 8), "by the day, which the answer says"


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_the_cost_of_claude_is_that_of_its_calls(client: Client, moved: MovableClock) -> None:
    def paid(connection: sa.Connection) -> None:
        for number, (request, cost, ago) in enumerate(
            (("int_a", 0.25, 60), ("int_b", 1.5, 7200), ("int_b", 4.0, 90000))
        ):
            connection.execute(
                sa.insert(CALLS).values(
                    id=f"call_{number}", request_id=request, version=1, at=moved.now() - ago, person="",
                    under_way=False, cost=cost, input_cost=0.0, estimated=False,
                )
            )  # fmt: skip
        connection.execute(
            sa.insert(CALLS).values(
                id="call_9", request_id="int_a", version=1, at=moved.now(), person="",
                under_way=True, cost=9.0, input_cost=0.0, estimated=False,
            )
        )  # fmt: skip

    await client.engine.ctx.db.write(paid)
    found = await client.ask("GET", "/v1/metrics?metric=claude_cost&from=1d")
    assert (found["value"], found["unit"]) == (1.75, "USD")
    assert sum(point["value"] for point in found["series"]) == 1.75
    series = await metrics.query(
        client.engine.ctx, integration_id="int_b", names=["claude_cost"], start=moved.now() - 2e5, end=moved.now()
    )
    assert series["claude_cost"].value == 5.5
