"""How the queue stands, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.events.queue_status import age, judged
from storage.events import EVENTS
from storage.queue_status import COUNTED, Standing
from tests.contexts import MovableClock
from tests.engines import running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver


async def test_from_nothing_to_dead(tmp_path: Path, receiver: Receiver, clock: MovableClock) -> None:
    async with running(tmp_path, clock=clock, CCB_OUTBOUND_ALLOW=receiver.host) as client:
        wish = package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host))
        integration = (await client.install(wish, config={"retry_attempts": 2, "retry_backoff": "fixed"}))["id"]
        path = f"/v1/integrations/{integration}/queue/status"
        empty = await client.ask("GET", path)
        assert empty == {
            "depth": 0, "oldest_age_seconds": None, "oldest_age": None, "in_flight": 0, "dead": 0, "failed": 0,
            "waiting_for": {}, "states": {"queued": 0, "processing": 0, "failed": 0, "dead": 0, "discarded": 0},
            "next_attempt_at": None, "paused": False, "healthy": True, "summary": "All is well: nothing waits.",
        }  # fmt: skip

        async def fail(_: Received) -> int:
            return 500

        receiver.before_answer = fail
        event = (await client.deliver(integration, {"n": 1})).json["event_id"]
        failed = await client.ended(event, "failed")
        found = await client.ask("GET", path)
        assert (found["failed"], found["next_attempt_at"], found["healthy"]) == (1, failed["retry_at"], True)
        assert found["depth"] == 1  # as the metric queue_depth counts it
        clock.move(11)
        await client.ended(event, "dead")
        for where in (path, "/v1/queue/status"):
            found = await client.ask("GET", where)
            assert (found["dead"], found["failed"], found["healthy"]) == (1, 0, False)
            assert found["summary"].startswith("1 event is dead: ")


async def test_what_waits(tmp_path: Path, receiver: Receiver, clock: MovableClock) -> None:
    async with running(tmp_path, clock=clock, CCB_ROLES="http") as client:  # nobody works
        wish = package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host))
        integration = (await client.install(wish))["id"]
        other = (await client.install({**wish}, slug="other"))["id"]
        for n in range(3):
            await client.deliver(integration, {"n": n}, f"msg_{n}")
        path = f"/v1/integrations/{integration}/queue/status"
        assert (await client.ask("GET", path))["summary"] == "All is well: 3 waiting, 0 being worked on."
        clock.move(7300)
        found = await client.ask("GET", path)
        assert (found["depth"], found["oldest_age_seconds"], found["oldest_age"]) == (3, 7300.0, "2 hours")
        assert not found["healthy"] and "2 hours" in found["summary"]
        await client.ask("POST", f"/v1/integrations/{integration}/pause")
        found = await client.ask("GET", path)
        assert found["paused"] and "not active" in found["summary"]
        assert (await client.ask("GET", f"/v1/integrations/{other}/queue/status"))["depth"] == 0
        everything = await client.ask("GET", "/v1/queue/status")
        assert (everything["depth"], everything["paused"]) == (3, True)
        await client.engine.ctx.db.write(
            lambda c: c.execute(sa.update(EVENTS).values(status="failed", run_at=None, waiting_for="slack"))
        )
        found = await client.ask("GET", path)
        assert (found["waiting_for"], found["depth"], found["failed"]) == ({"slack": 3}, 0, 3)
        assert found["summary"] == "3 events wait for slack, which is not configured."
        await client.ask("GET", "/v1/integrations/none/queue/status", status=404)


async def test_who_may_ask(tmp_path: Path) -> None:
    async with running(tmp_path) as client:
        made = await client.ask("POST", "/v1/auth/tokens", {"name": "x", "permissions": ["logs.read"]}, status=201)
        url = f"{client.engine.report.address}/v1/queue/status"
        async with client.public.get(url, headers={"Authorization": f"Bearer {made['token']}"}) as answer:
            assert answer.status == 403


def standing(**values: Any) -> Standing:
    troubles = {"failed": 0, "dead": 0, "discarded": 0}
    given: dict[str, Any] = {
        "queued": 0, "processing": 0, "troubles": troubles, "waiting_for": {}, "oldest": None, "next_attempt": None,
    }  # fmt: skip
    return Standing(**given | values)


@pytest.mark.parametrize(
    ("values", "healthy"),
    [
        ({}, True),
        ({"queued": 100, "oldest": 999.0}, True),
        ({"queued": 101, "oldest": 999.0}, False),
        ({"queued": 1, "oldest": 700.0}, True),
        ({"queued": 1, "oldest": 699.0}, False),
        ({"troubles": {"failed": 9, "dead": 0, "discarded": 9}}, True),
        ({"troubles": {"failed": 0, "dead": 1, "discarded": 0}}, False),
        ({"waiting_for": {"slack": 1}}, False),
    ],
)
def test_what_is_well(values: dict[str, Any], healthy: bool) -> None:
    assert judged(standing(**values), now=1000.0, paused=False).healthy is healthy


def test_counts_that_stopped_say_so() -> None:
    (sentence,) = judged(standing(queued=COUNTED), now=1.0, paused=False).sentences
    assert "10000 or more" in str(sentence)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 seconds"), (59.9, "59 seconds"), (61, "1 minute"), (7300, "2 hours"), (200_000, "2 days")],
)
def test_ages(seconds: float, words: str) -> None:
    assert str(age(seconds)) == words
