"""Bodies and queries that are wrong, or odd and taken, over a real connection."""

from __future__ import annotations

import gzip
import io
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.http.parsing import MAX_JSON
from tests.core.http.middleware.conftest import error_of
from tests.core.http.middleware.routes import Keys


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        (b"{", "application/json", 400, "not JSON"),
        (b'{"name": NaN}', "application/json", 400, "not JSON"),
        (b'{"name": "\xff"}', "application/json", 400, "not JSON"),
        (b"[" * 100_000, "application/json", 400, "not JSON"),
        (b"", "application/json", 400, "there is none"),
        (b'{"name": "a"}', "application/x-www-form-urlencoded", 415, "application/json"),
        (b'{"name": "a"}', "text/plain", 415, "application/json"),
        (b'{"name": "a"}', "application/json; charset=latin-1", 415, "UTF-8"),
        (b"[]", "application/json", 422, "object"),
        (b'{"name": "a", "count": "1"}', "application/json", 422, "count"),
        (b'{"name": "a"}' + b" " * MAX_JSON, "application/json", 413, str(MAX_JSON)),
    ],
)
async def test_a_body_that_is_wrong(
    anonymous: aiohttp.ClientSession, issued: Keys, body: bytes, content_type: str, status: int, said: str
) -> None:
    headers = {"Content-Type": content_type, **await issued("integrations.write")}
    found = await error_of(await anonymous.post("/v1/wishes", data=io.BytesIO(body), headers=headers), status)
    assert said in found["message"]


async def test_a_body_without_a_length_is_limited_too(anonymous: aiohttp.ClientSession) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"a": "'
        for _ in range(40):
            yield b"x" * 65536

    headers = {"Content-Type": "application/json"}
    await error_of(await anonymous.patch("/v1/free", data=endless(), headers=headers), 413)


async def test_every_wrong_field_is_named(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    body = {"count": -1, "nested": {"a": "x"}, "colour": "red", "password": "hunter2"}
    response = await anonymous.post("/v1/wishes", json=body, headers=await issued("integrations.write"))
    found = await error_of(response, 422)
    assert {field["path"] for field in found["fields"]} == {"name", "count", "nested.a", "colour", "password"}
    assert found["path"] == found["fields"][0]["path"]
    assert "hunter2" not in str(found)
    colour = next(field for field in found["fields"] if field["path"] == "colour")
    assert "name, count, nested" in colour["message"]


async def test_a_compressed_body_is_refused_on_typed_routes_and_left_alone_on_raw_ones(
    anonymous: aiohttp.ClientSession,
) -> None:
    packed = gzip.compress(b'{"a": 1}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    await error_of(await anonymous.patch("/v1/free", data=packed, headers=headers), 415)
    response = await anonymous.post("/v1/raw/echo", data=packed, headers=headers)
    assert await response.read() == packed


async def test_a_body_may_be_left_out_where_nothing_in_it_is_required(
    anonymous: aiohttp.ClientSession, issued: Keys
) -> None:
    headers = await issued("events.read", "logs.read")
    expected = {"body": {"note": "none"}, "by": "test", "granted": ["events.read", "logs.read"]}
    assert await (await anonymous.post("/v1/easy", headers=headers)).json() == expected
    assert await (await anonymous.post("/v1/easy", headers=headers, json={})).json() == expected
    assert (await anonymous.post("/v1/easy", headers=headers, data=b"null")).status == 415


async def test_any_object_may_be_a_body(anonymous: aiohttp.ClientSession) -> None:
    assert await (await anonymous.patch("/v1/free", json={"a": [None]})).json() == {"a": [None]}
    await error_of(await anonymous.patch("/v1/free", json=[1]), 422)


async def test_a_number_of_any_width_can_be_answered_again(anonymous: aiohttp.ClientSession) -> None:
    for body in (b'{"a": 123456789012345678901234567890}', b'{"a": [-9223372036854775809]}'):
        response = await anonymous.patch("/v1/free", data=body, headers={"Content-Type": "application/json"})
        assert response.status == 200, await response.text()
    deep = b'{"a": 12345678901234567890123, "b": ' + b"[" * 300 + b"]" * 300 + b"}"
    await error_of(await anonymous.patch("/v1/free", data=deep, headers={"Content-Type": "application/json"}), 400)


@pytest.mark.parametrize(
    ("query", "path"),
    [("colour=red", "colour"), ("limit=0", "limit"), ("limit=a", "limit"), ("limit=1&limit=2", "limit")],
)
async def test_a_wrong_query_is_refused_by_name(anonymous: aiohttp.ClientSession, query: str, path: str) -> None:
    assert (await error_of(await anonymous.get(f"/v1/which?{query}"), 422))["path"] == path


async def test_a_query_is_parsed(anonymous: aiohttp.ClientSession) -> None:
    response = await anonymous.get("/v1/which?limit=5&tag=a&tag=b&from=1h")
    assert await response.json() == {"limit": 5, "tag": ["a", "b"], "from": "1h"}
    assert (await error_of(await anonymous.get("/v1/cached?limit=5"), 422))["path"] == "limit"


async def test_a_raw_body_may_have_25_mb_and_no_more(anonymous: aiohttp.ClientSession) -> None:
    limit = 25 * 1024 * 1024
    response = await anonymous.post("/v1/raw/echo", data=io.BytesIO(b"x" * limit))
    assert response.status == 200 and response.headers["X-Size"] == str(limit)
    response = await anonymous.post("/v1/raw/echo", data=io.BytesIO(b"x" * (limit + 1)))
    assert (await error_of(response, 413))["limit"] == limit
