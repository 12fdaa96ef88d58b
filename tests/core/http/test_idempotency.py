"""POSTs that are sent twice, over a real connection; and what is kept of them, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from pydantic import BaseModel

from core import errors
from core.context import Context
from core.http import idempotency
from core.http import server as serving
from core.http.idempotency import KEEP_SECONDS, LEASE_SECONDS
from core.http.routes import Request, Routes
from core.http.server import Server
from core.texts import T
from storage import idempotency as rows
from storage.db import Database
from tests.contexts import MovableClock

Keys = Callable[..., Awaitable[dict[str, str]]]
mine = Routes()
SECRET = "ccb_shown_this_once"


class Wish(BaseModel):
    name: str
    fail: str = ""


class Counter:
    """How often the handler ran, and when it may end."""

    def __init__(self) -> None:
        self.runs = 0
        self.entered = asyncio.Event()
        self.leave = asyncio.Event()


FAILURES: dict[str, Exception] = {
    "conflict": errors.Conflict(T("m")),
    "invalid": errors.Invalid(T("m"), path="name"),
    "away": errors.Unavailable(T("m")),
    "bug": RuntimeError("m"),
}
COUNTER: web.AppKey[Counter] = web.AppKey("counter", Counter)
post: dict[str, Any] = {"permission": "integrations.write", "tag": "t", "summary": T("s"), "request": Wish}


@mine.route("POST", "/v1/wishes", status=201, response=Wish, **post)
async def wishes(ctx: Context, request: Request) -> dict[str, Any]:
    counter, wish = request.raw.app[COUNTER], request.body_as(Wish)
    counter.runs += 1
    counter.entered.set()
    if wish.name == "slow":
        await counter.leave.wait()
    if wish.fail:
        raise FAILURES[wish.fail]
    return {"name": wish.name, "run": counter.runs, "secret": SECRET}


@mine.route("GET", "/v1/wishes", permission="integrations.write", tag="t", summary=T("s"))
async def count(ctx: Context, request: Request) -> dict[str, int]:
    request.raw.app[COUNTER].runs += 1
    return {"runs": request.raw.app[COUNTER].runs}


@pytest.fixture
async def server(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The server with the routes above."""
    monkeypatch.setattr(serving, "load", lambda: mine)
    running = Server(ctx)
    running._app[COUNTER] = Counter()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def counter(server: Server) -> Counter:
    """How often the handler ran."""
    return server._app[COUNTER]


async def send(
    session: aiohttp.ClientSession, headers: dict[str, str], key: str | None, body: Any, path: str = "/v1/wishes"
) -> tuple[int, Any, Any]:
    given = {**headers, **({} if key is None else {"Idempotency-Key": key})}
    async with session.post(path, json=body, headers=given) as response:
        return response.status, await response.json(), response.headers


async def test_the_same_request_is_answered_the_same_and_done_once(
    anonymous: aiohttp.ClientSession, issued: Keys, counter: Counter, clock: MovableClock
) -> None:
    key = await issued("integrations.write")
    status, first, headers = await send(anonymous, key, "abc", {"name": "a"})
    assert status == 201 and "Idempotency-Replayed" not in headers
    for shown in ("abc", '"abc"'):
        status, again, headers = await send(anonymous, key, shown, {"name": "a"})
        assert (status, again) == (201, first) and headers["Idempotency-Replayed"] == "true"
        assert headers["Content-Type"] == "application/json; charset=utf-8" and headers["Cache-Control"] == "no-store"
    assert counter.runs == 1
    assert (await send(anonymous, key, None, {"name": "a"}))[1]["run"] == 2
    assert (await send(anonymous, await issued("integrations.write"), "abc", {"name": "a"}))[1]["run"] == 3, "not ours"
    clock.move(KEEP_SECONDS - 1)
    assert (await send(anonymous, key, "abc", {"name": "a"}))[1] == first
    clock.move(1)
    assert (await send(anonymous, key, "abc", {"name": "a"}))[1]["run"] == 4


