"""API keys over HTTP, as the troubleshooting guide uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp

from core.auth import is_well_formed
from core.context import Context
from tests.contexts import MovableClock

Keys = Callable[..., Awaitable[dict[str, str]]]


async def test_a_key_from_its_making_to_its_end(admin: aiohttp.ClientSession) -> None:
    wish = {"name": "Integration API Key", "permissions": ["integrations.read", "integrations.write"]}
    response = await admin.post("/v1/auth/tokens", json=wish)
    assert response.status == 201
    made = await response.json()
    assert is_well_formed(made["token"]) and made["prefix"] == made["token"][:8] + "…"
    assert made["permissions"] == wish["permissions"] and made["status"] == "active"
    assert made["created_by"] == "first admin"

    shown = {"Authorization": f"Bearer {made['token']}"}
    user = await (await admin.get("/v1/user", headers=shown)).json()
    assert user == {"kind": "key", "id": made["id"], "name": wish["name"], "permissions": wish["permissions"]}

    change = {"permissions": ["integrations.read", "integrations.write", "webhooks.receive"]}
    changed = await (await admin.patch(f"/v1/auth/tokens/{made['id']}", json=change)).json()
    assert changed["permissions"] == change["permissions"] and "token" not in changed
    verified = await (await admin.get("/v1/auth/verify", headers=shown)).json()
    assert verified == {"valid": True, "name": wish["name"], "permissions": change["permissions"]}

    listed = await (await admin.get("/v1/auth/tokens")).json()
    assert [key["name"] for key in listed] == [wish["name"], "first admin"]
    assert made["token"] not in str(listed)
    assert (await (await admin.get(f"/v1/auth/tokens/{made['id']}")).json())["last_used_at"] is not None

    for _ in range(2):
        response = await admin.delete(f"/v1/auth/tokens/{made['id']}")
        assert response.status == 200 and (await response.json())["status"] == "revoked"
    refused = await admin.get("/v1/user", headers=shown)
    assert refused.status == 401 and "revoked" in (await refused.json())["message"]


async def test_token_info_says_until_when(ctx: Context, admin: aiohttp.ClientSession, clock: MovableClock) -> None:
    wish = {"name": "short", "permissions": ["events.read"], "expires_at": "30d"}
    made = await (await admin.post("/v1/auth/tokens", json=wish)).json()
    shown = {"Authorization": f"Bearer {made['token']}"}
    info = await (await admin.get("/v1/auth/token-info", headers=shown)).json()
    assert info == {
        "name": "short",
        "permissions": ["events.read"],
        "expires_at": "2023-12-14T22:13:20.000Z",
        "last_used_at": "2023-11-14T22:13:20.000Z",
    }
    clock.move(30 * 86400)
    refused = await admin.get("/v1/auth/token-info", headers=shown)
    assert refused.status == 401 and (await refused.json())["error"] == "Invalid API Key"
    listed = await (await admin.get("/v1/auth/tokens")).json()
    assert {key["name"]: key["status"] for key in listed} == {"short": "expired", "first admin": "active"}


async def test_expires_at_takes_a_date(admin: aiohttp.ClientSession) -> None:
    for given, status in (
        ("2024-01-01T00:00:00+03:00", 201), ("2024-01-01", 201), ("2020-01-01", 422), ("soon", 422), ("9999999d", 422),
    ):  # fmt: skip
        wish = {"name": "k", "permissions": ["events.read"], "expires_at": given}
        response = await admin.post("/v1/auth/tokens", json=wish)
        found = await response.json()
        assert response.status == status, found
        assert status == 201 or found["path"] == "expires_at"


async def test_a_key_cannot_make_a_stronger_one(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    weak = await issued("tokens.write", "events.read")
    wish = {"name": "x", "permissions": ["events.read", "events.replay"]}
    response = await anonymous.post("/v1/auth/tokens", json=wish, headers=weak)
    assert response.status == 403
    assert (await response.json())["required"] == ["events.replay"]
    assert (await anonymous.get("/v1/auth/tokens", headers=weak)).status == 403


async def test_an_unknown_permission_is_answered_with_the_known_ones(admin: aiohttp.ClientSession) -> None:
    response = await admin.post("/v1/auth/tokens", json={"name": "x", "permissions": ["events.all"]})
    found = await response.json()
    assert response.status == 422 and "events.replay" in found["known"] and found["path"] == "permissions"


async def test_a_change_must_change_something(admin: aiohttp.ClientSession) -> None:
    (key,) = await (await admin.get("/v1/auth/tokens")).json()
    assert (await admin.patch(f"/v1/auth/tokens/{key['id']}", json={})).status == 422
    assert (await admin.patch("/v1/auth/tokens/key_none", json={"name": "x"})).status == 404
    assert (await admin.delete("/v1/auth/tokens/key_none")).status == 404
    renamed = await admin.patch(f"/v1/auth/tokens/{key['id']}", json={"name": "root"})
    assert (await renamed.json())["name"] == "root"


async def test_both_texts_of_a_rotated_key_are_good_for_a_while(
    admin: aiohttp.ClientSession, clock: MovableClock
) -> None:
    wish = {"name": "ci", "permissions": ["events.read"]}
    made = await (await admin.post("/v1/auth/tokens", json=wish)).json()
    response = await admin.post(f"/v1/auth/tokens/{made['id']}/rotate", json={"keep": "1h"})
    rotated = await response.json()
    assert response.status == 200 and is_well_formed(rotated["token"]) and rotated["token"] != made["token"]
    assert {name: rotated[name] for name in ("id", "name", "permissions", "expires_at")} == {
        name: made[name] for name in ("id", "name", "permissions", "expires_at")
    }

    async def status(key: dict[str, str]) -> int:
        return (await admin.get("/v1/user", headers={"Authorization": f"Bearer {key['token']}"})).status

    assert (await status(made), await status(rotated)) == (200, 200)
    clock.move(3599)
    assert (await status(made), await status(rotated)) == (200, 200)
    clock.move(2)
    assert (await status(made), await status(rotated)) == (401, 200)
    again = await (await admin.post(f"/v1/auth/tokens/{made['id']}/rotate", json={"keep": "0s"})).json()
    assert (await status(rotated), await status(again)) == (401, 200)
    await admin.delete(f"/v1/auth/tokens/{made['id']}")
    assert await status(again) == 401


async def test_who_rotates_changes_or_revokes_a_key_must_hold_what_it_does(
    admin: aiohttp.ClientSession, anonymous: aiohttp.ClientSession, issued: Keys, clock: MovableClock
) -> None:
    wish = {"name": "strong", "permissions": ["events.replay"], "expires_at": "1h"}
    made = await (await admin.post("/v1/auth/tokens", json=wish)).json()
    weak = await issued("tokens.write", "events.read")
    refused = await anonymous.post(f"/v1/auth/tokens/{made['id']}/rotate", headers=weak)
    assert refused.status == 403 and (await refused.json())["required"] == ["events.replay"]
    for change in ({"expires_at": None}, {"permissions": ["events.read"]}, {"name": "mine"}):
        changed = await anonymous.patch(f"/v1/auth/tokens/{made['id']}", json=change, headers=weak)
        assert changed.status == 403 and (await changed.json())["required"] == ["events.replay"]
    assert (await anonymous.delete(f"/v1/auth/tokens/{made['id']}", headers=weak)).status == 403
    kept = await (await admin.get(f"/v1/auth/tokens/{made['id']}")).json()
    assert {name: kept[name] for name in ("name", "permissions", "status")} == {
        "name": "strong", "permissions": ["events.replay"], "status": "active",
    }  # fmt: skip
    assert (await admin.post("/v1/auth/tokens/key_none/rotate")).status == 404
    assert (await admin.post(f"/v1/auth/tokens/{made['id']}/rotate", json={"keep": "31d"})).status == 422
    clock.move(3601)
    assert (await admin.post(f"/v1/auth/tokens/{made['id']}/rotate")).status == 409


async def test_when_a_key_expires_can_be_changed(admin: aiohttp.ClientSession) -> None:
    made = await (await admin.post("/v1/auth/tokens", json={"name": "k", "permissions": ["events.read"]})).json()
    for given, expected in (("1d", "2023-11-15T22:13:20.000Z"), (None, None)):
        changed = await admin.patch(f"/v1/auth/tokens/{made['id']}", json={"expires_at": given})
        assert changed.status == 200 and (await changed.json())["expires_at"] == expected
    past = await admin.patch(f"/v1/auth/tokens/{made['id']}", json={"expires_at": "2020-01-01"})
    assert past.status == 422 and (await past.json())["path"] == "expires_at"
