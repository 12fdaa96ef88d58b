"""What becomes of an accepted event: handlers that misbehave, receivers that fail, secrets that stay secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core import logs
from core.demo.stand_ins.slack import BOT_TOKEN, SlackStandIn
from storage.events import RUNS
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, Receiver

GOOD_SAMPLE = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"] == {"n": 0}:
        return []
    return misbehave(event)

def misbehave(event):
"""

FAULTS = {
    "loops": ("    while True: pass", "longer than"),
    "allocates": ("    return [0] * 10**9", "memory"),
    "raises": ("    return event['payload']['missing']", "missing"),
    "returns no list": ("    return 'rubbish'", "list"),
    "returns a set": ("    return [{'type': 'log', 'message': {1}}]", ""),
    "returns an unknown action": ("    return [{'type': 'format_disk'}]", "format_disk"),
    "returns wrong parameters": ("    return [{'type': 'log', 'text': 'x'}]", "message"),
    "asks for a host it may not reach": (
        "    return [{'type': 'http_request', 'url': 'https://evil.example/'}]", "evil.example",
    ),
    "asks for the metadata service": (
        "    return [{'type': 'http_request', 'url': 'http://169.254.169.254/latest'}]", "169.254.169.254",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_handler_that_misbehaves_loses_nothing(client: Client, receiver: Receiver, fault: str) -> None:
    """The delivery was accepted, so it is kept: dead, with the contract's error and a reason, its body untouched."""
    body, reason = FAULTS[fault]
    made = await client.install(package(GOOD_SAMPLE + body, receiver.host), config={"retry_attempts": 1})
    answer = await client.deliver(made["id"], {"n": 1})
    assert answer.status == 202
    event = await client.ended(answer.json["event_id"], "dead")
    assert event["error"]["error"] == "Processing failed"
    assert reason in event["error"]["message"]
    assert "Traceback" not in json.dumps(event)
    (transform,) = [s for s in await client.steps(event["id"]) if s["name"] == "transform"]
    assert transform["status"] == "error" and transform["error_message"] == event["error"]["message"]
    assert receiver.received == []
    health = await client.ask("GET", "/health")
    assert health["dependencies"]["sandbox"]["status"] == "ok"


async def test_a_pure_functions_own_failure_is_not_tried_again(client: Client, receiver: Receiver) -> None:
    made = await client.install(package(GOOD_SAMPLE + FAULTS["raises"][0], receiver.host))
    answer = await client.deliver(made["id"], {"n": 1})
    event = await client.ended(answer.json["event_id"], "dead")
    assert (event["attempt"], event["attempts"]) == (1, 5)


async def forwarding(client: Client, receiver: Receiver, **config: Any) -> str:
    wish = package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host))
    return str((await client.install(wish, config=config))["id"])


def _failed_at(attempt: int) -> Callable[[Any], bool]:
    return lambda event: event["status"] == "failed" and event["attempt"] == attempt


async def test_a_failing_receiver_is_asked_again_until_the_last_try(
    client: Client, receiver: Receiver, moved: MovableClock
) -> None:
    async def broken(got: Received) -> int:
        return 503 if got.path == "/1" else 200

    receiver.before_answer = broken
    integration = await forwarding(client, receiver, retry_attempts=3, retry_backoff="fixed")
    event_id = (await client.deliver(integration, {"n": 1})).json["event_id"]
    for attempt in (1, 2):
        event = await client.until(event_id, _failed_at(attempt))
        assert event["retry_at"] is not None and "503" in event["error"]["message"]
        moved.move(11)
    event = await client.ended(event_id, "dead")
    assert event["attempt"] == 3 and event["retry_at"] is None
    counts = receiver.counts()
    assert counts == {f"{event_id}:1:0": 1, f"{event_id}:1:1": 3}, "what succeeded is not done again"
    names = [(s["name"], s["status"], s["attempt"]) for s in await client.steps(event_id)][3:]
    assert names == [
        ("transform", "success", 1), ("http_request", "success", 1), ("http_request", "error", 1),
        ("http_request", "skipped", 2), ("http_request", "error", 2),
        ("http_request", "skipped", 3), ("http_request", "error", 3),
    ]  # fmt: skip


async def test_a_receiver_that_says_when_is_not_asked_before(
    client: Client, receiver: Receiver, moved: MovableClock
) -> None:
    async def busy(got: Received) -> int:
        return 429

    receiver.before_answer = busy
    receiver.headers = {"Retry-After": "3600"}
    integration = await forwarding(client, receiver, retry_backoff="fixed")
    event_id = (await client.deliver(integration, {"n": 1})).json["event_id"]
    event = await client.ended(event_id, "failed")
    waits = datetime.fromisoformat(event["retry_at"]).timestamp() - moved.now()
    assert 3600 <= waits < 3601
    receiver.before_answer = None
    moved.move(3590)
    assert (await client.ask("GET", f"/v1/events/{event_id}"))["status"] == "failed"
    moved.move(11)
    await client.ended(event_id)


