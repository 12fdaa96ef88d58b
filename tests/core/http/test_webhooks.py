"""The door for deliveries: what is taken, what is refused, that what is refused is not stored."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook

from core.config import MAX_BODY
from core.http.webhooks import MOST_RECEIVING
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path) as client:
        yield client


@pytest.fixture
async def integration(client: Client) -> str:
    made = await client.install(package(LOG, "example.com", expected=LOGGED))
    return str(made["id"])


async def nothing_stored(client: Client) -> None:
    assert await client.ask("GET", "/v1/events") == []


async def test_a_signed_delivery_is_stored_answered_and_done(client: Client, integration: str) -> None:
    answer = await client.deliver(integration, {"n": 7})
    assert answer.status == 202 and answer.json["status"] == "queued"
    event = await client.ended(answer.json["event_id"])
    assert event["delivery_id"] == "msg_1" and event["attempt"] == 1
    names = [(s["name"], s["status"]) for s in await client.steps(event["id"])]
    assert names == [(n, "success") for n in ("receive", "verify", "deduplicate", "transform", "log")]


async def test_the_same_delivery_again_is_a_duplicate(client: Client, integration: str) -> None:
    request = await client.sign(integration, {"n": 7})
    first, second = await client.post(*request), await client.post(*request)
    assert (second.status, second.json) == (200, {"event_id": first.json["event_id"], "status": "duplicate"})
    event = await client.ask("GET", f"/v1/events/{first.json['event_id']}")
    assert event["duplicates"] == 1


async def test_many_twins_at_once_are_one_event(client: Client, integration: str) -> None:
    request = await client.sign(integration, {"n": 7})
    answers = await asyncio.gather(*(client.post(*request) for _ in range(20)))
    assert sorted(a.status for a in answers) == [200] * 19 + [202]
    assert len(await client.ask("GET", "/v1/events")) == 1


def _without(name: str) -> Any:
    return lambda body, headers: (body, {k: v for k, v in headers.items() if k != name})


def _with(name: str, change: Any) -> Any:
    return lambda body, headers: (body, {**headers, name: change(headers[name])})


BAD_SIGNATURES = {
    "missing": _without("webhook-signature"),
    "wrong": _with("webhook-signature", lambda v: "v1," + "A" * 43 + "="),
    "truncated": _with("webhook-signature", lambda v: v[:-8]),
    "empty": _with("webhook-signature", lambda v: ""),
    "of another body": lambda body, headers: (body + b" ", headers),
    "old": _with("webhook-timestamp", lambda v: str(int(v) - 400)),
    "from the future": _with("webhook-timestamp", lambda v: str(int(v) + 400)),
    "no timestamp": _without("webhook-timestamp"),
}


@pytest.mark.parametrize("case", BAD_SIGNATURES)
async def test_a_signature_that_proves_nothing(client: Client, integration: str, case: str) -> None:
    path, body, headers = await client.sign(integration, {"n": 7})
    answer = await client.post(path, *BAD_SIGNATURES[case](body, headers))
    assert answer.status == 401
    assert answer.json["error"] == "Invalid webhook signature"
    assert answer.json["message"].startswith("Signature verification failed")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    await nothing_stored(client)


async def test_an_old_timestamp_that_was_signed(tmp_path: Path) -> None:
    """A replayed request, genuine but 400 seconds old."""
    clock = MovableClock(float(int(time.time())))
    async with running(tmp_path, clock=clock) as client:
        made = await client.install(package(LOG, "example.com", expected=LOGGED))
        request = await client.sign(made["id"], {"n": 7})
        clock.move(400)
        answer = await client.post(*request)
        assert (answer.status, answer.json["error"]) == (401, "Invalid webhook signature")
        assert "400" in answer.json["message"]
        await nothing_stored(client)


def _signed(secret: str, body: bytes) -> dict[str, str]:
    """Sign bytes that need not be JSON, with the scheme's own library."""
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_raw", now, body.decode())
    return {"webhook-id": "msg_raw", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1,}', b"hello", b"[1, 2"], ids=repr)
async def test_what_is_not_json(client: Client, body: bytes) -> None:
    made = await client.install(package(LOG, "example.com", expected=LOGGED))
    answer = await client.post(f"/webhooks/{made['id']}", body, _signed(made["webhook_secret"], body))
    assert (answer.status, answer.json["error"]) == (400, "Malformed JSON")
    assert "line" in answer.json["message"]
    await nothing_stored(client)


async def test_thirty_megabytes(client: Client, integration: str) -> None:
    path, _, headers = await client.sign(integration, {"n": 7})
    answer = await client.post(path, b"x" * (30 << 20), headers)
    assert (answer.status, answer.json["error"], answer.json["limit"]) == (413, "Payload too large", MAX_BODY)
    await nothing_stored(client)


