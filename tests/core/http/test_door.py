"""Deliveries that senders may send and that the door must take, or refuse in the contract's words."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.http.webhooks import MOST_RECEIVING
from tests.engines import running
from tests.packages import package

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]


async def raw_post(address: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    writer.write(
        b"POST " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n" + head + b"\r\n" + body
    )
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_header_that_is_not_utf8_is_no_fault_of_the_engine(tmp_path: Path) -> None:
    """RFC 9110 lets header values hold any bytes (obs-text): a genuine delivery with one is taken."""
    async with running(tmp_path) as client:
        made = await client.install(package(LOG, "example.com", expected=LOGGED))
        path, body, headers = await client.sign(made["id"], {"n": 1})
        given = [(k.encode(), v.encode()) for k, v in headers.items()] + [(b"X-Sender", b"caf\xe9")]
        answer = await raw_post(client.engine.report.address, path, given, body)
        assert answer.startswith(b"HTTP/1.1 202"), answer[:400]


@pytest.mark.parametrize("depth", [300, 900])
async def test_a_deep_deduplication_value_is_no_fault_of_the_engine(tmp_path: Path, depth: int) -> None:
    """The JSON reader takes 1024 levels, its writer 254: what lies between is hashed otherwise or refused as 400."""
    async with running(tmp_path) as client:
        made = await client.install(
            package(
                LOG, "example.com", expected=LOGGED, source={"kind": "none", "unsigned": True}, deduplication_key="k"
            )
        )
        body = b'{"n": 1, "k": ' + b"[" * depth + b"]" * depth + b"}"
        answer = await client.post(f"/webhooks/{made['id']}", body, {"Content-Type": "application/json"})
        assert answer.status in (202, 400), answer.json


async def test_what_is_received_at_once_stays_within_its_bound(tmp_path: Path) -> None:
    """`MOST_RECEIVING` holds also when the connections begin together, before any byte of a body has come."""
    async with running(tmp_path) as client:
        made = await client.install(
            package(LOG, "example.com", expected=LOGGED, source={"kind": "none", "unsigned": True})
        )
        assert client.engine.server is not None
        node = client.engine.server.node
        size, count = 24 << 20, 14
        host, port = client.engine.report.address.removeprefix("http://").split(":")
        head = (
            f"POST /webhooks/{made['id']} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {size}\r\n\r\n"
        ).encode()
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(count)]
        for _, writer in opened:
            writer.write(head)
        await asyncio.sleep(0.3)
        most = 0
        chunk = b" " * (1 << 20)

        async def send(writer: asyncio.StreamWriter) -> None:
            nonlocal most
            for _ in range(23):
                writer.write(chunk)
                try:
                    await writer.drain()
                except ConnectionError:
                    return
                most = max(most, node.receiving)

        await asyncio.gather(*(send(writer) for _, writer in opened))
        for _ in range(50):
            most = max(most, node.receiving)
            await asyncio.sleep(0.02)
        for _, writer in opened:
            writer.close()
        assert most <= MOST_RECEIVING + (16 << 20), f"{most >> 20} MB are held"


KINDS = {
    "none": {"kind": "none", "unsigned": True},
    "bearer": {"kind": "bearer"}, "github": {"kind": "github"}, "gitlab": {"kind": "gitlab"},
    "slack": {"kind": "slack"}, "stripe": {"kind": "stripe"}, "standard-webhooks": {"kind": "standard-webhooks"},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_json_that_is_no_object(tmp_path: Path, kind: str) -> None:
    handler = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
    async with running(tmp_path) as client:
        made = await client.install(package(handler, "example.com", source=KINDS[kind]))
        for i, payload in enumerate([[], 5, "text", [[1]], True, [{"type": 1}], {"type": {}, "action": []}]):
            answer = await client.deliver(made["id"], payload, f"m{i}", type="push")
            assert answer.status in (200, 202), (kind, payload, answer.json)
            if "event_id" in answer.json:
                await client.ended(answer.json["event_id"])