async def test_it_ends_well_when_the_receiver_does(client: Client, receiver: Receiver, moved: MovableClock) -> None:
    answers = iter([500, 200, 200])

    async def at_first_broken(got: Received) -> int:
        return next(answers)

    receiver.before_answer = at_first_broken
    integration = await forwarding(client, receiver, retry_backoff="linear")
    event_id = (await client.deliver(integration, {"n": 1})).json["event_id"]
    await client.ended(event_id, "failed")
    moved.move(11)
    event = await client.ended(event_id)
    assert event["attempt"] == 2 and event["error"] is None
    assert receiver.counts() == {f"{event_id}:1:0": 2, f"{event_id}:1:1": 1}


async def test_an_engine_that_starts_again_goes_on_with_the_retries(tmp_path: Path, receiver: Receiver) -> None:
    answers = iter([500, 200, 200])

    async def at_first_broken(got: Received) -> int:
        return next(answers)

    receiver.before_answer = at_first_broken
    async with running(tmp_path, CCB_OUTBOUND_ALLOW=receiver.host, CCB_RETRY_BASE_SECONDS=0.01) as client:
        integration = await forwarding(client, receiver, retry_backoff="fixed")
        event_id = (await client.deliver(integration, {"n": 1})).json["event_id"]
        await client.until(event_id, lambda e: e["attempt"] >= 1)
    async with running(tmp_path, CCB_OUTBOUND_ALLOW=receiver.host) as client:
        await client.ended(event_id)


async def test_what_waits_for_slack_is_done_once_slack_is_configured(tmp_path: Path, receiver: Receiver) -> None:
    handler = (
        'def handle(event: dict, config: dict) -> list[dict]:\n'
        '    return [{"type": "slack_message", "channel": "#deploys", "text": "hello"}]\n'
    )  # fmt: skip
    wish = package(
        handler, receiver.host, expected=[{"type": "slack_message", "channel": "#deploys", "text": "hello"}],
        capabilities={"actions": ["slack_message"], "channels": ["#deploys"]},
    )  # fmt: skip
    async with running(tmp_path) as client:
        integration = (await client.install(wish))["id"]
        event_id = (await client.deliver(integration, {"n": 1})).json["event_id"]
        event = await client.ended(event_id, "failed")
        assert (event["waiting_for"], event["attempt"], event["retry_at"]) == ("slack", 0, None)
        assert "SLACK_BOT_TOKEN" in event["error"]["message"]
        (step,) = [s for s in await client.steps(event_id) if s["name"] == "slack_message"]
        assert step["status"] == "error" and step["target"] == "#deploys"
    async with SlackStandIn() as slack:
        async with running(tmp_path, SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=slack.url) as client:
            event = await client.ended(event_id)
            assert event["attempt"] == 1, "the wait used up no attempt"
        assert [m["text"] for m in slack.channels[1].messages] == ["hello"]


SECRETIVE = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "http_request", "url": "http://HOST/hook",
             "headers": {"Authorization": "Bearer " + config["token"]},
             "json": {"payload": event["payload"], "seen": config["token"] if event["payload"].get("copy") else ""}}]
"""


TOKEN = "s3cr3t-value-of-the-token"


def with_token(wish: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the package with a secret `token` that may go to `host`."""
    files = wish["files"]
    manifest = json.loads(files["integration.yaml"])
    manifest["config"] = {"type": "object", "properties": {"token": {"type": "string", "x-secret": True}}}
    manifest["capabilities"]["secrets"] = {"token": [host]}
    return {"files": {**files, "integration.yaml": json.dumps(manifest)}}


@pytest.fixture
async def keeper(client: Client, receiver: Receiver) -> str:
    """An integration that sends its secret to the receiver."""
    expected = {
        "type": "http_request", "url": f"http://{receiver.host}/hook",
        "headers": {"Authorization": "Bearer secret:token"}, "json": {"payload": {"n": 0}, "seen": ""},
    }  # fmt: skip
    wish = package(SECRETIVE, receiver.host, expected=[expected], config={"token": "secret:token"})
    made = await client.install(with_token(wish, receiver.host), config={"token": TOKEN})
    return str(made["id"])


