"""Who changed what: every change of an integration and of a key, with its secrets masked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import VERSION
from tests.contexts import MovableClock
from tests.core.http.test_integrations import configured
from tests.engines import Client, running

TOKEN = "tok-0123456789-abcd"
OTHER = "tok-9876543210-wxyz"


@pytest.fixture
async def client(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Client]:
    async with running(tmp_path, clock=clock) as client:
        yield client


async def entries(client: Client, path: str = "/v1/integrations/forward/changelog") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await client.ask("GET", path)
    return found


def changed(entry: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {change["key"]: (change["from"], change["to"]) for change in entry["changes"]}


async def test_every_change_of_an_integration_is_kept(client: Client, clock: MovableClock) -> None:
    wish = {"package": configured(), "config": {"channel": "#a", "token": TOKEN}}
    made = await client.ask("POST", "/v1/integrations", wish, status=201)
    path = f"/v1/integrations/{made['id']}"
    clock.move(60)
    await client.ask("PATCH", f"{path}/config", {"channel": "#b", "token": OTHER, "retry_attempts": 7})
    await client.ask("PATCH", f"{path}/config", {"channel": "#b"})  # nothing changes: nothing to keep
    await client.ask("POST", f"{path}/activate")
    await client.ask("POST", f"{path}/activate")
    await client.ask("PATCH", f"{path}/monitoring", {"logging_level": "warning"})
    await client.ask("PATCH", f"{path}/webhook-secret", {"secret": "whsec_QUJDREVGR0hJSktM"})
    await client.ask("PATCH", f"{path}/config", {"limit": None, "retry_attempts": None})
    newest, secret, monitoring, status, config, installed = await entries(client)
    assert [e["action"] for e in (installed, config, status, monitoring, secret, newest)] == [
        "integration.installed", "config.changed", "status.changed", "monitoring.changed", "webhook_secret.changed",
        "config.changed",
    ]  # fmt: skip
    assert changed(installed)["channel"] == (None, "#a") and changed(installed)["status"] == (None, "inactive")
    assert changed(config) == {
        "channel": ("#a", "#b"),
        "token": ("••••abcd", "••••wxyz"),
        "retry_attempts": (None, 7),
    }
    assert changed(status) == {"status": ("inactive", "active")} and status["why"] == "activated"
    assert changed(monitoring) == {"logging_level": ("info", "warning")}
    assert changed(secret)["webhook_secret"][1] == "••••SktM"
    assert changed(newest) == {"retry_attempts": (7, None)}
    assert config["actor"] == {"kind": "local", "id": "local", "name": "local"}
    assert config["timestamp"] == "2023-11-14T22:14:20.000Z" and config["integration_id"] == made["id"]
    told = json.dumps(await entries(client, "/v1/changelog?limit=500"))
    assert not any(text in told for text in (TOKEN, OTHER, "QUJDREVGR0hJSktM", made["webhook_secret"]))


async def test_what_is_refused_leaves_no_entry(client: Client) -> None:
    await client.ask("POST", "/v1/integrations", {"package": configured()}, status=201)
    for body in ({"nonsense": 1}, {"retry_attempts": 0}, {"token": "••••abcd"}):
        await client.ask("PATCH", "/v1/integrations/forward/config", body, status=422)
    await client.ask("POST", "/v1/integrations/forward/activate", status=409)
    refused = await client.ask(
        "PATCH", "/v1/integrations/forward/monitoring", {"metrics_retention": "soon"}, status=422
    )
    assert "such as 30d" in refused["message"]
    assert [e["action"] for e in await entries(client)] == ["integration.installed"]


async def test_keys_are_in_the_changelog_without_their_text(client: Client) -> None:
    made = await client.ask("POST", "/v1/auth/tokens", {"name": "ci", "permissions": ["events.read"]}, status=201)
    path = f"/v1/auth/tokens/{made['id']}"
    await client.ask("PATCH", path, {"permissions": ["events.read", "logs.read"]})
    rotated = await client.ask("POST", f"{path}/rotate")
    await client.ask("DELETE", path)
    await client.ask("DELETE", path)  # once more does nothing
    *found, started = await entries(client, "/v1/changelog")
    assert [e["action"] for e in found] == ["token.revoked", "token.rotated", "token.changed", "token.made"]
    assert (started["action"], started["subject"], started["actor"]["kind"]) == ("deployed", VERSION, "system")
    assert {e["subject"] for e in found} == {made["id"]} and found[0]["integration_id"] is None
    assert changed(found[2]) == {"permissions": (["events.read"], ["events.read", "logs.read"])}
    revoked = await client.ask("GET", path)
    assert changed(found[0]) == {"revoked_at": (None, revoked["revoked_at"])}
    assert made["token"] not in json.dumps(found) and rotated["token"] not in json.dumps(found)


async def test_pages_and_filters(client: Client, clock: MovableClock) -> None:
    await client.ask("POST", "/v1/integrations", {"package": configured()}, status=201)
    for number in range(1, 8):
        clock.move(60)
        await client.ask("PATCH", "/v1/integrations/forward/config", {"limit": number})
    path = "/v1/integrations/forward/changelog"
    first = await entries(client, f"{path}?limit=3")
    second = await entries(client, f"{path}?limit=3&after={first[-1]['id']}")
    assert [changed(e)["limit"][1] for e in [*first, *second]] == [7, 6, 5, 4, 3, 2]
    assert len(await entries(client, f"{path}?action=config.changed&from=150s")) == 3
    assert [e["action"] for e in await entries(client, f"{path}?to=400s")] == ["integration.installed"]
    await client.ask("GET", f"{path}?after=0", status=422)
    refused = await client.ask("GET", f"{path}?from=1h&to=2h", status=422)
    assert refused["path"] == "from" and "must not be after" in refused["message"]
    await client.ask("GET", "/v1/integrations/none/changelog", status=404)
