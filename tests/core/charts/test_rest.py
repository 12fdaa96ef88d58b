"""Charts by REST: pictures and specifications of what was recorded, for who may see it."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage import metrics as rows
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
PATH = "/v1/integrations/forward/metrics"
NOW = 1_764_000_030.0


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    clock = MovableClock(NOW)
    async with running(tmp_path, clock=clock) as made:
        installed = await made.install(package(HANDLER, "example.com"))
        counts: rows.Counts = {}
        for minute in range(30):
            rows.count(counts, installed["id"], NOW - 60 - minute * 60, "dead", by=minute)
            rows.count(counts, installed["id"], NOW - 60 - minute * 60, "succeeded", by=60 - minute)
        await made.engine.ctx.db.write(rows.add, counts)
        rule = {"name": "Errors", "condition": "error_rate > 20% for 5m", "notification_channels": ["slack"]}
        await made.ask("PUT", "/v1/integrations/forward/alerts", {"rules": [rule]})
        yield made


async def got(client: Client, path: str, **headers: str) -> tuple[int, Any, bytes]:
    async with client.local.get(f"http://ccb{path}", headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_charts(client: Client) -> None:
    spec = await client.ask("GET", f"{PATH}/chart.json?metric=error_rate&from=1h")
    assert spec["title"]["text"] == "error_rate · Forward"
    assert "limit: > 20 %" in str(spec) and "alert rules changed by local" in str(spec)
    assert "30 of 60 points have no data" in spec["description"], "the minute that has begun is not one of them"
    status, headers, russian = await got(
        client, f"{PATH}/chart.json?metric=error_rate&tz=Europe/Moscow", **{"Accept-Language": "ru"}
    )
    assert status == 200 and "Europe/Moscow, UTC+03:00" in russian.decode() and "Vary" in headers

    status, headers, picture = await got(client, f"{PATH}/chart.png?metric=error_rate&from=1h")
    assert (status, headers["Content-Type"], picture[:8]) == (200, "image/png", b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack("!II", picture[16:24])
    assert 1000 < width < 2000 and 500 < height < 1200 and len(picture) < 500_000
    again = await got(client, f"{PATH}/chart.png?metric=error_rate&from=1h", **{"If-None-Match": headers["ETag"]})
    assert (again[0], again[2]) == (304, b"")
    assert headers["Cache-Control"] == "private, max-age=30"

    for query, path in (
        ("metric=nothing", "metric"), ("", "metric"), ("metric=failed&from=x", "from"),
        ("metric=failed&tz=Nowhere/Else", "tz"), ("metric=failed&tz=../../etc/passwd", "tz"),
        ("metric=failed&from=30d&step=1m", "step"), ("metric=failed&from=1h&to=2h", "from"),
        ("metric=failed&colour=red", "colour"),
    ):  # fmt: skip
        for form in ("png", "json"):
            found = await client.ask("GET", f"{PATH}/chart.{form}?{query}", status=422)
            assert found["path"] == path, query
    await client.ask("GET", "/v1/integrations/int_none/metrics/chart.png?metric=failed", status=404)


async def test_what_has_just_come_is_drawn(client: Client) -> None:
    """The numbers know of the minute that has begun, and so does the chart."""
    await client.install(package(HANDLER, "example.com", slug="other"))
    found = await client.ask("GET", "/v1/integrations/other")
    counts: rows.Counts = {}
    rows.count(counts, found["id"], NOW, "received", by=2)
    rows.count(counts, found["id"], NOW, "succeeded", by=2)
    await client.engine.ctx.db.write(rows.add, counts)
    for metric, said, last in (
        ("error_rate", "in all 0 %", "last 0 %"),
        ("received", "in all 2", "last 2"),
        ("events_per_minute", "in all 0.033 per minute", "last 0 per minute"),
        ("queue_depth", "now 0", "last 0"),
    ):
        chart = await client.ask("GET", f"/v1/integrations/other/metrics/chart.json?metric={metric}&from=1h")
        assert said in chart["title"]["subtitle"] and last in chart["description"]
    clock = client.engine.ctx.clock
    assert isinstance(clock, MovableClock)
    _, headers, _ = await got(client, "/v1/integrations/other/metrics/chart.json?metric=error_rate&from=1h")
    clock.move(9)
    _, again, _ = await got(client, "/v1/integrations/other/metrics/chart.json?metric=error_rate&from=1h")
    assert again["ETag"] == headers["ETag"]


async def test_what_the_caller_may_not_read_is_not_drawn(client: Client) -> None:
    made = await client.ask("POST", "/v1/auth/tokens", {"name": "m", "permissions": ["metrics.read"]}, status=201)
    url = f"{client.engine.report.address}{PATH}/chart.json?metric=error_rate"
    async with client.public.get(url, headers={"Authorization": f"Bearer {made['token']}"}) as answer:
        said = await answer.text()
    assert answer.status == 200 and "limit" not in said and "alert rules changed" not in said
    made = await client.ask("POST", "/v1/auth/tokens", {"name": "a", "permissions": ["alerts.read"]}, status=201)
    async with client.public.get(url, headers={"Authorization": f"Bearer {made['token']}"}) as answer:
        assert answer.status == 403