async def test_too_much_without_saying_how_much(client: Client, integration: str) -> None:
    """A chunked body has no Content-Length: it is cut off when the limit is passed."""
    path, _, headers = await client.sign(integration, {"n": 7})

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * (1 << 20)

    url = f"{client.engine.report.address}{path}"
    async with client.public.post(url, data=endless(), headers=headers) as answer:
        assert answer.status == 413
    await nothing_stored(client)


async def test_up_to_the_limit_is_taken_and_handled(client: Client) -> None:
    made = await client.install(package(LOG, "example.com", expected=LOGGED))
    body = json.dumps({"n": 7, "filling": ["some text", 1.5, None] * ((24 << 20) // 24)}).encode()
    assert 22 << 20 < len(body) < MAX_BODY
    answer = await client.post(f"/webhooks/{made['id']}", body, _signed(made["webhook_secret"], body))
    assert answer.status == 202
    await client.ended(answer.json["event_id"])


async def test_unknown_and_guessed_addresses(client: Client, integration: str) -> None:
    _, body, headers = await client.sign(integration, {"n": 7})
    for path in ("/webhooks/int_unknown", "/webhooks/forward"):
        answer = await client.post(path, body, headers)
        assert (answer.status, answer.json["error"]) == (404, "Not found")
    await nothing_stored(client)


async def test_inactive_and_paused(client: Client, integration: str) -> None:
    request = await client.sign(integration, {"n": 7})
    await client.ask("POST", f"/v1/integrations/{integration}/pause")
    answer = await client.post(*request)
    assert answer.status == 403
    assert answer.json["error"] == "Integration inactive"
    assert answer.json["message"] == "Integration must be active to receive webhooks"
    await nothing_stored(client)
    await client.ask("POST", f"/v1/integrations/{integration}/activate")
    assert (await client.post(*request)).status == 202


async def test_the_signature_is_checked_before_the_state(client: Client, integration: str) -> None:
    """Nobody learns from outside whether an integration is active."""
    await client.ask("POST", f"/v1/integrations/{integration}/pause")
    answer = await client.post(f"/webhooks/{integration}", b"{}", {})
    assert answer.status == 401


async def test_a_compressed_body(client: Client, integration: str) -> None:
    path, body, headers = await client.sign(integration, {"n": 7})
    answer = await client.post(path, body, {**headers, "Content-Encoding": "gzip"})
    assert answer.status == 415
    await nothing_stored(client)


async def test_reachability_is_told_without_storing(client: Client, integration: str) -> None:
    base = client.engine.report.address
    for method in ("GET", "HEAD"):
        async with client.public.request(method, f"{base}/webhooks/{integration}") as answer:
            assert answer.status == 200
        async with client.public.request(method, f"{base}/webhooks/int_unknown") as answer:
            assert answer.status == 404
    await client.ask("POST", f"/v1/integrations/{integration}/pause")
    async with client.public.get(f"{base}/webhooks/{integration}") as answer:
        assert answer.status == 403
    await nothing_stored(client)


async def test_a_type_that_the_manifest_does_not_list_is_stored_and_skipped(client: Client) -> None:
    source = {"kind": "standard-webhooks", "events": ["order.paid"]}
    handled = package(LOG, "example.com", expected=LOGGED, source=source)
    files = handled["files"]
    files["samples/first.json"] = files["samples/first.json"].replace('"type": "event"', '"type": "order.paid"')
    made = await client.install(handled)
    skipped = await client.deliver(made["id"], {"n": 1, "type": "order.lost"}, type="order.lost")
    done = await client.deliver(made["id"], {"n": 1, "type": "order.paid"}, "msg_2", type="order.paid")
    assert skipped.status == done.status == 202
    await client.ended(done.json["event_id"])
    event = await client.ask("GET", f"/v1/events/{skipped.json['event_id']}")
    assert event["status"] == "skipped" and event["attempt"] == 0


class TestBearer:
    """Senders that show a key of ours."""

    @pytest.fixture
    async def bearer(self, client: Client) -> str:
        made = await client.install(package(LOG, "example.com", expected=LOGGED, source={"kind": "bearer"}))
        assert made["webhook_secret"] is None
        return str(made["id"])

    async def key(self, client: Client, *permissions: str, **more: Any) -> dict[str, Any]:
        wish = {"name": "sender", "permissions": list(permissions), **more}
        made: dict[str, Any] = await client.ask("POST", "/v1/auth/tokens", wish, status=201)
        return made

    async def send(self, client: Client, integration: str, authorization: str | None) -> tuple[int, Any]:
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = await client.post(f"/webhooks/{integration}", b'{"n": 1}', headers)
        return answer.status, answer.json

    async def test_a_key_that_may(self, client: Client, bearer: str) -> None:
        key = await self.key(client, "webhooks.receive")
        status, answer = await self.send(client, bearer, f"Bearer {key['token']}")
        assert status == 202
        await client.ended(answer["event_id"])
        stored = await client.ask("GET", f"/v1/events/{answer['event_id']}/steps")
        assert key["token"] not in json.dumps(stored)

    async def test_keys_that_may_not(self, client: Client, bearer: str) -> None:
        other = await self.key(client, "events.read")
        revoked = await self.key(client, "webhooks.receive")
        await client.ask("DELETE", f"/v1/auth/tokens/{revoked['id']}")
        wrong_form = revoked["token"][:-1] + ("a" if revoked["token"][-1] != "a" else "b")
        expected = {
            None: (401, "Invalid webhook signature"),
            "ccb_1234": (401, "Invalid webhook signature"),
            "Bearer ccb_1234": (401, "Invalid API Key"),
            f"Bearer {wrong_form}": (401, "Invalid API Key"),
            f"Bearer {revoked['token']}": (401, "Invalid API Key"),
            f"Bearer {other['token']}": (403, "Insufficient permissions"),
        }
        for header, (status, error) in expected.items():
            got = await self.send(client, bearer, header)
            assert (got[0], got[1]["error"]) == (status, error), header
        await nothing_stored(client)
        logged = await client.ask("GET", f"/v1/integrations/{bearer}/webhook-logs")
        assert {(line["status"], line["reason"]) for line in logged if line["status"] == 403} == {(403, "forbidden")}
        found = await client.ask("GET", f"/v1/integrations/{bearer}/metrics?from=5m")
        assert [found[f"rejected_{cause}"]["value"] for cause in ("signature", "malformed", "inactive")] == [5, 1, 0]

    async def test_an_expired_key(self, tmp_path: Path) -> None:
        clock = MovableClock(time.time())
        async with running(tmp_path, clock=clock) as client:
            made = await client.install(package(LOG, "example.com", expected=LOGGED, source={"kind": "bearer"}))
            key = await self.key(client, "webhooks.receive", expires_at="1d")
            assert (await self.send(client, made["id"], f"Bearer {key['token']}"))[0] == 202
            clock.move(86401)
            status, answer = await self.send(client, made["id"], f"Bearer {key['token']}")
            assert (status, answer["error"]) == (401, "Invalid API Key")
            assert len(await client.ask("GET", "/v1/events")) == 1


async def test_slacks_handshake_is_answered_and_not_stored(client: Client) -> None:
    made = await client.install(package(LOG, "example.com", expected=LOGGED, source={"kind": "slack"}))
    answer = await client.deliver(made["id"], {"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY"})
    assert (answer.status, answer.json) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY"})
    await nothing_stored(client)


async def test_more_than_memory_should_hold_is_turned_away(client: Client, integration: str) -> None:
    """Many large deliveries at once: what is over the bound gets 503 with Retry-After, nothing is half stored."""
    path, body, headers = await client.sign(integration, {"n": 7})
    assert client.engine.server is not None
    node = client.engine.server.node
    node.receiving += MOST_RECEIVING + 1
    answer = await client.post(path, body, headers)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    node.receiving -= MOST_RECEIVING + 1
    await nothing_stored(client)
    assert (await client.post(path, body, headers)).status == 202
    assert node.receiving == 0


async def test_what_was_refused_can_be_read_with_its_reason(client: Client, integration: str) -> None:
    path, body, headers = await client.sign(integration, {"n": 7})
    await client.post(path, body, {**headers, "webhook-signature": "v1,AAAA"})
    await client.post(path, body + b" ", headers)
    (latest, first) = await client.ask("GET", f"/v1/integrations/{integration}/webhook-logs")
    assert (first["status"], latest["status"]) == (401, 401)
    assert latest["reason"] == "mismatch" and latest["message"].startswith("Signature verification failed")
    assert latest["remote"] == "127.0.0.1"


async def test_the_log_of_an_integration_can_be_read(client: Client, integration: str) -> None:
    event_id = (await client.deliver(integration, {"n": 7})).json["event_id"]
    await client.ended(event_id)
    (line,) = await client.ask("GET", f"/v1/integrations/{integration}/logs?level=info&limit=10")
    assert (line["message"], line["level"], line["event_id"]) == ("got 7", "info", event_id)
    assert await client.ask("GET", f"/v1/integrations/{integration}/logs?level=error") == []


async def test_a_database_that_does_not_take_it_is_told_as_503(client: Client, integration: str) -> None:
    """The disk is full, say: the sender is told to come again, nothing is answered 2xx, and it works again after."""
    db = client.engine.ctx.db

    def limit(connection: sa.Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    await db.write(limit, 1)  # SQLite takes it to mean: no page more than there are
    big = {"n": 7, "filling": "x" * 500_000}
    answer = await client.deliver(integration, big, "msg_big")
    assert (answer.status, answer.json["error"]) == (503, "Service unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    await nothing_stored(client)
    await db.write(limit, 1_000_000)
    assert (await client.deliver(integration, big, "msg_big")).status == 202
