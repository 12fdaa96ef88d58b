"""The preview: what a rule would have done with the recorded past, in numbers, words and a chart."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import metrics, retention
from storage import metrics as rows
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
PATH = "/v1/integrations/forward/alerts/preview"
NOW = 1_764_000_030.0
LAST = 1_764_000_000
DAY = 86_400


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """An engine whose integration failed for 20 minutes twice within six hours, and was silent for an hour."""
    async with running(tmp_path, clock=MovableClock(NOW)) as made:
        installed = await made.install(package(HANDLER, "example.com"))
        counts: rows.Counts = {}
        for ago in range(1, 361):
            at = LAST - ago * 60
            if 100 <= ago < 160:
                continue
            bad = 200 <= ago < 220 or 300 <= ago < 320
            rows.count(counts, installed["id"], at, "received", by=10)
            rows.count(counts, installed["id"], at, "succeeded", by=5 if bad else 10)
            if bad:
                rows.count(counts, installed["id"], at, "dead", by=5)
        await made.engine.ctx.db.write(rows.add, counts)
        yield made


async def played(client: Client, condition: str, status: int = 200, since: str = "6h", **more: Any) -> Any:
    return await client.ask("POST", PATH, {"condition": condition, "from": since, **more}, status=status)


async def test_how_often_a_rule_would_have_fired(client: Client) -> None:
    found = await played(client, "error_rate > 20% for 5m", picture=True, name="Errors", severity="critical")
    assert (found["times"], found["metric"], found["unit"], found["looks"]) == (2, "error_rate", "%", 360)
    assert found["highest"] == pytest.approx(50)
    first, second = found["fired"]
    # It fails from 10:41; more than a fifth of the last five minutes is bad after three, and is so for five more.
    assert first["at"] == "2025-11-24T10:49:00.000Z" and first["highest"] == pytest.approx(50)
    assert 15 * 60 <= first["seconds"] <= 25 * 60 and second["seconds"] == first["seconds"]
    assert "It would have fired 2 times in the last 6 hours." in found["sentence"]
    assert found["chart"]["title"]["text"] == "error_rate · Forward" and "limit: > 20 %" in str(found["chart"])
    assert base64.b64decode(found["picture"])[:4] == b"\x89PNG"

    steady = await played(client, "error_rate > 60%")
    assert (steady["times"], steady["fired"], steady["picture"]) == (0, [], None)
    assert "would not have fired" in steady["sentence"]
    silent = await played(client, "no_events for 30m")
    assert (silent["times"], silent["chart"]) == (1, None)
    assert 25 * 60 <= silent["firing_seconds"] <= 35 * 60
    compared = await played(client, "error_rate > 2 * avg(error_rate, 3h)")
    assert compared["times"] >= 1
    assert (await played(client, "error_rate > max(error_rate, 1h)"))["looks"] == 360
    assert (await played(client, "queue_depth > 5 and max(queue_depth, 10m) > 1"))["times"] == 0
    missing = await played(client, "error_rate > 20%", min_samples=1000)
    assert missing["times"] == 0 and missing["missing"] > 0.9 and "There was no data in" in missing["sentence"]


async def test_what_is_wrong_is_said(client: Client) -> None:
    found = await played(client, "error_rate > 500ms", status=422)
    assert (found["path"], found["column"]) == ("condition", 14)
    found = await played(client, "error_rate > 5%", resolve_condition="error_rate < 5 5", status=422)
    assert found["path"] == "resolve_condition" and found["column"]
    for more, path in (({"from": "31d"}, "from"), ({"from": "0s"}, "from"), ({"tz": "x/y"}, "tz"), ({"x": 1}, "x")):
        found = await client.ask("POST", PATH, {"condition": "failed > 1", **more}, status=422)
        assert found["path"] == path
    await client.ask("POST", "/v1/integrations/int_x/alerts/preview", {"condition": "failed > 1"}, status=404)


async def month(client: Client) -> None:
    """Let there be 30 days of ten events a minute: three hours of trouble 20 days ago, ten minutes 15 days ago."""
    (forward,) = await client.ask("GET", "/v1/integrations")
    counts: rows.Counts = {}
    for ago in range(365, 30 * DAY // 60, 5):
        at = LAST - ago * 60
        long, short = 20 * 1440 - 180 < ago <= 20 * 1440, 15 * 1440 - 10 < ago <= 15 * 1440
        rows.count(counts, forward["id"], at, "received", by=50)
        rows.count(counts, forward["id"], at, "dead" if short else "succeeded", by=25 if long else 50)
        if long:
            rows.count(counts, forward["id"], at, "dead", by=25)
        for minute in range(5 if long or short else 0):
            rows.count(counts, forward["id"], at + 60 * minute, "queue_depth", by=200 if long else 60)
    ctx = client.engine.ctx
    await ctx.db.write(rows.add, counts)
    await metrics.roll_late(ctx)
    await retention.sweep(ctx)
    oldest = await ctx.db.read(lambda c: c.execute(sa.select(sa.func.min(rows.METRICS.c.minute))).scalar())
    assert oldest is not None and oldest > NOW - 9 * DAY


@pytest.mark.slow
async def test_a_month_is_played_by_hours_where_minutes_are_gone(client: Client) -> None:
    await month(client)
    found = await played(client, "error_rate > 20% for 30m", since="30d")
    assert found["from"] == "2025-10-25T16:00:00.000Z" and found["by_hours_until"] == "2025-11-17T16:00:00.000Z"
    assert found["times"] == 1 and found["looks"] == 23 * 720 + 7 * 1440
    (fired,) = found["fired"]
    assert fired["highest"] == 50 and fired["seconds"] == pytest.approx(3 * 3600 - 1800, abs=300)
    for said in ("in the last 30 days", "more than 7 days ago was played by hours"):
        assert said in found["sentence"]
    assert "of Forward from 25 Oct 16:00" in found["chart"]["description"]
    never = (
        "received > 51", "events_per_minute > 10.1", "sum(received, 10m) > 101", "sum(received, 2h) > 1201",
        "avg(received, 2d) > 52", "max(received, 30m) > 51", "max(received, 6h) > 51", "max(received, 29h) > 51",
        "no_events for 90m",
    )  # fmt: skip
    for condition, times in {
        "error_rate > 15%": 4,  # ten minutes of trouble are a sixth of their hour; and twice in the last hours
        "error_rate > 17%": 3, "failed > 8 and failed < 10": 1, "received > 49 for 20m": 3, " or ".join(never): 0,
        "queue_depth > 190 and avg(queue_depth, 2h) > 199": 1, "max(queue_depth, 10m) > 50": 2,
    }.items():  # fmt: skip
        found = await played(client, condition, since="30d")
        assert found["times"] == times, condition


async def test_what_is_no_longer_kept_is_not_played(client: Client) -> None:
    await client.ask("PATCH", "/v1/integrations/forward/monitoring", {"metrics_retention": "10d"})
    found = await played(client, "received < 1 for 1h", since="30d")
    assert found["from"] == "2025-11-14T16:00:00.000Z" and "Nothing older is kept" in found["sentence"]
    assert "in the last 10 days" in found["sentence"]
    whole = await played(client, "received < 1 for 1h", since="10d")
    assert "Nothing older" not in whole["sentence"] and whole["fired"] == found["fired"]
