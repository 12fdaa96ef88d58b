"""The scheduler of a started engine, on a machine whose clock is set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers import base
from cryptography.fernet import Fernet

from tests.core.alerting.house import HANDLER
from tests.engines import Client, running
from tests.inbox import Inbox, serving
from tests.packages import package

RULE = {"condition": "queue_depth >= 0", "notification_channels": ["email://a@b.example"]}
HOUR = 3600.0


class Machine:
    """What this machine's clock says, for Python and for APScheduler, beside what it is."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._time = time.time

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self._time() + self.ahead


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine()

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=made.ahead)

    monkeypatch.setattr(time, "time", made.time)
    monkeypatch.setattr(base, "datetime", Datetime)
    yield made


@asynccontextmanager
async def engine(folder: Path, url: str | None) -> AsyncIterator[tuple[Client, Inbox, str]]:
    """Run an engine with one integration that has no rules."""
    async with serving() as inbox:
        more: dict[str, Any] = (
            {} if url is None else {"CCB_DATABASE_URL": url, "CCB_SECRET_KEY": Fernet.generate_key().decode()}
        )
        mail: dict[str, Any] = {"CCB_SMTP_URL": inbox.url, "CCB_MAIL_FROM": "CCB <ccb@example.org>"}
        async with running(folder, **mail, **more) as client:
            made = await client.install(package(HANDLER, "example.com"))
            await with_rules(client, made["id"])
            yield client, inbox, made["id"]


async def with_rules(client: Client, integration: str, *names: str) -> None:
    rules = [{**RULE, "name": name} for name in names]
    await client.ask("PUT", f"/v1/integrations/{integration}/alerts", {"rules": rules})


async def fires(client: Client, name: str) -> dict[str, Any]:
    """Wait until a rule fires, less long than until the next look."""
    async with asyncio.timeout(15):
        while True:
            for alert in await client.ask("GET", "/v1/alerts?status=firing"):
                if alert["name"] == name:
                    return dict(alert)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_an_hour_forward_and_back_stops_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, machine: Machine, dialect: str
) -> None:
    url = request.getfixturevalue("postgres_url") if dialect == "postgresql" else None
    async with engine(tmp_path, url) as (client, inbox, integration):
        async with asyncio.timeout(10):
            while (await client.ask("GET", "/v1/alert-states"))["looked_at"] is None:
                await asyncio.sleep(0.02)
        await with_rules(client, integration, "Forward")
        machine.ahead += HOUR
        alert = await fires(client, "Forward")
        assert inbox.messages == []
        await with_rules(client, integration, "Forward", "Back")
        machine.ahead -= HOUR
        await fires(client, "Back")
        async with asyncio.timeout(15):
            while not inbox.messages:
                await asyncio.sleep(0.05)
        found = await client.ask("GET", f"/v1/alerts/{alert['id']}/history")
        assert [line["kind"] for line in found["history"]].count("planned") == 1
        assert (await client.ask("GET", "/health/ready"))["status"] in ("ok", "degraded")
