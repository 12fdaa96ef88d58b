"""Every error is answered in one form, over a real connection."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
import structlog
from yarl import URL

from core.http import errors as answers
from core.http.server import Server
from tests.core.http.middleware.conftest import error_of


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
