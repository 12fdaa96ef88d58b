"""Alerts, and kill -9 at every place between a rule's first look and the record that somebody was told."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.engine import EngineProcess, start
from tests.inbox import Inbox, serving
from tests.packages import package

pytestmark = pytest.mark.slow
HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
RULES = [
    {"name": "Silent", "condition": "no_events for 1s", "notification_channels": ["email://ops@example.org"]},
    {"name": "Silent for long", "condition": "(no_events for 1s) for 10m", "notification_channels": ["email"]},
]


class Place:
    """Where an engine lives, dies and is started again."""

    def __init__(self, folder: Path, inbox: Inbox) -> None:
        self.folder, self.inbox = folder, inbox

    async def start(self) -> EngineProcess:
        """Start it; nothing of the one before makes it wait."""
        settings = {
            "CCB_SMTP_URL": self.inbox.url,
            "CCB_MAIL_FROM": "CCB <ccb@example.org>",
            "CCB_OUTBOUND_ALLOW": self.inbox.url.removeprefix("smtp://"),
        }
        return await start(self.folder, settings=settings)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement while no engine runs."""
        with sqlite3.connect(self.folder / "ccb.db") as connection:
            found = connection.execute(statement).fetchall()
        connection.close()
        return found

    def hurry(self) -> None:
        """Let the time pass for which a new engine would wait: the scheduler's term, and the group's."""
        self.sql("UPDATE leaders SET expires_at = 0")
        self.sql("UPDATE alert_outbox SET run_at = 0 WHERE settled_at IS NULL")

    def planned(self) -> list[tuple[Any, ...]]:
        """Return what is or was to be told."""
        return self.sql("SELECT kind, settled_at IS NOT NULL, attempts FROM alert_outbox ORDER BY id")


async def until(holds: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


async def test_told_at_least_once_and_planned_once(tmp_path: Path) -> None:
    async with serving() as inbox:
        place = Place(tmp_path / "data", inbox)
        engine = await place.start()
        made = await engine.ask(
            "POST", "/v1/integrations", {"package": package(HANDLER, "example.com"), "activate": True}, status=201
        )
        await engine.ask("PUT", f"/v1/integrations/{made['id']}/alerts", {"rules": RULES})
        await engine.kill()

        # A look finds that it fires, and the engine dies before anything is said.
        place.hurry()
        engine = await place.start()
        (fired,) = await engine.until("/v1/alerts?status=firing", lambda found: len(found) == 1)
        await engine.kill()
        assert fired["name"] == "Silent" and inbox.messages == []
        assert place.planned() == [("fired", 0, 0)]

        # It is said, and the engine dies before it knows so.
        place.hurry()
        inbox.held = asyncio.Event()
        engine = await place.start()
        await until(lambda: inbox.messages)
        await engine.kill()
        assert place.planned() == [("fired", 0, 1)]
        inbox.held.set()

        # It is said again, once, under the same Message-ID.
        place.hurry()
        engine = await place.start()
        history = f"/v1/alerts/{fired['id']}/history"
        told = await engine.until(history, lambda found: any(one["kind"] == "delivered" for one in found["history"]))
        assert [one["kind"] for one in told["history"]].count("planned") == 1
        await engine.kill()
        assert [message["Message-ID"] for message in inbox.messages] == [inbox.messages[0]["Message-ID"]] * 2

        # Started again while it fires: the looks go on, and nothing more is planned.
        place.hurry()
        ((looks,),) = place.sql("SELECT revision FROM alert_passes")
        engine = await place.start()
        await until(lambda: place.sql("SELECT revision FROM alert_passes") > [(looks,)])
        pending = await engine.ask("GET", "/v1/alerts?status=pending")
        assert [alert["name"] for alert in pending] == ["Silent for long"], "it is the one that began pending first"
        before = await engine.ask("GET", f"/v1/alerts/{pending[0]['id']}/history")
        assert [one["kind"] for one in before["history"]] == ["pending"]
        await engine.kill()
        assert place.planned() == [("fired", 1, 2)]
        assert place.sql("SELECT count(*) FROM alerts") == [(2,)] and len(inbox.messages) == 2
