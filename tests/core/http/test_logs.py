"""An integration's own log: what its handler says, what the engine says of it, and the level that it takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contexts import MovableClock
from tests.engines import Client
from tests.packages import package
from tests.stand_ins.receiver import Received, Receiver

PATH = "/v1/integrations/forward"
SAYS = """
def handle(event: dict, config: dict) -> list[dict]:
    payload = event["payload"]
    if payload["n"] == 0:
        return []
    print("looking at", payload["n"])
    if payload["n"] == 13:
        return [payload["missing"]]
    if payload["n"] == 7:
        return [{"type": "http_request", "url": "http://HOST/", "json": {"token": "x"}}]
    return [{"type": "log", "level": level, "message": "a word of " + level} for level in payload["levels"]]
"""
LEVELS = ["debug", "info", "warning", "error"]


async def say(client: Client, receiver: Receiver, **monitoring: Any) -> str:
    """Install a handler that says a word of each level, and let it."""
    made = await client.install(package(SAYS, receiver.host), config={"retry_attempts": 2, "retry_backoff": "fixed"})
    await client.ask("PATCH", f"{PATH}/monitoring", monitoring)
    event = (await client.deliver(made["id"], {"n": 1, "levels": LEVELS})).json["event_id"]
    await client.ended(event)
    steps = [step for step in await client.steps(event) if step["name"] == "log"]
    assert [step["target"] for step in steps] == LEVELS, "the trace has them all"
    return str(made["id"])


@pytest.mark.parametrize("level", LEVELS)
async def test_lines_below_the_level_are_not_kept(client: Client, receiver: Receiver, level: str) -> None:
    await say(client, receiver, logging_level=level)
    lines = await client.ask("GET", f"{PATH}/logs")
    kept = [line["message"] for line in reversed(lines)]
    expected = [f"a word of {one}" for one in LEVELS[LEVELS.index(level) :]]
    assert kept == (["looking at 1", *expected] if level == "debug" else expected)


@pytest.mark.parametrize("level", LEVELS)
async def test_lines_can_be_asked_by_level(client: Client, receiver: Receiver, level: str) -> None:
    await say(client, receiver, logging_level="debug")
    lines = await client.ask("GET", f"{PATH}/logs?level={level}")
    assert {line["level"] for line in lines} == set(LEVELS[LEVELS.index(level) :])
    await client.ask("GET", f"{PATH}/logs?level=loud", status=422)


async def test_what_a_handler_prints_is_a_line_for_debugging(client: Client, receiver: Receiver) -> None:
    integration = await say(client, receiver, logging_level="debug")
    event = (await client.deliver(integration, {"n": 13}, "msg_13")).json["event_id"]
    await client.ended(event, "dead")
    printed = [line for line in await client.ask("GET", f"{PATH}/logs") if line["fields"].get("printed")]
    assert [(line["message"], line["level"]) for line in printed] == [
        ("looking at 13", "debug"), ("looking at 1", "debug"),
    ]  # fmt: skip
    assert printed[0]["event_id"] == event, "also of a handler that failed"


async def test_the_log_says_why_events_failed(client: Client, receiver: Receiver) -> None:
    integration = await say(client, receiver, logging_level="error")
    event = (await client.deliver(integration, {"n": 13}, "msg_13")).json["event_id"]
    error = (await client.ended(event, "dead"))["error"]
    (line, _) = await client.ask("GET", f"{PATH}/logs?level=error")
    assert (line["level"], line["event_id"], line["message"]) == ("error", event, error["message"])
    assert line["fields"] == {"error": "Processing failed", "attempt": 1, "step": "transform"}


async def test_a_retry_is_a_warning_and_the_last_attempt_an_error(
    client: Client, receiver: Receiver, moved: MovableClock
) -> None:
    async def broken(got: Received) -> int:
        return 503

    receiver.before_answer = broken
    integration = await say(client, receiver, logging_level="warning")
    event = (await client.deliver(integration, {"n": 7}, "msg_7")).json["event_id"]
    await client.ended(event, "failed")
    (line, *_) = await client.ask("GET", f"{PATH}/logs")
    assert (line["level"], line["fields"]["step"], line["fields"]["attempt"]) == ("warning", "http_request", 1)
    assert 9 < line["fields"]["retry_in_seconds"] < 11 and "503" in line["message"]
    moved.move(11)
    await client.ended(event, "dead")
    (line, *_) = await client.ask("GET", f"{PATH}/logs?level=error")
    assert (line["fields"]["attempt"], line["event_id"]) == (2, event)
    assert "retry_in_seconds" not in line["fields"]


async def test_the_engines_lines_are_read_in_any_language(client: Client, receiver: Receiver) -> None:
    integration = await say(client, receiver)
    event = (await client.deliver(integration, {"n": 13}, "msg_13")).json["event_id"]
    await client.ended(event, "dead")
    said: dict[str, str] = {}
    for language in ("en", "ru"):
        asked = client.local.get(f"http://ccb{PATH}/logs?limit=1", headers={"Accept-Language": language})
        async with asked as answer:
            (line,) = await answer.json()
            said[language] = line["message"]
    assert "line" in said["en"] and "строка" in said["ru"]