async def test_the_key_of_another_request_is_refused_by_name(
    anonymous: aiohttp.ClientSession, issued: Keys, counter: Counter
) -> None:
    key = await issued("integrations.write")
    await send(anonymous, key, "abc", {"name": "a"})
    for body, path in (({"name": "b"}, "/v1/wishes"), ({"name": "a", "fail": ""}, "/v1/wishes")):
        status, found, _ = await send(anonymous, key, "abc", body, path)
        assert status == 422 and found["path"] == "Idempotency-Key" and "abc" in found["message"]
        assert found["error"] == "Idempotency key reused"
    assert counter.runs == 1


async def test_while_the_first_is_worked_on_its_twin_is_told_to_wait(
    anonymous: aiohttp.ClientSession, issued: Keys, counter: Counter
) -> None:
    key = await issued("integrations.write")
    first = asyncio.create_task(send(anonymous, key, "abc", {"name": "slow"}))
    await counter.entered.wait()
    status, found, headers = await send(anonymous, key, "abc", {"name": "slow"})
    assert status == 409 and found["error"] == "Request in progress" and int(headers["Retry-After"]) >= 1
    counter.leave.set()
    assert (await first)[0] == 201
    assert (await send(anonymous, key, "abc", {"name": "slow"}))[2]["Idempotency-Replayed"] == "true"
    assert counter.runs == 1


@pytest.mark.parametrize(("fail", "status"), [("conflict", 409), ("invalid", 422), ("away", 503), ("bug", 500)])
async def test_what_did_nothing_may_be_tried_again(
    anonymous: aiohttp.ClientSession, issued: Keys, counter: Counter, fail: str, status: int
) -> None:
    key = await issued("integrations.write")
    for runs in (1, 2):
        assert (await send(anonymous, key, "abc", {"name": "a", "fail": fail}))[0] == status
        assert counter.runs == runs
    assert (await send(anonymous, key, "abc", {"name": "a"}))[0] == 201, "also mended"


