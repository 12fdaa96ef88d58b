"""This server's own measure of itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.histogram import ERROR
from core.http.latencies import WINDOW_SECONDS, Latencies, RouteTimes
from tests.contexts import MovableClock
from tests.engines import Client, running


async def routes(client: Client) -> tuple[Any, dict[tuple[str, str], Any]]:
    found = await client.ask("GET", "/v1/metrics/performance")
    return found, {(one["method"], one["path"]): one for one in found["routes"]}


async def test_every_route_is_counted_by_its_template(tmp_path: Path, clock: MovableClock) -> None:
    async with running(tmp_path, clock=clock) as client:
        for name in ("a", "b", "c"):
            await client.ask("GET", f"/v1/integrations/{name}", status=404)
        await client.ask("GET", "/v1/user")
        assert (await client.post("/webhooks/nothing", b"{}", {})).status == 404
        whole, found = await routes(client)
        one = found["GET", "/v1/integrations/{id}"]
        assert one["since_start"]["count"] == one["recent"]["count"] == one["recent"]["refused"] == 3
        assert one["recent"]["errors"] == 0 and found["POST", "/webhooks/{id}"]["since_start"]["refused"] == 1
        assert found["GET", "/v1/user"]["since_start"]["refused"] == 0
        assert 0 < one["recent"]["p50_ms"] <= one["recent"]["p90_ms"] <= one["recent"]["p95_ms"]
        assert one["recent"]["p95_ms"] <= one["recent"]["p99_ms"]
        assert whole["all"]["since_start"]["count"] == sum(o["since_start"]["count"] for o in found.values())
        assert whole["in_flight"] == 1 and whole["uptime_seconds"] > 0
        assert whole["relative_error"] <= 0.044
        assert ("GET", "/v1/metrics/performance") not in found, "asked for the first time"
        clock.move(WINDOW_SECONDS + 10)
        whole, found = await routes(client)
        one = found["GET", "/v1/integrations/{id}"]
        assert one["since_start"]["count"] == 3 and one["recent"]["count"] == 0 and one["recent"]["p50_ms"] is None
        async with asyncio.timeout(10):  # at times more waits for a moment: the engine writes by itself
            while (await routes(client))[0]["writer_backlog"] not in (0, 1):
                pass


async def test_it_needs_its_permission(anonymous: aiohttp.ClientSession, issued: Any) -> None:
    for permission, status in (("metrics.read", 200), ("logs.read", 403)):
        async with anonymous.get("/v1/metrics/performance", headers=await issued(permission)) as response:
            assert response.status == status


def test_percentiles_are_close_and_old_ones_leave() -> None:
    times = RouteTimes("GET", "/x")
    for number in range(1, 101):
        times.add(number / 1e3, 200 if number <= 90 else 500 if number > 95 else 404, 1000.0 + number)
    assert (times.total.count, times.total.refused, times.total.errors) == (100, 5, 5)
    assert times.recent(1100.0).count == 100
    assert times.recent(1000.0 + WINDOW_SECONDS + 50).count < 60
    assert times.recent(1100.0 + WINDOW_SECONDS + 10).count == 0
    from core.histogram import percentile

    assert percentile(times.total.buckets, 0.9) == pytest.approx(90, rel=ERROR)


def test_the_window_takes_no_more_memory_with_time() -> None:
    times = RouteTimes("GET", "/x")
    for second in range(0, 100_000, 7):
        times.add(0.001, 200, float(second))
    assert len(times._slots) == WINDOW_SECONDS / 10 + 1
    assert times.recent(99_995.0).count <= WINDOW_SECONDS / 7 + 2


def test_a_route_is_counted_in_one_place() -> None:
    latencies = Latencies()
    assert latencies.of("GET", "/x") is latencies.of("GET", "/x") is not latencies.of("POST", "/x")


@pytest.mark.slow
async def test_the_loops_lag_is_measured(tmp_path: Path) -> None:
    async with running(tmp_path) as client:
        while (lag := (await routes(client))[0]["event_loop_lag"])["last_ms"] is None:
            pass
        assert 0 <= lag["last_ms"] <= lag["max_ms"] and lag["p99_ms"] <= lag["max_ms"]
