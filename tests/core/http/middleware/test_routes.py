"""Which route a request comes to, who may, and how it ends, over a real connection."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from yarl import URL

from core.context import Context
from core.http.routes import Routes
from core.http.server import Server
from tests.core.http.middleware.conftest import error_of
from tests.core.http.middleware.routes import ENTERED, LEAVE, Keys, plain, wish


async def test_head_is_taken_where_get_is(anonymous: aiohttp.ClientSession) -> None:
    response = await anonymous.head("/v1/cached")
    assert response.status == 200 and await response.read() == b""
    assert (await anonymous.head("/v1/none")).status == 404
    assert (await anonymous.head("/v1/wishes")).status == 405


async def test_a_path_part_may_hold_a_slash(anonymous: aiohttp.ClientSession, server: Server) -> None:
    response = await anonymous.get(URL(f"{server.address}/v1/one/acme%2Fsite%2342", encoded=True))
    assert await response.json() == {"name": "acme/site#42"}


async def test_a_key_is_needed_and_its_permission(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    async def send(headers: dict[str, str]) -> aiohttp.ClientResponse:
        return await anonymous.post("/v1/wishes", json={"name": "a"}, headers=headers)

    response = await send({})
    assert (await error_of(response, 401))["error"] == "Invalid API Key"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Bearer" in (await error_of(await send({"Authorization": "ccb_1234567890abcdef"}), 400))["message"]
    found = await error_of(await send(await issued("integrations.read")), 403)
    assert found["required"] == ["integrations.write"] and found["granted"] == ["integrations.read"]
    for permission in ("integrations.write", "admin"):
        response = await send(await issued(permission))
        assert response.status == 201 and (await response.json())["name"] == "a"
        assert response.headers["Cache-Control"] == "no-store"


async def test_who_may_not_ask_learns_nothing_of_what_is_wrong_with_the_body(
    anonymous: aiohttp.ClientSession, issued: Keys
) -> None:
    await error_of(await anonymous.post("/v1/wishes?x=1", data=b"{"), 401)
    await error_of(await anonymous.post("/v1/wishes?x=1", data=b"{", headers=await issued("logs.read")), 403)


async def test_a_handlers_own_headers_and_redirects_stand(anonymous: aiohttp.ClientSession) -> None:
    assert (await anonymous.get("/v1/cached")).headers["Cache-Control"] == "private, no-cache"
    response = await anonymous.get("/v1/away", allow_redirects=False)
    assert response.status == 302 and response.headers["Location"] == "/v1/cached"


async def test_a_request_in_hand_is_finished_at_a_stop(ctx: Context, server: Server) -> None:
    async with aiohttp.ClientSession(server.address) as session:
        asking = asyncio.create_task(session.get("/v1/slow"))
        await ENTERED.wait()
        stopping = asyncio.create_task(server.stop())
        with pytest.raises(aiohttp.ClientConnectorError):
            while True:
                await session.get("/v1/cached")
        LEAVE.set()
        response = await asking
        assert await response.json() == {"done": "yes"}
        await stopping


def test_a_route_without_a_permission_must_say_that_it_is_open() -> None:
    routes = Routes()
    with pytest.raises(ValueError, match="open=True"):
        routes.route("GET", "/a", permission=None, **plain)
    with pytest.raises(ValueError, match="open=True"):
        routes.route("GET", "/a", permission="admin", open=True, **plain)
    routes.route("GET", "/a", permission="admin", **plain)(wish)
    with pytest.raises(ValueError, match="twice"):
        routes.route("GET", "/a", permission="admin", **plain)(wish)