async def test_a_body_that_is_wrong_takes_no_key(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    key = await issued("integrations.write")
    assert (await send(anonymous, key, "abc", {"nam": "a"}))[0] == 422
    assert (await send(anonymous, key, "abc", {"name": "a"}))[0] == 201


async def test_a_crash_blocks_the_key_for_its_lease_alone(
    ctx: Context, anonymous: aiohttp.ClientSession, issued: Keys, counter: Counter, clock: MovableClock
) -> None:
    key = await issued("integrations.write")
    first = asyncio.create_task(send(anonymous, key, "abc", {"name": "slow"}))  # as if it never came to its end
    await counter.entered.wait()
    clock.move(LEASE_SECONDS - 1)
    assert (await send(anonymous, key, "abc", {"name": "slow"}))[0] == 409
    clock.move(1)
    second = asyncio.create_task(send(anonymous, key, "abc", {"name": "slow"}))
    while counter.runs < 2:
        await asyncio.sleep(0)
    counter.leave.set()
    assert sorted([(await first)[1]["run"], (await second)[1]["run"]]) == [2, 2]
    assert (await send(anonymous, key, "abc", {"name": "slow"}))[2]["Idempotency-Replayed"] == "true"


async def test_a_long_request_holds_its_key(
    anonymous: aiohttp.ClientSession,
    issued: Keys,
    counter: Counter,
    clock: MovableClock,
    ctx: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idempotency, "LEASE_SECONDS", 0.06)
    key = await issued("integrations.write")
    first = asyncio.create_task(send(anonymous, key, "abc", {"name": "slow"}))
    await counter.entered.wait()
    for _ in range(3):
        clock.move(0.05)
        async with asyncio.timeout(10):
            while not await ctx.db.read(_held_until, clock.now() + 0.05):
                await asyncio.sleep(0.005)
    assert (await send(anonymous, key, "abc", {"name": "slow"}))[0] == 409
    counter.leave.set()
    assert (await first)[0] == 201 and counter.runs == 1


def _held_until(connection: sa.Connection, at: float) -> bool:
    return any(one >= at for one in connection.execute(sa.select(rows.KEYS.c.expires_at)).scalars())


async def test_nothing_that_is_kept_can_be_read(ctx: Context, anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    key = await issued("integrations.write")
    assert (await send(anonymous, key, "abc", {"name": "a"}))[1]["secret"] == SECRET
    stored = await ctx.db.read(lambda c: [tuple(row) for row in c.execute(rows.KEYS.select())])
    assert len(stored) == 1 and SECRET not in str(stored)
    assert (await send(anonymous, key, "abc", {"name": "a"}))[1]["secret"] == SECRET


@pytest.mark.parametrize("given", ["", '""', "x" * 256, '"open', "a\tb", "ключ", '"a\\b"'])
async def test_a_key_of_another_form_is_refused(anonymous: aiohttp.ClientSession, issued: Keys, given: str) -> None:
    status, found, _ = await send(anonymous, await issued("integrations.write"), given, {"name": "a"})
    assert status == 400 and found["header"] == "Idempotency-Key"


@pytest.mark.parametrize("given", ["x" * 255, '"a b"', '"say \\"a\\""', "8e03978e-40d5-43dd-bc93-6894a57f9324", "a b"])
async def test_keys_of_the_right_form(anonymous: aiohttp.ClientSession, issued: Keys, given: str) -> None:
    assert (await send(anonymous, await issued("integrations.write"), given, {"name": "a"}))[0] == 201


async def test_a_get_takes_no_notice(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    headers = {**await issued("integrations.write"), "Idempotency-Key": "abc"}
    for runs in (1, 2):
        async with anonymous.get("/v1/wishes", headers=headers) as response:
            assert await response.json() == {"runs": runs}


def kept(key: str = "k", *, fingerprint: str = "f", at: float = 0.0) -> rows.Kept:
    return rows.Kept(scope="s", key=key, fingerprint=fingerprint, created_at=at, expires_at=at + 60)


async def test_a_claim_is_held_kept_and_taken_over(db: Database) -> None:
    first, second = kept(), kept(fingerprint="g", at=59.0)
    assert await db.write(rows.claim, first) is None
    found = await db.write(rows.claim, second)
    assert found is not None and found.fingerprint == "f" and found.status is None
    late = kept(fingerprint="h", at=60.0)
    assert await db.write(rows.claim, late) is None
    assert not await db.write(rows.keep, first, status=200, response="r", expires_at=1e9), "its lease has gone"
    await db.write(rows.release, first)
    assert await db.write(rows.keep, late, status=200, response="r", expires_at=100.0)
    await db.write(rows.release, late)
    found = await db.write(rows.claim, kept(fingerprint="i", at=99.0))
    assert found is not None and (found.status, found.response) == (200, "r"), "an answer is not released"
    assert await db.write(rows.claim, kept(fingerprint="j", at=100.0)) is None
    found = await db.write(rows.claim, kept(at=101.0))
    assert found is not None and found.status is None and found.response is None


async def test_of_twins_in_one_transaction_one_wins(db: Database) -> None:
    results = await asyncio.gather(*(db.write(rows.claim, kept(fingerprint=str(n))) for n in range(20)))
    assert sum(result is None for result in results) == 1


async def test_what_has_expired_is_deleted_in_portions(db: Database) -> None:
    for number in range(5):
        await db.write(rows.claim, kept(str(number), at=float(number)))
    assert await db.write(rows.forget, 62.0, 2) == 2
    assert await db.write(rows.forget, 62.0, 2) == 1
    assert await db.write(rows.forget, 62.0, 2) == 0
    assert await db.read(lambda c: len(c.execute(rows.KEYS.select()).all())) == 2
