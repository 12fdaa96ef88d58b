"""Browsers of other origins: shut out, but for those that are named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import aiohttp
import pytest
from pydantic import ValidationError

from core.context import Context
from core.http.server import Server
from tests.contexts import settings

Keys = Callable[..., Awaitable[dict[str, str]]]
OURS, THEIRS = "https://tools.example.com", "https://evil.example.com"
ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
async def open_door(ctx: Context) -> AsyncIterator[aiohttp.ClientSession]:
    """A server that one origin may call."""
    given = settings(CCB_DATA_DIR=ctx.settings.data_dir, CCB_PORT=0, CCB_CORS_ORIGINS=f"{OURS}, http://localhost:3000")
    running = Server(replace(ctx, settings=given))
    await running.start()
    async with aiohttp.ClientSession(running.address) as session:
        yield session
    await running.stop()


def named(response: aiohttp.ClientResponse) -> list[str]:
    return [name for name in response.headers if name.lower().startswith("access-control")]


async def test_nothing_is_said_where_no_origin_is_named(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    key = await issued("integrations.read")
    for response in (
        await anonymous.options("/v1/integrations", headers={"Origin": OURS, **ASKING}),
        await anonymous.get("/v1/integrations", headers={"Origin": OURS, **key}),
        await anonymous.get("/v1/nothing", headers={"Origin": OURS}),
    ):
        assert named(response) == [] and "Origin" not in response.headers.get("Vary", "")
    assert (await anonymous.options("/v1/integrations", headers={"Origin": OURS, **ASKING})).status == 405


async def test_a_named_origin_may_ask_and_read(open_door: aiohttp.ClientSession, issued: Keys) -> None:
    asked = await open_door.options("/v1/integrations", headers={"Origin": OURS, **ASKING})
    assert asked.status == 204 and await asked.read() == b""
    assert asked.headers["Access-Control-Allow-Origin"] == OURS
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert "Idempotency-Key" in asked.headers["Access-Control-Allow-Headers"]
    assert "Origin" in asked.headers["Vary"]
    key = await issued("integrations.read")
    answer = await open_door.get("/v1/integrations", headers={"Origin": OURS, **key})
    assert answer.status == 200 and answer.headers["Access-Control-Allow-Origin"] == OURS
    assert answer.headers["Vary"] == "Authorization, Accept-Language, Origin"
    exposed = answer.headers["Access-Control-Expose-Headers"]
    for name in ("X-Total-Count", "Link", "ETag", "RateLimit", "Retry-After", "X-Request-Id", "Idempotency-Replayed"):
        assert name in exposed
    for path, status in (("/v1/integrations", 401), ("/v1/nothing", 404)):
        refused = await open_door.get(path, headers={"Origin": OURS})
        assert refused.status == status and refused.headers["Access-Control-Allow-Origin"] == OURS, (
            "errors are read too"
        )


async def test_others_may_not_and_cookies_never(open_door: aiohttp.ClientSession, issued: Keys) -> None:
    key = await issued("integrations.read")
    for origin in (THEIRS, "null", f"{OURS}:8443", OURS.replace("https", "http")):
        assert (await open_door.options("/v1/integrations", headers={"Origin": origin, **ASKING})).status == 405
        answer = await open_door.get("/v1/integrations", headers={"Origin": origin, **key})
        assert named(answer) == [] and answer.headers["Vary"].endswith("Origin")
    answer = await open_door.get("/v1/user", headers={"Origin": OURS, **key})
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert (await open_door.options("/v1/nothing", headers={"Origin": OURS, **ASKING})).status == 404
    assert (await open_door.options("/v1/user", headers={"Origin": OURS})).status == 405, "no preflight"


@pytest.mark.parametrize("origin", ["*", "null", "https://a.example.com/", "a.example.com", "https://A.example.com"])
def test_only_an_exact_origin_is_taken(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        settings(CCB_CORS_ORIGINS=origin)
