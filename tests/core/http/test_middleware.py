"""Every kind of request that goes wrong, over a real connection."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from yarl import URL

from core import errors
from core.auth import ANONYMOUS
from core.context import Context
from core.http import errors as answers
from core.http import server as serving
from core.http.parsing import MAX_JSON
from core.http.routes import ANY_KEY, Request, Routes
from core.http.server import Server
from core.texts import T

Keys = Callable[..., Awaitable[dict[str, str]]]


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    count: int = Field(1, ge=0)
    nested: dict[str, int] = Field(default_factory=dict)


class Easy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str = "none"


class Which(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(10, ge=1)
    tag: list[str] = Field(default_factory=list)
    from_: str | None = Field(None, alias="from")


RAISED: dict[str, Exception] = {
    "malformed": errors.Malformed(T("m")),
    "unauthenticated": errors.Unauthenticated(T("m"), error="Invalid webhook signature"),
    "denied": errors.Denied(T("m")),
    "missing": errors.NotFound(T("m")),
    "conflict": errors.Conflict(T("m"), missing=["a"]),
    "large": errors.TooLarge(T("m")),
    "unsupported": errors.Unsupported(T("m")),
    "invalid": errors.Invalid(T("m"), path="a.b"),
    "upstream": errors.Upstream(T("m")),
    "upstream-later": errors.Upstream(T("m"), retry_after=2.2),
    "unavailable": errors.Unavailable(T("m"), retry_after=0),
    "unconfigured": errors.NotConfigured(T("m"), service="slack", settings=("SLACK_BOT_TOKEN",)),
    "bug": RuntimeError("password=hunter2"),
    "aiohttp": web.HTTPGone(),
}

mine = Routes()
plain: dict[str, Any] = {"summary": T("s"), "tag": "test"}


@mine.route("GET", "/v1/raise/{kind}", permission=None, open=True, **plain)
async def raising(ctx: Context, request: Request) -> None:
    assert request.actor == ANONYMOUS
    raise RAISED[request.path["kind"]]


@mine.route("POST", "/v1/raw/{kind}", permission=None, open=True, raw=True, **plain)
async def raw(ctx: Context, request: web.Request) -> web.Response:
    if request.match_info["kind"] == "echo":
        body = await request.read()
        return web.Response(body=body[:100], headers={"X-Size": str(len(body))})
    raise RAISED[request.match_info["kind"]]


@mine.route("POST", "/v1/wishes", permission="integrations.write", request=Wish, response=Wish, status=201, **plain)
async def wish(ctx: Context, request: Request) -> Wish:
    return request.body_as(Wish)


@mine.route("POST", "/v1/easy", permission=ANY_KEY, request=Easy, response=Easy, **plain)
async def easy(ctx: Context, request: Request) -> dict[str, Any]:
    return {"body": request.body, "by": request.actor.name, "granted": request.actor.permissions}


@mine.route("PATCH", "/v1/free", permission=None, open=True, request=dict[str, Any], **plain)
async def free(ctx: Context, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = request.body_as(dict)
    return body


@mine.route("GET", "/v1/which", permission=None, open=True, query=Which, **plain)
async def which(ctx: Context, request: Request) -> Which:
    return request.query_as(Which)


@mine.route("GET", "/v1/cached", permission=None, open=True, **plain)
async def cached(ctx: Context, request: Request) -> web.Response:
    return web.json_response([], headers={"Cache-Control": "private, no-cache"})


@mine.route("GET", "/v1/away", permission=None, open=True, **plain)
async def away(ctx: Context, request: Request) -> web.Response:
    raise web.HTTPFound("/v1/cached")


ENTERED, LEAVE = asyncio.Event(), asyncio.Event()


@mine.route("GET", "/v1/slow", permission=None, open=True, **plain)
async def slow(ctx: Context, request: Request) -> dict[str, str]:
    ENTERED.set()
    await LEAVE.wait()
    return {"done": "yes"}


@mine.route("GET", "/v1/one/{name}", permission=None, open=True, **plain)
async def one(ctx: Context, request: Request) -> dict[str, str]:
    return dict(request.path)


@pytest.fixture
async def server(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The server with the routes above."""
    monkeypatch.setattr(serving, "load", lambda: mine)
    running = Server(ctx)
    await running.start()
    yield running
    await running.stop()


async def error_of(response: aiohttp.ClientResponse, status: int) -> dict[str, Any]:
    """Return the error after checking the form that every one has."""
    assert response.status == status, await response.text()
    assert response.content_type == "application/json"
    found: dict[str, Any] = await response.json()
    assert list(found)[:2] == ["error", "message"]
    assert found["request_id"] == response.headers["X-Request-Id"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Server"] == "ccb"
    assert "Traceback" not in str(found)
    return found


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("malformed", 400), ("unauthenticated", 401), ("denied", 403), ("missing", 404), ("conflict", 409),
        ("large", 413), ("unsupported", 415), ("invalid", 422), ("upstream", 502), ("upstream-later", 502),
        ("unavailable", 503), ("unconfigured", 503), ("bug", 500), ("aiohttp", 410),
    ],
)  # fmt: skip
async def test_each_error_has_its_status_on_both_kinds_of_route(
    anonymous: aiohttp.ClientSession, kind: str, status: int
) -> None:
    typed = await error_of(await anonymous.get(f"/v1/raise/{kind}"), status)
    bare = await error_of(await anonymous.post(f"/v1/raw/{kind}"), status)
    assert {**typed, "request_id": "", "message": ""} == {**bare, "request_id": "", "message": ""}


