"""Retention through the engine: what is older than the settings say is deleted, what is younger stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import metrics as measured
from core import retention
from core.retention import Deleted
from storage import metrics, rollup
from storage.events import BODIES, EFFECTS, EVENTS, RUNS, STEPS
from storage.integrations import INTEGRATIONS
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
PATH = "/v1/integrations/forward"
DAY = 86400.0


@pytest.fixture
async def client(tmp_path: Path, moved: MovableClock) -> AsyncIterator[Client]:
    async with running(tmp_path, clock=moved) as client:
        yield client


@pytest.fixture
async def integration(client: Client) -> str:
    made = await client.install(package(LOG, "example.com", expected=[{"type": "log", "message": "got 0"}]))
    return str(made["id"])


async def happen(client: Client, integration: str, number: int) -> str:
    """Let an event come and end, and a delivery be refused."""
    event = str((await client.deliver(integration, {"n": number}, f"msg_{number}")).json["event_id"])
    await client.ended(event)
    path, body, headers = await client.sign(integration, {"n": number}, "msg_bad")
    assert (await client.post(path, body + b" ", headers)).status == 401
    await client.ask("GET", f"{PATH}/webhook-logs")
    return event


async def sweep(client: Client) -> Deleted:
    """Roll up what is over, then delete what is too old: as the scheduler does."""
    await measured.roll(client.engine.ctx)
    await measured.roll_late(client.engine.ctx)
    return await retention.sweep(client.engine.ctx)


async def left(client: Client) -> dict[str, int]:
    """Return how much there is of everything."""
    return {
        "lines": len(await client.ask("GET", f"{PATH}/logs")),
        "refusals": len(await client.ask("GET", f"{PATH}/webhook-logs")),
        "events": len(await client.ask("GET", f"{PATH}/events")),
        "minutes": (await client.ask("GET", f"{PATH}/metrics/status"))["minutes"],
    }


async def test_each_kind_goes_by_its_own_setting(client: Client, integration: str, moved: MovableClock) -> None:
    await client.ask("PATCH", f"{PATH}/monitoring", {"metrics_retention": "2d", "logs_retention": "5d"})
    old = await happen(client, integration, 1)
    moved.move(1.5 * DAY)
    assert await sweep(client) == Deleted()
    await happen(client, integration, 2)
    assert await left(client) == {"lines": 2, "refusals": 2, "events": 2, "minutes": 2}
    moved.move(DAY)
    assert (await sweep(client)).metrics > 0
    assert await left(client) == {"lines": 2, "refusals": 2, "events": 2, "minutes": 1}
    moved.move(3 * DAY)
    await sweep(client)
    assert await left(client) == {"lines": 1, "refusals": 1, "events": 2, "minutes": 0}
    await client.ask("PATCH", f"{PATH}/monitoring", {"events_retention": "5d"})
    assert (await sweep(client)).events == 1
    assert await left(client) == {"lines": 1, "refusals": 1, "events": 1, "minutes": 0}
    await client.ask("GET", f"/v1/events/{old}", status=404)
    for table in (EVENTS, BODIES, RUNS, EFFECTS):
        assert await _rows(client, table) == 1, table.name
    assert await _rows(client, STEPS) == 2
    [newest] = await client.ask("GET", f"{PATH}/events")
    moved.move(100 * DAY)
    await sweep(client)
    assert await left(client) == {"lines": 0, "refusals": 0, "events": 0, "minutes": 0}
    for path in (PATH, f"{PATH}/status", "/v1/integrations"):
        found = await client.ask("GET", path)
        last = (found[0] if isinstance(found, list) else found)["last_activity"]
        assert last == newest["timestamp"], "when the last of them came, though it is deleted"
    assert "No event of the last 5d" in (await client.ask("GET", f"{PATH}/metrics/status"))["problem"]


async def test_what_belongs_to_nobody_goes_by_the_defaults(
    client: Client, integration: str, moved: MovableClock
) -> None:
    await client.ask("PATCH", f"{PATH}/monitoring", {"metrics_retention": "90d", "logs_retention": "90d"})
    event = await happen(client, integration, 1)
    assert (await client.post("/webhooks/int_unknown", b"{}", {})).status == 404
    moved.move(31 * DAY)
    await client.ask("GET", f"{PATH}/metrics/status")  # which writes what is known of refusals
    swept = await sweep(client)
    assert (swept.metrics > 0, swept.refusals, swept.lines) == (True, 1, 0), "those of the unknown address"
    assert (await client.engine.ctx.db.read(rollup.recorded, "")).rows == 0
    assert (await client.engine.ctx.db.read(rollup.recorded, integration)).rows > 0
    await client.engine.ctx.db.write(lambda c: c.execute(sa.delete(INTEGRATIONS)))
    swept = await sweep(client)
    assert swept.metrics > 0 and (swept.refusals, swept.lines, swept.events) == (1, 1, 0)
    assert (await client.engine.ctx.db.read(rollup.recorded, integration)).rows == 0
    assert event


async def test_events_that_are_under_way_stay(client: Client, integration: str, moved: MovableClock) -> None:
    ids = [await happen(client, integration, number) for number in (1, 2, 3, 4)]
    await client.ask("PATCH", f"{PATH}/monitoring", {"events_retention": "1d"})
    states = dict(zip(ids, ("queued", "processing", "failed", "dead"), strict=True))

    def put(connection: sa.Connection) -> None:
        for event, status in states.items():
            connection.execute(sa.update(EVENTS).where(EVENTS.c.id == event).values(status=status))

    await client.engine.ctx.db.write(put)
    moved.move(10 * DAY)
    assert (await sweep(client)).events == 1
    kept = await client.ask("GET", f"{PATH}/events")
    assert {event["status"] for event in kept} == {"queued", "processing", "failed"}


async def test_many_rows_go_in_pieces(client: Client, integration: str, moved: MovableClock) -> None:
    counts = {(integration, minute * 60, name, 0): 1.0 for minute in range(1700) for name in ("received", "succeeded")}
    await client.engine.ctx.db.write(metrics.add, counts)
    assert (await sweep(client)).metrics >= 3400 > 3 * retention.ROWS_AT_ONCE


async def _rows(client: Client, table: sa.Table) -> int:
    def count(connection: sa.Connection) -> Any:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    return int(await client.engine.ctx.db.read(count))
