"""The address, scheme and secret of an integration's webhook, and the rotation of the secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

NOTHING = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
SECRET = "whsec_" + "QUJD" * 8


@pytest.fixture
async def client(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Client]:
    async with running(tmp_path, clock=clock) as client:
        yield client


async def installed(client: Client) -> dict[str, Any]:
    return await client.install(package(NOTHING, "example.com"))


async def test_it_is_told_without_the_secret(client: Client) -> None:
    made = await installed(client)
    found = await client.ask("GET", f"/v1/integrations/{made['id']}/webhook-config")
    assert found == {
        "url": made["webhook_url"],
        "scheme": "standard-webhooks",
        "secret_configured": True,
        "secret_needed": True,
        "former_secret_valid_until": None,
        "accepts_deliveries": True,
    }
    unsigned = {"kind": "none", "unsigned": True}
    wish = {"package": package(NOTHING, "example.com", source=unsigned), "slug": "open"}
    await client.ask("POST", "/v1/integrations", wish, status=201)
    found = await client.ask("GET", "/v1/integrations/open/webhook-config")
    assert (found["secret_configured"], found["secret_needed"], found["accepts_deliveries"]) == (True, False, False)
    await client.ask("GET", "/v1/integrations/none/webhook-config", status=404)


async def test_both_secrets_are_good_for_the_time_that_was_said(client: Client, clock: MovableClock) -> None:
    made = await installed(client)
    path = f"/v1/integrations/{made['id']}"
    by_old = [await client.sign(made["id"], {"n": n}, f"old-{n}") for n in range(3)]
    changed = await client.ask("PATCH", f"{path}/webhook-secret", {"secret": SECRET, "keep": "2m"})
    assert changed["secret"] is None and changed["former_secret_valid_until"] == "2023-11-14T22:15:20.000Z"
    assert (await client.deliver(made["id"], {"n": 9}, "new-0")).status == 202
    assert (await client.post(*by_old[0])).status == 202
    clock.move(119)
    assert (await client.post(*by_old[1])).status == 202
    clock.move(2)
    refused = await client.post(*by_old[2])
    assert (refused.status, refused.json["error"]) == (401, "Invalid webhook signature")
    assert (await client.ask("GET", f"{path}/webhook-config"))["former_secret_valid_until"] is None


async def test_one_is_made_where_none_is_given_and_the_former_can_end_at_once(client: Client) -> None:
    made = await installed(client)
    path = f"/v1/integrations/{made['id']}/webhook-secret"
    by_old = await client.sign(made["id"], {"n": 1}, "old")
    changed = await client.ask("PATCH", path, {"keep": "0s"})
    assert changed["secret"].startswith("whsec_") and changed["secret"] != made["webhook_secret"]
    assert changed["former_secret_valid_until"] is None
    assert (await client.post(*by_old)).status == 401
    assert (await client.deliver(made["id"], {"n": 1}, "new")).status == 202


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"secret": "short"}, "secret"),
        ({"secret": " " * 10}, "secret"),
        ({"secret": SECRET, "keep": "31d"}, "keep"),
        ({"secret": SECRET, "keep": "soon"}, "keep"),
        ({"secret": SECRET, "keeps": "1h"}, "keeps"),
        ({"secret": 12345678}, "secret"),
    ],
)
async def test_a_wrong_wish_changes_nothing(client: Client, body: dict[str, Any], path: str) -> None:
    made = await installed(client)
    delivery = await client.sign(made["id"], {"n": 1}, "msg")
    refused = await client.ask("PATCH", f"/v1/integrations/{made['id']}/webhook-secret", body, status=422)
    assert refused["path"] == path
    assert (await client.post(*delivery)).status == 202
