"""Every key of the engine's own configuration changes what happens: one test for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage.integrations import INTEGRATIONS
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver


@pytest.fixture
async def client(tmp_path: Path, receiver: Receiver, moved: MovableClock) -> AsyncIterator[Client]:
    async with running(tmp_path, clock=moved, CCB_OUTBOUND_ALLOW=receiver.host, CCB_RETRY_BASE_SECONDS="2") as client:
        await client.install(package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)))
        yield client


async def configure(client: Client, **changes: Any) -> None:
    await client.ask("PATCH", "/v1/integrations/forward/config", changes)


async def answered(client: Client, delivery_id: str, **payload: Any) -> int:
    """Deliver; return the status: 202 for what is new, 200 for a duplicate."""
    return (await client.deliver("forward", {"n": 1, **payload}, delivery_id)).status


async def test_idempotency_enabled(client: Client) -> None:
    assert [await answered(client, "msg_1") for _ in range(2)] == [202, 200]
    await configure(client, idempotency_enabled=False)
    assert [await answered(client, "msg_1") for _ in range(2)] == [202, 202]
    await configure(client, idempotency_enabled=True)
    assert [await answered(client, "msg_2") for _ in range(2)] == [202, 200]


async def test_an_empty_deduplication_key_is_none(client: Client) -> None:
    await configure(client, deduplication_key="event_id")
    assert [await answered(client, f"msg_{n}", event_id="") for n in (1, 2)] == [202, 202]
    assert [await answered(client, f"msg_{n}", event_id="a") for n in (3, 4)] == [202, 200]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"github_token": "ghp_one\nghp_two"}, "line break"),
        ({"slack_token": "xoxb one"}, "space"),
        ({"deduplication_key": "data..id"}, "data.id"),
        ({"deduplication_key": "data."}, "data.id"),
        ({"retry_attempts": "5"}, "retry_attempts must be a whole number"),
        ({"retry_backoff": "weird"}, "'exponential', 'linear', 'fixed'"),
        ({"idempotency_window": "91d"}, "idempotency_window must be between 1s and 90d"),
    ],
)
async def test_what_could_not_work_is_not_taken(client: Client, changes: dict[str, str], said: str) -> None:
    refused = await client.ask("PATCH", "/v1/integrations/forward/config", changes, status=422)
    assert refused["path"] == next(iter(changes)) and said in refused["message"]
    assert next(iter(changes.values())) not in refused["message"] or "token" not in refused["path"]


async def test_idempotency_window(client: Client, moved: MovableClock) -> None:
    await configure(client, idempotency_window="1h")
    assert await answered(client, "msg_1") == 202
    moved.move(3599)
    assert await answered(client, "msg_1") == 200
    moved.move(2)
    assert await answered(client, "msg_1") == 202
    await configure(client, idempotency_window="2h")
    assert await answered(client, "msg_2") == 202
    moved.move(3601)
    assert await answered(client, "msg_2") == 200


async def test_deduplication_key(client: Client) -> None:
    assert [await answered(client, f"msg_{n}", order={"id": 7}) for n in range(2)] == [202, 202]
    await configure(client, deduplication_key="order.id")
    assert [await answered(client, f"msg_{n}", order={"id": 7}) for n in range(2, 4)] == [202, 200]
    assert await answered(client, "msg_4", order={"id": 8}) == 202
    assert [await answered(client, f"msg_{n}") for n in (5, 6)] == [202, 202], "without the key it is new"


async def test_deduplication_enabled(client: Client) -> None:
    await configure(client, deduplication_key="order.id", deduplication_enabled=False)
    assert [await answered(client, f"msg_{n}", order={"id": 7}) for n in range(2)] == [202, 202]
    assert await answered(client, "msg_1", order={"id": 7}) == 200, "the sender's own id is another key's business"
    await configure(client, deduplication_enabled=True)
    assert [await answered(client, f"msg_{n}", order={"id": 7}) for n in range(2, 4)] == [202, 200]


def _failed_at(attempt: int) -> Callable[[Any], bool]:
    return lambda event: event["status"] == "failed" and event["attempt"] == attempt


async def _refuse(_: Received) -> int:
    return 500


@pytest.mark.parametrize("attempts", [1, 3])
async def test_retry_attempts(client: Client, receiver: Receiver, moved: MovableClock, attempts: int) -> None:
    receiver.before_answer = _refuse
    await configure(client, retry_attempts=attempts, retry_backoff="fixed")
    event_id = (await client.deliver("forward", {"n": 1})).json["event_id"]
    for attempt in range(1, attempts):
        await client.until(event_id, _failed_at(attempt))
        moved.move(11)
    event = await client.ended(event_id, "dead")
    assert (event["attempt"], event["attempts"]) == (attempts, attempts)
    assert len(receiver.received) == attempts


@pytest.mark.parametrize(
    ("backoff", "bounds"),
    [
        ("fixed", [(9.5, 10.5)] * 3),
        ("linear", [(9.5, 10.5), (19, 21), (28.5, 31.5)]),
        ("exponential", [(0, 2), (0, 10), (0, 50)]),
    ],
)  # fmt: skip
async def test_retry_backoff(
    client: Client, receiver: Receiver, moved: MovableClock, backoff: str, bounds: list[tuple[float, float]]
) -> None:
    receiver.before_answer = _refuse
    await configure(client, retry_backoff=backoff)
    event_id = (await client.deliver("forward", {"n": 1})).json["event_id"]
    for attempt, (least, most) in enumerate(bounds, 1):
        event = await client.until(event_id, _failed_at(attempt))
        wait = datetime.fromisoformat(event["retry_at"]).timestamp() - moved.now()
        assert least <= wait <= most, (attempt, wait)
        moved.move(most + 0.01)


async def test_what_an_older_engine_has_taken_is_still_read(client: Client) -> None:
    stored = {"config": '{"deduplication_key":"data..id"}'}
    client.engine.ctx.memo.drop(("integration", "forward"))
    await client.engine.ctx.db.write(lambda c: c.execute(sa.update(INTEGRATIONS).values(**stored)))
    assert (await client.ask("GET", "/v1/integrations/forward/config"))["deduplication_key"] == "data..id"