async def test_a_secret_reaches_its_host_and_nothing_else(client: Client, receiver: Receiver, keeper: str) -> None:
    event_id = (await client.deliver(keeper, {"n": 1})).json["event_id"]
    await client.ended(event_id)
    assert receiver.received[0].authorization == f"Bearer {TOKEN}"
    shown = [
        await client.ask("GET", f"/v1/integrations/{keeper}"),
        await client.ask("GET", f"/v1/integrations/{keeper}/config"),
        await client.ask("GET", f"/v1/events/{event_id}"),
        await client.steps(event_id),
    ]
    assert TOKEN not in json.dumps(shown)
    config = shown[1]
    assert config["token"].startswith("••••")
    refused = await client.ask("PATCH", f"/v1/integrations/{keeper}/config", {"token": config["token"]}, status=422)
    assert refused["path"] == "token" and "mask" in refused["message"]


async def test_nothing_in_a_payload_can_name_a_secret(client: Client, receiver: Receiver, keeper: str) -> None:
    """A `$secret`, a placeholder, and the very reference of an earlier run: all stay the text that they are."""
    await client.ended((await client.deliver(keeper, {"n": 1, "copy": True}, "msg_1")).json["event_id"])
    assert json.loads(receiver.received[0].body)["seen"] == TOKEN, "the handler may put it into the body"
    runs = await _references(client)
    attack = {
        "n": 2, "a": {"$secret": "token"}, "b": "secret:token", "c": "$secret", "d": runs[0], "e": {runs[0]: runs[0]},
        "f": f"prefix {runs[0]} suffix", "g": "ccbref_" + "0" * 64,
    }  # fmt: skip
    event_id = (await client.deliver(keeper, attack, "msg_2")).json["event_id"]
    await client.ended(event_id)
    body = receiver.received[1].body
    assert json.loads(body)["payload"] == attack
    assert TOKEN.encode() not in body
    assert len(set(await _references(client))) == 2, "each run has a reference of its own"


async def _references(client: Client) -> list[str]:
    """Return every reference that was ever made, from the database itself."""

    def read(connection: sa.Connection) -> list[str]:
        query = sa.select(RUNS.c.references).order_by(RUNS.c.event_id)
        return [ref for text in connection.execute(query).scalars() for ref in json.loads(text)]

    return await client.engine.ctx.db.read(read)


MISPLACED = {
    "in the address": '{"type": "http_request", "url": "http://HOST/?t=" + config["token"]}',
    "in a log line": '{"type": "log", "message": config["token"]}',
    "in a key": '{"type": "http_request", "url": "http://HOST/", "json": {config["token"]: 1}}',
}


@pytest.mark.parametrize("case", MISPLACED)
async def test_a_secret_where_it_may_not_be(client: Client, receiver: Receiver, keeper: str, case: str) -> None:
    handler = GOOD_SAMPLE.replace("misbehave(event)", "misbehave(event, config)") + f"    return [{MISPLACED[case]}]"
    wish = package(handler, receiver.host, config={"token": "secret:token"}, slug="misplaced")
    made = await client.install(with_token(wish, receiver.host), config={"token": TOKEN})
    event = await client.ended((await client.deliver(made["id"], {"n": 1})).json["event_id"], "dead")
    assert "token" in event["error"]["message"] and TOKEN not in json.dumps(event)
    assert receiver.received == []


async def test_an_answer_that_repeats_the_secret_is_redacted(client: Client, keeper: str, receiver: Receiver) -> None:
    """What a receiver says is kept for the trace, but not the secret that we sent it."""

    async def refuse(got: Received) -> int:
        return 400

    receiver.before_answer = refuse
    receiver.answer = json.dumps({"error": "unknown token", "you sent": TOKEN})
    event_id = (await client.deliver(keeper, {"n": 1})).json["event_id"]
    event = await client.ended(event_id, "failed")
    assert "unknown token" in event["error"]["message"]
    assert TOKEN not in json.dumps([event, await client.steps(event_id)])


async def test_a_fault_of_the_engine_is_told_and_tried_again(
    client: Client, receiver: Receiver, moved: MovableClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """The database refuses to store the run: the event does not hang until its lease ends, and no value is logged."""
    logs.configure("debug")
    integration = await forwarding(client, receiver)
    db = client.engine.ctx.db
    trigger = "CREATE TRIGGER broken BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no more runs'); END"
    await db.write(lambda connection: connection.exec_driver_sql(trigger))
    event_id = (await client.deliver(integration, {"n": 987654321})).json["event_id"]
    event = await client.ended(event_id, "failed")
    assert (event["error"]["error"], event["attempt"]) == ("Internal error", 1)
    assert event_id in event["error"]["message"]
    logged = capfd.readouterr()
    assert event_id in logged.out + logged.err and "987654321" not in logged.out + logged.err
    await db.write(lambda connection: connection.exec_driver_sql("DROP TRIGGER broken"))
    moved.move(60)
    await client.ended(event_id)
