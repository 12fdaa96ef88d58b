from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvloop
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.errors import CcbError, Denied, Invalid, Upstream
from core.outbound import Outbound

LOOPBACK = ("127.0.0.0/8", "::1/128")
SECRET = "hush-hush"


class Names(AbstractResolver):
    """Answers from a table; every other name does not exist."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self._table = table

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host not in self._table:
            raise OSError(None, "no such name")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._table[host]
        ]

    async def close(self) -> None:
        pass


async def _echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "path": request.path_qs,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": (await request.read()).decode(),
            "peer": request.transport.get_extra_info("peername")[1] if request.transport else None,
        },
        headers={"Set-Cookie": "a=b"},
    )


async def _redirect(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["status"]), headers={"Location": request.query["to"]})


async def _large(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * int(request.match_info["size"]))


async def _bomb(_: web.Request) -> web.Response:
    return web.Response(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})


async def _forever(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def _breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"only this")
    assert request.transport
    request.transport.abort()
    return response


def _application() -> web.Application:
    application = web.Application()
    application.router.add_route("*", "/echo", _echo)
    application.router.add_route("*", "/redirect/{status}", _redirect)
    application.router.add_get("/large/{size}", _large)
    application.router.add_get("/bomb", _bomb)
    application.router.add_get("/forever", _forever)
    application.router.add_get("/breaks-off", _breaks_off)
    return application


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    running = TestServer(_application())
    await running.start_server()
    yield running
    await running.close()


@pytest.fixture
async def http() -> AsyncIterator[Outbound]:
    async with Outbound(LOOPBACK) as outbound:
        yield outbound


async def _refused(outbound: Outbound, url: str) -> CcbError:
    with pytest.raises(CcbError) as raised:
        await outbound.request("GET", url)
    return raised.value


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
        error = await _refused(outbound, f"http://{host}:{server.port}/echo?token={SECRET}")
    assert isinstance(error, Denied | Invalid)
    assert SECRET not in str(error)
    if isinstance(error, Denied):
        assert error.error == "Address not allowed"
        assert "CCB_OUTBOUND_ALLOW" in str(error)


def test_the_guard_holds_under_uvloop() -> None:
    async def ask() -> None:
        async with TestServer(_application()) as server:
            async with Outbound() as outbound:
                assert isinstance(await _refused(outbound, str(server.make_url("/echo"))), Denied)
                assert isinstance(await _refused(outbound, f"http://localhost:{server.port}/echo"), Denied)
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
        error = await _refused(outbound, "http://inside.example/")
        assert isinstance(error, Denied)
        assert error.details["host"] == "inside.example"
        assert error.details["address"] in ("10.0.0.1", "fd00::1")
        assert isinstance(await _refused(outbound, "http://odd.example/"), Denied)
        answer = await outbound.request("GET", f"http://mixed.example:{server.port}/echo")
        assert answer.status == 200


async def test_a_failure_at_an_allowed_address_is_not_called_a_refusal() -> None:
    names = Names({"half.example": ["10.0.0.1", "127.0.0.1"]})
    async with Outbound(["127.0.0.1/32"], resolver=names) as outbound:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and not listening
            error = await _refused(outbound, f"http://half.example:{taken.getsockname()[1]}/")
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
        assert isinstance(await _refused(outbound, url), Denied)


async def test_a_listed_place_is_that_host_at_that_port_alone(server: TestServer) -> None:
    names = Names({"listed.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    async with Outbound([f"listed.example:{server.port}"], resolver=names) as outbound:
        assert (await outbound.request("GET", f"http://Listed.Example:{server.port}/echo")).status == 200
        for url in (
            f"http://other.example:{server.port}/echo",
            f"http://127.0.0.1:{server.port}/echo",
            "http://listed.example:1/echo",
        ):
            assert isinstance(await _refused(outbound, url), Denied), url


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
    error = await _refused(http, url)
    assert isinstance(error, Invalid)
    assert SECRET not in str(error)


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
    error = await _refused(http, str(server.make_url(f"/redirect/{status}").with_query(to=to)))
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
    error = await _refused(http, str(url))
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


async def test_no_answer_in_time(http: Outbound, server: TestServer) -> None:
    with pytest.raises(Upstream) as raised:
        await http.request("GET", str(server.make_url(f"/forever?t={SECRET}")), timeout=0.05)
    assert str(raised.value) == f"http://127.0.0.1:{server.port} did not answer within 0.05 s."


async def test_cancelling_is_not_swallowed(http: Outbound, server: TestServer) -> None:
    task = asyncio.create_task(http.request("GET", str(server.make_url("/forever"))))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_answer_that_breaks_off(http: Outbound, server: TestServer) -> None:
    error = await _refused(http, str(server.make_url("/breaks-off")))
    assert isinstance(error, Upstream)
    assert "broke off" in str(error)


async def test_nobody_there(http: Outbound) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        error = await _refused(http, f"http://127.0.0.1:{taken.getsockname()[1]}/x?t={SECRET}")
    assert isinstance(error, Upstream)
    assert "No connection to http://127.0.0.1" in str(error)
    assert SECRET not in str(error)


async def test_no_such_name() -> None:
    async with Outbound(resolver=Names({})) as outbound:
        error = await _refused(outbound, f"http://missing.example/?t={SECRET}")
    assert isinstance(error, Upstream)
    assert str(error) == "The name missing.example cannot be resolved: no such name."


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_tls_that_cannot_be_trusted(http: Outbound, tmp_path: Path) -> None:
    running = TestServer(_application(), scheme="https")
    await running.start_server(ssl=_self_signed(tmp_path))
    try:
        error = await _refused(http, f"https://127.0.0.1:{running.port}/echo?t={SECRET}")
    finally:
        await running.close()
    assert isinstance(error, Upstream)
    assert "TLS certificate" in str(error)
    assert "self-signed" in str(error)
    assert SECRET not in str(error)


async def test_tls_to_a_server_without_it(http: Outbound, server: TestServer) -> None:
    error = await _refused(http, f"https://127.0.0.1:{server.port}/echo")
    assert isinstance(error, Upstream)
    assert "No TLS connection" in str(error)
