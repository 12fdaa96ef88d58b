"""The monitoring settings of an integration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import Client, running

DEFAULTS = {
    "metrics_enabled": True,
    "metrics_retention": "30d",
    "logging_level": "info",
    "logs_retention": "30d",
    "events_retention": None,
    "gap_healing": False,
}
PATH = "/v1/integrations/hello-webhook/monitoring"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path) as client:
        await client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
        yield client


async def test_what_is_not_mentioned_stays(client: Client) -> None:
    assert await client.ask("GET", PATH) == DEFAULTS
    changed = await client.ask("PATCH", PATH, {"metrics_enabled": False, "logging_level": "debug"})
    assert changed == {**DEFAULTS, "metrics_enabled": False, "logging_level": "debug"}
    changed = await client.ask(
        "PATCH", PATH, {"metrics_retention": "1h", "logs_retention": "7d", "events_retention": "90d"}
    )
    assert (changed["metrics_enabled"], changed["metrics_retention"], changed["events_retention"]) == (
        False,
        "1h",
        "90d",
    )
    assert (await client.ask("PATCH", PATH, {"events_retention": None}))["events_retention"] is None
    assert await client.ask("PATCH", PATH, {}) == await client.ask("GET", PATH)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"metrics": True}, "metrics"),
        ({"metrics_enabled": "yes"}, "metrics_enabled"),
        ({"metrics_enabled": None}, "metrics_enabled"),
        ({"logging_level": "loud"}, "logging_level"),
        ({"metrics_retention": "1s"}, "metrics_retention"),
        ({"metrics_retention": "0d"}, "metrics_retention"),
        ({"logs_retention": 7}, "logs_retention"),
        ({"logs_retention": "week"}, "logs_retention"),
    ],
)
async def test_a_wrong_one_is_named_and_changes_nothing(client: Client, body: dict[str, Any], path: str) -> None:
    refused = await client.ask("PATCH", PATH, {"gap_healing": True, **body}, status=422)
    assert refused["path"] == path, refused
    assert await client.ask("GET", PATH) == DEFAULTS