async def test_errors_carry_their_details_and_headers(anonymous: aiohttp.ClientSession) -> None:
    async def ask(kind: str, status: int) -> tuple[dict[str, Any], Any]:
        response = await anonymous.get(f"/v1/raise/{kind}")
        return await error_of(response, status), response.headers

    assert (await ask("conflict", 409))[0]["missing"] == ["a"]
    assert (await ask("invalid", 422))[0]["path"] == "a.b"
    found, headers = await ask("unauthenticated", 401)
    assert found["error"] == "Invalid webhook signature"
    assert headers["WWW-Authenticate"].startswith("Bearer")
    found, headers = await ask("unconfigured", 503)
    assert found["settings"] == ["SLACK_BOT_TOKEN"] and headers["Retry-After"] == "60"
    assert (await ask("upstream-later", 502))[1]["Retry-After"] == "3"
    assert (await ask("unavailable", 503))[1]["Retry-After"] == "1"
    assert "Retry-After" not in (await ask("upstream", 502))[1]


async def test_what_nobody_foresaw_is_logged_in_full_and_shown_as_an_id(anonymous: aiohttp.ClientSession) -> None:
    with structlog.testing.capture_logs() as lines:
        found = await error_of(await anonymous.get("/v1/raise/bug"), 500)
    assert found["error"] == "Internal error"
    assert found["request_id"] in found["message"] and "hunter2" not in str(found)
    (line,) = [line for line in lines if line["event"] == "request failed"]
    assert line["request_id"] == found["request_id"]
    assert isinstance(line["exc_info"], RuntimeError)


def test_a_fault_at_a_delivery_is_said_in_the_guides_words() -> None:
    bug = RuntimeError("hunter2")
    answer = answers.answer(bug, request_id="req_1", language="en", path="/webhooks/int_1")
    assert isinstance(answer.body, bytes)
    found = json.loads(answer.body)
    assert (answer.status, found["error"]) == (500, "Processing failed")
    assert found["message"].startswith("Failed to process webhook payload") and "req_1" in found["message"]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("trace-1.a_B", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("<script>", False), ("", False)],
)
async def test_a_safe_request_id_is_taken_over(anonymous: aiohttp.ClientSession, given: str, kept: bool) -> None:
    response = await anonymous.get("/v1/cached", headers={"X-Request-Id": given})
    shown = response.headers["X-Request-Id"]
    assert (shown == given) is kept
    assert kept or shown.startswith("req_")


async def test_nothing_there_and_the_wrong_method(anonymous: aiohttp.ClientSession, server: Server) -> None:
    found = await error_of(await anonymous.get("/v1/none"), 404)
    assert found["error"] == "Not found" and "/v1/none" in found["message"]
    await error_of(await anonymous.get("/v1/cached/"), 404)
    await error_of(await anonymous.get(URL(f"{server.address}/v1/a%0Ab", encoded=True)), 404)
    response = await anonymous.delete("/v1/cached")
    assert (await error_of(response, 405))["allowed"] == ["GET", "HEAD"]
    assert response.headers["Allow"] == "GET, HEAD"
    for method in ("OPTIONS", "TRACE", "PROPFIND"):
        response = await anonymous.request(method, "/v1/wishes")
        await error_of(response, 405)
        assert response.headers["Allow"] == "POST"
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


async def test_head_is_taken_where_get_is(anonymous: aiohttp.ClientSession) -> None:
    response = await anonymous.head("/v1/cached")
    assert response.status == 200 and await response.read() == b""
    assert (await anonymous.head("/v1/none")).status == 404
    assert (await anonymous.head("/v1/wishes")).status == 405


async def test_a_path_part_may_hold_a_slash(anonymous: aiohttp.ClientSession, server: Server) -> None:
    response = await anonymous.get(URL(f"{server.address}/v1/one/acme%2Fsite%2342", encoded=True))
    assert await response.json() == {"name": "acme/site#42"}


async def test_what_is_not_http_gets_our_form_too(server: Server) -> None:
    host, _, port = server.address.removeprefix("http://").partition(":")
    for sent in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 400 " in head.splitlines()[0] and b"application/json" in head
        assert json.loads(body)["error"] == "Malformed request"


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


async def test_a_handlers_own_headers_and_redirects_stand(anonymous: aiohttp.ClientSession) -> None:
    assert (await anonymous.get("/v1/cached")).headers["Cache-Control"] == "private, no-cache"
    response = await anonymous.get("/v1/away", allow_redirects=False)
    assert response.status == 302 and response.headers["Location"] == "/v1/cached"


async def test_a_raw_body_may_have_25_mb_and_no_more(anonymous: aiohttp.ClientSession) -> None:
    limit = 25 * 1024 * 1024
    response = await anonymous.post("/v1/raw/echo", data=io.BytesIO(b"x" * limit))
    assert response.status == 200 and response.headers["X-Size"] == str(limit)
    response = await anonymous.post("/v1/raw/echo", data=io.BytesIO(b"x" * (limit + 1)))
    assert (await error_of(response, 413))["limit"] == limit


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
