"""A house for each test, on SQLite and on PostgreSQL, or (`quick_house`) on SQLite alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chatbot.notifier import SlackNotifier
from core.demo.stand_ins.slack import BOT_TOKEN, SlackStandIn
from core.secret_box import SecretBox
from core.services import SERVICES
from storage.db import Database, open_database
from tests import templates
from tests.contexts import MovableClock, context, settings
from tests.core.alerting.house import House
from tests.core.http.conftest import Sandbox
from tests.inbox import serving


@pytest.fixture
def changed() -> dict[str, Any]:
    """What a test wants set otherwise; None is not set."""
    return {}


@pytest.fixture
def only_what_a_test_registers() -> Iterator[None]:
    """Take away what other tests' imports have registered."""
    kept = dict(SERVICES)
    SERVICES.clear()
    yield
    SERVICES.clear()
    SERVICES.update(kept)


@asynccontextmanager
async def _house(db: Database, folder: Path, clock: MovableClock, changed: dict[str, Any]) -> AsyncIterator[House]:
    async with SlackStandIn() as slack, serving() as inbox:
        values = {
            "CCB_DATA_DIR": folder,
            "CCB_PORT": 0,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_API_URL": slack.url,
            "CCB_SMTP_URL": inbox.url,
            "CCB_MAIL_FROM": "CCB <ccb@example.org>",
            **changed,
        }
        given = settings(**{name: value for name, value in values.items() if value is not None})
        notifier = SlackNotifier(given, clock)
        secrets = SecretBox.open(given)
        made = context(given=given, clock=clock, db=db, sandbox=Sandbox(), secrets=secrets, slack=notifier)
        yield House(made, clock, slack, inbox)
        await made.aside.close()
        await notifier.close()


@pytest.fixture
async def house(
    db: Database, tmp_path: Path, clock: MovableClock, changed: dict[str, Any], only_what_a_test_registers: None
) -> AsyncIterator[House]:
    async with _house(db, tmp_path, clock, changed) as made:
        yield made


@pytest.fixture
async def quick_house(
    tmp_path: Path, clock: MovableClock, changed: dict[str, Any], only_what_a_test_registers: None
) -> AsyncIterator[House]:
    templates.sqlite_in(tmp_path)
    db = await open_database(None, tmp_path)
    async with _house(db, tmp_path, clock, changed) as made:
        yield made
    await db.close()
