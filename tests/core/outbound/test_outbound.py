"""A request and its answer: what is sent, where a redirect leads, how much is read."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer

from core.errors import Upstream
from core.outbound import Outbound
from tests.core.outbound.places import refused


async def test_a_request_arrives_as_it_was_meant(http: Outbound, server: TestServer) -> None:
    answer = await http.request("PUT", str(server.make_url("/echo?q=1")), headers={"X-A": "ä"}, body="тело".encode())
    assert answer.status == 200
    assert not answer.truncated
    assert answer.headers["content-type"].startswith("application/json")
    assert '"method": "PUT"' in answer.text
    assert '"path": "/echo?q=1"' in answer.text
    assert "\\u0442\\u0435\\u043b\\u043e" in answer.text
    assert "claude-code-bot/" in answer.text


async def test_connections_are_kept_and_cookies_are_not(http: Outbound, server: TestServer) -> None:
    url = str(server.make_url("/echo"))
    first, second = [(await http.request("GET", url)).text for _ in range(2)]
    assert first == second  # the client's port among it
    assert "cookie" not in second.lower()


async def test_proxies_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, http: Outbound, server: TestServer
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert (await http.request("GET", str(server.make_url("/echo")))).status == 200


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (301, "PUT", "PUT"),
        (302, "GET", "GET"),
        (307, "POST", "POST"),
        (308, "PATCH", "PATCH"),
    ],
)
async def test_redirects_on_the_same_host_keep_to_rfc_9110(
    http: Outbound, server: TestServer, status: int, method: str, then: str
) -> None:
    url = str(server.make_url(f"/redirect/{status}").with_query(to="/echo?x=1"))
    sent = b"sent" if method != "GET" else None
    answer = await http.request(method, url, headers={"content-type": "text/plain", "X-A": "kept"}, body=sent)
    assert f'"method": "{then}"' in answer.text
    assert '"path": "/echo?x=1"' in answer.text
    assert "kept" in answer.text
    assert ('"body": "sent"' in answer.text) == (then == method and sent is not None)
    if then != method:
        assert "text/plain" not in answer.text


@pytest.mark.parametrize(
    "to",
    [
        "http://other.example/?t=1",
        "//other.example/",
        "https://127.0.0.1/",
        "http://127.0.0.1:1/",
        "http://[x/",
        "http://[]@",
    ],
)
@pytest.mark.parametrize(("status", "permanent"), [(301, True), (302, False)])
async def test_a_redirect_elsewhere_is_not_followed(
    http: Outbound, server: TestServer, to: str, status: int, permanent: bool
) -> None:
    error = await refused(http, str(server.make_url(f"/redirect/{status}").with_query(to=to)))
    assert isinstance(error, Upstream)
    assert "t=1" not in str(error)
    if "[" not in to:
        assert error.permanent is permanent
        assert ("other.example" in str(error)) == ("other.example" in to)


async def test_redirects_end(http: Outbound, server: TestServer) -> None:
    url = server.make_url("/echo")
    for _ in range(5):
        url = server.make_url("/redirect/307").with_query(to=str(url))
    assert (await http.request("GET", str(url))).status == 200
    url = server.make_url("/redirect/307").with_query(to=str(url))
    error = await refused(http, str(url))
    assert "more than 5 times" in str(error)


@pytest.mark.parametrize(
    ("size", "limit", "cut"), [(10, 10, False), (11, 10, True), (0, 10, False), (300_000, 10, True)]
)
async def test_an_answer_is_read_up_to_its_limit(
    http: Outbound, server: TestServer, size: int, limit: int, cut: bool
) -> None:
    answer = await http.request("GET", str(server.make_url(f"/large/{size}")), max_answer=limit)
    assert answer.body == b"x" * min(size, limit)
    assert answer.truncated is cut


async def test_a_compressed_answer_is_limited_by_what_it_unpacks_to(http: Outbound, server: TestServer) -> None:
    answer = await http.request("GET", str(server.make_url("/bomb")), max_answer=1000)
    assert answer.truncated
    assert answer.body == bytes(1000)
