"""The preview: what a rule would have done with the recorded past, in numbers, words and a chart."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage import metrics as rows
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
PATH = "/v1/integrations/forward/alerts/preview"
NOW = 1_764_000_030.0
LAST = 1_764_000_000


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


async def played(client: Client, condition: str, status: int = 200, **more: Any) -> Any:
    return await client.ask("POST", PATH, {"condition": condition, "from": "6h", **more}, status=status)


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
    for more, path in (({"from": "8d"}, "from"), ({"from": "0s"}, "from"), ({"tz": "x/y"}, "tz"), ({"x": 1}, "x")):
        found = await client.ask("POST", PATH, {"condition": "failed > 1", **more}, status=422)
        assert found["path"] == path
    await client.ask("POST", "/v1/integrations/int_x/alerts/preview", {"condition": "failed > 1"}, status=404)
