"""Limits by key and, for who shows no good one, by address: over a real connection, and the buckets alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import auth
from core.context import Context
from core.errors import TooMany
from core.http.rate_limit import Buckets, Limits
from core.http.server import Server
from tests.contexts import MovableClock, settings

Keys = Callable[..., Awaitable[dict[str, str]]]


@pytest.fixture
async def server(ctx: Context) -> AsyncIterator[Server]:
    """A server that takes 30 requests a minute of each key."""
    given = settings(CCB_DATA_DIR=ctx.settings.data_dir, CCB_PORT=0, CCB_RATE_LIMIT=30)
    running = Server(replace(ctx, settings=given))
    await running.start()
    yield running
    await running.stop()


async def ask(session: aiohttp.ClientSession, headers: dict[str, str]) -> tuple[int, Any]:
    async with session.get("/v1/user", headers=headers) as response:
        return response.status, response.headers


async def test_a_key_that_asks_too_much_waits(
    anonymous: aiohttp.ClientSession, issued: Keys, clock: MovableClock
) -> None:
    key, other = await issued("events.read"), await issued("events.read")
    for left in reversed(range(30)):
        status, headers = await ask(anonymous, key)
        assert status == 200 and headers["RateLimit-Policy"] == '"key";q=30;w=60'
        assert headers["RateLimit"] == f'"key";r={left};t={(30 - left) * 2}'
    async with anonymous.get("/v1/user", headers=key) as response:
        found = await response.json()
        assert response.status == 429 and found["error"] == "Too many requests" and found["limit"] == 30
        assert response.headers["Retry-After"] == "2" and "r=0;t=60" in response.headers["RateLimit"]
    assert (await ask(anonymous, other))[0] == 200, "each key has its own"
    clock.move(2)
    assert (await ask(anonymous, key))[0] == 200
    assert (await ask(anonymous, key))[0] == 429
    clock.move(600)
    assert (await ask(anonymous, key))[1]["RateLimit"].startswith('"key";r=29')


async def test_refusals_count_and_show_the_limit_too(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    key = await issued("logs.read")
    for path, status in (("/v1/events", 403), ("/v1/user?x=1", 422)):
        async with anonymous.get(path, headers=key) as response:
            assert response.status == status and "RateLimit" in response.headers
    assert "r=27" in (await ask(anonymous, key))[1]["RateLimit"]


async def test_what_needs_no_key_has_no_limit(anonymous: aiohttp.ClientSession, server: Server) -> None:
    for path in ("/health/live", "/v1/openapi.json", "/webhooks/nothing"):
        for _ in range(40):
            async with anonymous.get(path) as response:
                assert response.status != 429 and "RateLimit" not in response.headers
    assert server.socket_path is not None
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(server.socket_path))) as local:
        for _ in range(40):
            async with local.get("http://ccb/v1/user") as response:
                assert response.status == 200 and "RateLimit" not in response.headers


async def test_guessing_is_slow_and_shuts_out_nobody_who_was_here_before(
    anonymous: aiohttp.ClientSession, issued: Keys, clock: MovableClock
) -> None:
    good, new = await issued("events.read"), await issued("events.read")
    assert (await ask(anonymous, good))[0] == 200
    for number in range(3):  # a tenth of 30
        assert (await ask(anonymous, {"Authorization": f"Bearer ccb_{number}"}))[0] == 401
    for headers in ({"Authorization": "Bearer ccb_guess"}, {}, {"Authorization": "Basic x"}, new):
        status, said = await ask(anonymous, headers)
        assert status == 429 and int(said["Retry-After"]) == 20, headers
    async with anonymous.get("/health?fresh=true", headers={"Authorization": "Bearer ccb_guess"}) as response:
        assert response.status == 429, "no other door to guess at"
    assert (await ask(anonymous, good))[0] == 200
    clock.move(20)
    assert (await ask(anonymous, new))[0] == 200
    assert (await ask(anonymous, {}))[0] == 401
    assert (await ask(anonymous, {}))[0] == 429


async def test_a_key_that_was_good_and_is_revoked_is_a_wrong_one(
    ctx: Context, anonymous: aiohttp.ClientSession
) -> None:
    key, plain = await auth.issue(ctx, actor=auth.SYSTEM, name="gone", permissions=["events.read"])
    headers = {"Authorization": f"Bearer {plain}"}
    assert (await ask(anonymous, headers))[0] == 200
    await auth.revoke(ctx, key.id, actor=auth.SYSTEM)
    assert [(await ask(anonymous, headers))[0] for _ in range(4)] == [401, 401, 401, 429]


async def test_a_limit_of_zero_is_none(ctx: Context) -> None:
    limits, headers = Limits(0), dict[str, str]()
    for _ in range(1000):
        limits.take("key_1", 0.0, headers)
        limits.wrong("10.0.0.1", "Bearer x", 0.0)
        limits.refuse_guessing("10.0.0.1", "Bearer x", 0.0)
    assert headers == {}


@given(st.integers(1, 100), st.lists(st.floats(0, 30), max_size=200))
def test_never_more_than_the_size_and_what_came_back(size: int, pauses: list[float]) -> None:
    buckets, now, allowed = Buckets(size), 1e9, 0
    for pause in pauses:
        now += pause
        verdict = buckets.take("a", now)
        allowed += verdict.allowed
        assert 0 <= verdict.remaining < size or size == 0
        assert verdict.allowed or verdict.wait > 0
        assert allowed <= size + sum(pauses) * size / 60 + 1e-3


@given(st.integers(1, 1000))
def test_waiting_as_long_as_it_says_is_enough(size: int) -> None:
    buckets = Buckets(size)
    while (verdict := buckets.take("a", 0.0)).allowed:
        pass
    assert buckets.take("a", verdict.wait).allowed


def test_a_clock_that_is_put_back_takes_nothing_away() -> None:
    buckets = Buckets(2)
    assert buckets.take("a", 100.0).allowed and buckets.take("a", 50.0).allowed
    assert not buckets.take("a", 50.0).allowed


def test_the_memory_is_bounded() -> None:
    buckets = Buckets(1, most=10)
    for number in range(1000):
        buckets.take(str(number), 0.0)
    assert len(buckets) == 10
    assert buckets.take("999", 0.0).allowed is False and buckets.take("1", 0.0).allowed


def test_an_ipv6_address_counts_as_its_network() -> None:
    limits = Limits(10)
    limits.wrong("2001:db8::1", "Bearer x", 0.0)
    with pytest.raises(TooMany):
        limits.refuse_guessing("2001:db8::ffff:2", "Bearer y", 0.0)
    limits.refuse_guessing("2001:db8:0:1::1", "Bearer y", 0.0)
    limits.wrong("not an address:", None, 0.0)
