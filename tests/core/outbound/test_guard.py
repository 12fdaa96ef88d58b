"""Which places a request reaches: what an address is judged by, however it is written or found."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvloop
from aiohttp.test_utils import TestServer

from core.errors import Denied, Invalid, Upstream
from core.outbound import Outbound
from tests.core.outbound.places import LOOPBACK, SECRET, Names, application, refused


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "127.1",
        "①②⑦.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "0",
        "[::]",
        "[fe80::1%25lo]",
    ],
)
async def test_a_local_address_is_never_reached_however_it_is_written(host: str, server: TestServer) -> None:
    async with Outbound() as outbound:
        error = await refused(outbound, f"http://{host}:{server.port}/echo?token={SECRET}")
    assert isinstance(error, Denied | Invalid)
    assert SECRET not in str(error)
    if isinstance(error, Denied):
        assert error.error == "Address not allowed"
        assert "CCB_OUTBOUND_ALLOW" in str(error)


def test_the_guard_holds_under_uvloop() -> None:
    async def ask() -> None:
        async with TestServer(application()) as server:
            async with Outbound() as outbound:
                assert isinstance(await refused(outbound, str(server.make_url("/echo"))), Denied)
                assert isinstance(await refused(outbound, f"http://localhost:{server.port}/echo"), Denied)
            async with Outbound(LOOPBACK) as outbound:
                assert (await outbound.request("GET", str(server.make_url("/echo")))).status == 200

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask())


async def test_a_name_is_judged_by_each_address_it_leads_to(server: TestServer) -> None:
    names = Names(
        {
            "inside.example": ["10.0.0.1", "192.168.0.1", "fd00::1"],
            "mixed.example": ["10.0.0.1", "::ffff:169.254.169.254", "127.0.0.1", "fd00::1"],
            "odd.example": ["not-an-address"],
        }
    )
    async with Outbound(["127.0.0.1/32"], resolver=names) as outbound:
        error = await refused(outbound, "http://inside.example/")
        assert isinstance(error, Denied)
        assert error.details["host"] == "inside.example"
        assert error.details["address"] in ("10.0.0.1", "fd00::1")
        assert isinstance(await refused(outbound, "http://odd.example/"), Denied)
        answer = await outbound.request("GET", f"http://mixed.example:{server.port}/echo")
        assert answer.status == 200


async def test_a_failure_at_an_allowed_address_is_not_called_a_refusal() -> None:
    names = Names({"half.example": ["10.0.0.1", "127.0.0.1"]})
    async with Outbound(["127.0.0.1/32"], resolver=names) as outbound:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and not listening
            error = await refused(outbound, f"http://half.example:{taken.getsockname()[1]}/")
    assert isinstance(error, Upstream)


async def test_a_name_that_changes_between_two_requests_is_judged_again(server: TestServer) -> None:
    table = {"rebinding.example": ["127.0.0.1"]}
    async with Outbound(["127.0.0.1/32"], resolver=Names(table)) as outbound:
        url = f"http://rebinding.example:{server.port}/echo"
        assert (await outbound.request("GET", url, headers={"Connection": "close"})).status == 200
        table["rebinding.example"] = ["127.0.0.2"]
        assert outbound._session is not None
        connector = outbound._session.connector
        connector.clear_dns_cache()  # type: ignore[union-attr]  # its time to live is 10 s, which we do not wait for
        assert isinstance(await refused(outbound, url), Denied)


async def test_a_listed_place_is_that_host_at_that_port_alone(server: TestServer) -> None:
    names = Names({"listed.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    async with Outbound([f"listed.example:{server.port}"], resolver=names) as outbound:
        assert (await outbound.request("GET", f"http://Listed.Example:{server.port}/echo")).status == 200
        for url in (
            f"http://other.example:{server.port}/echo",
            f"http://127.0.0.1:{server.port}/echo",
            "http://listed.example:1/echo",
        ):
            assert isinstance(await refused(outbound, url), Denied), url


async def test_requests_side_by_side_do_not_share_what_is_allowed(server: TestServer) -> None:
    async with Outbound([f"localhost:{server.port}"]) as outbound:
        asked = [
            outbound.request("GET", f"http://{host}:{server.port}/echo") for host in ("localhost", "127.0.0.1") * 10
        ]
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Answer", "Denied"] * 10


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "example.com",
        "http:///x",
        "",
        f"http://user:{SECRET}@example.com/",
        "http://user@example.com/",
        "http://example.com:99999/",
        "http://a\\@b/",
        "http://[]@",
        "http://[a:]/",
    ],
)
async def test_what_is_not_an_address_is_refused(http: Outbound, url: str) -> None:
    error = await refused(http, url)
    assert isinstance(error, Invalid)
    assert SECRET not in str(error)
