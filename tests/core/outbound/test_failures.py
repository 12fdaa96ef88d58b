"""Requests that nothing comes back from: no answer, half of one, nobody there, no trust."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.errors import Upstream
from core.outbound import Outbound
from tests.core.outbound.places import SECRET, Names, application, refused


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
    error = await refused(http, str(server.make_url("/breaks-off")))
    assert isinstance(error, Upstream)
    assert "broke off" in str(error)


async def test_nobody_there(http: Outbound) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        error = await refused(http, f"http://127.0.0.1:{taken.getsockname()[1]}/x?t={SECRET}")
    assert isinstance(error, Upstream)
    assert "No connection to http://127.0.0.1" in str(error)
    assert SECRET not in str(error)


async def test_no_such_name() -> None:
    async with Outbound(resolver=Names({})) as outbound:
        error = await refused(outbound, f"http://missing.example/?t={SECRET}")
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
    running = TestServer(application(), scheme="https")
    await running.start_server(ssl=_self_signed(tmp_path))
    try:
        error = await refused(http, f"https://127.0.0.1:{running.port}/echo?t={SECRET}")
    finally:
        await running.close()
    assert isinstance(error, Upstream)
    assert "TLS certificate" in str(error)
    assert "self-signed" in str(error)
    assert SECRET not in str(error)


async def test_tls_to_a_server_without_it(http: Outbound, server: TestServer) -> None:
    error = await refused(http, f"https://127.0.0.1:{server.port}/echo")
    assert isinstance(error, Upstream)
    assert "No TLS connection" in str(error)
