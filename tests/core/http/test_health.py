from __future__ import annotations

import asyncio
from typing import Any, cast

import aiohttp
import pytest

from core import health
from core.config import Settings
from core.context import Context
from core.errors import Upstream
from core.http.node import NODE
from core.http.server import Server
from core.services import SERVICES, Service
from core.texts import T, Text
from storage import leader
from tests.core.http.conftest import Sandbox


class Outside:
    """An outside service that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.failing = False
        self.silent = False
        self.answering = asyncio.Event()

    async def check(self, settings: Settings) -> Text:
        self.asked += 1
        if self.silent:
            await self.answering.wait()
        if self.failing:
            raise Upstream(T("The token was refused."))
        return T("@ccb in Acme")


@pytest.fixture
def outside(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Outside:
    """A service that is configured, and one that is not."""
    service = Outside()
    monkeypatch.setitem(SERVICES, "claude", Service("claude", "Claude", (), service.check))
    slack = Service("slack", "Slack", ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"), service.check)
    monkeypatch.setitem(SERVICES, "slack", slack)
    return service


async def get(session: aiohttp.ClientSession, path: str, status: int = 200) -> dict[str, Any]:
    response = await session.get(path)
    found: dict[str, Any] = await response.json()
    assert response.status == status, found
    assert response.headers["Cache-Control"] == "no-store"
    return found


async def hold_the_duty(ctx: Context) -> None:
    now = ctx.clock.now()
    await ctx.db.write(leader.campaign, duty=leader.SCHEDULER, holder="node", now=now, expires_at=now + 6)


async def test_without_a_scheduler_it_is_degraded(anonymous: aiohttp.ClientSession, outside: Outside) -> None:
    found = await get(anonymous, "/health")
    assert found["status"] == "degraded" and found["dependencies"]["scheduler"]["status"] == "down"


async def test_all_is_well(anonymous: aiohttp.ClientSession, outside: Outside, ctx: Context) -> None:
    await hold_the_duty(ctx)
    found = await get(anonymous, "/health")
    assert found["status"] == "ok" and found["version"] and found["uptime_seconds"] >= 0
    for name in ("database", "sandbox", "disk", "scheduler", "claude"):
        assert found["dependencies"][name].keys() == {"status", "latency_ms"}
        assert found["dependencies"][name]["status"] == "ok"
    assert found["dependencies"]["slack"] == {
        "status": "not_configured",
        "settings": ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"],
    }


async def test_outside_services_are_asked_once_for_many(
    ctx: Context, anonymous: aiohttp.ClientSession, outside: Outside
) -> None:
    await asyncio.gather(*(get(anonymous, "/health") for _ in range(5)))
    await get(anonymous, "/health")
    assert outside.asked == 1
    ctx.memo.drop(("health", "claude"))  # what a minute does
    await get(anonymous, "/health")
    assert outside.asked == 2


async def test_fresh_needs_a_key_and_shows_what_was_said(
    anonymous: aiohttp.ClientSession, admin: aiohttp.ClientSession, outside: Outside
) -> None:
    await get(anonymous, "/health?fresh=true", 401)
    assert outside.asked == 0
    for asked in (1, 2):
        found = await get(admin, "/health?fresh=true")
        assert outside.asked == asked
    assert found["dependencies"]["claude"]["detail"] == "@ccb in Acme"


async def test_a_service_that_fails_degrades(anonymous: aiohttp.ClientSession, outside: Outside) -> None:
    outside.failing = True
    found = await get(anonymous, "/health")
    assert found["status"] == "degraded" and found["dependencies"]["claude"]["status"] == "down"
    assert "refused" not in str(found)


async def test_a_service_that_does_not_answer_is_waited_for_briefly(
    ctx: Context, anonymous: aiohttp.ClientSession, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.05)
    await get(anonymous, "/health")
    outside.silent = True
    ctx.memo.drop(("health", "claude"))  # what a minute does
    found = await get(anonymous, "/health")
    assert found["status"] == "degraded" and found["dependencies"]["claude"]["latency_ms"] >= 50


async def test_a_first_answer_that_takes_longer_is_no_trouble(
    ctx: Context, anonymous: aiohttp.ClientSession, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold_the_duty(ctx)
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.05)
    outside.silent = True
    for _ in range(2):
        found = await get(anonymous, "/health")
        assert found["status"] == "starting" and found["dependencies"]["claude"] == {"status": "starting"}
    outside.answering.set()
    found = await get(anonymous, "/health")
    assert found["status"] == "ok" and found["dependencies"]["claude"]["status"] == "ok"
    assert outside.asked == 1


async def test_a_first_answer_that_never_comes_is_trouble(
    ctx: Context, anonymous: aiohttp.ClientSession, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold_the_duty(ctx)
    monkeypatch.setattr(health, "FIRST_SECONDS", 0.05)
    outside.silent = True
    found = await get(anonymous, "/health")
    assert found["status"] == "degraded" and found["dependencies"]["claude"]["status"] == "down"


async def test_without_the_sandbox_it_is_down_and_yet_alive(ctx: Context, anonymous: aiohttp.ClientSession) -> None:
    cast(Sandbox, ctx.sandbox).broken = True
    found = await get(anonymous, "/health", 503)
    assert found["status"] == "down" and found["dependencies"]["sandbox"]["status"] == "down"
    assert found["error"] == "Service unavailable" and found["message"] and found["request_id"]
    assert await get(anonymous, "/health/live") == {"status": "ok"}
    assert await get(anonymous, "/health/ready") == {"status": "ok"}


async def test_without_the_database_it_is_neither_up_nor_ready(
    ctx: Context, anonymous: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise ConnectionRefusedError("10.0.0.5:5432")

    monkeypatch.setattr(ctx.db, "read", away)
    found = await get(anonymous, "/health", 503)
    assert found["status"] == "down" and "10.0.0.5" not in str(found)
    response = await anonymous.get("/health/ready")
    assert response.status == 503 and int(response.headers["Retry-After"]) > 0
    assert await get(anonymous, "/health/live") == {"status": "ok"}


async def test_a_node_that_stops_is_not_ready(server: Server, anonymous: aiohttp.ClientSession) -> None:
    server._app[NODE].stopping = True
    assert "stopping" in (await get(anonymous, "/health/ready", 503))["message"]
    assert await get(anonymous, "/health/live") == {"status": "ok"}


async def test_a_check_of_ones_own(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    async def late(ctx: Context) -> health.Finding:
        return health.Finding("degraded", T("Two minutes behind."))

    monkeypatch.setattr(health, "CHECKS", {})
    health.register(health.Check("scheduler", late))
    found = await health.report(ctx)
    assert found.status == "degraded" and str(found.dependencies["scheduler"].detail) == "Two minutes behind."
