"""From `/ccb request` to an active integration, pressed in Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core import audit, integrations
from core.demo.stand_ins.slack import ANNA, BORIS, CAROL
from core.requests import service
from tests.chatbot.conftest import text_of
from tests.chatbot.flow import SENTENCE, Flow, everybody, flowing
from tests.contexts import MovableClock
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import REPOSITORY

pytestmark = pytest.mark.slow

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PASSWORD = "s3cr3t-token-that-nobody-sees"


@pytest.fixture
async def flow(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Flow]:
    async with everybody() as services, flowing(tmp_path / "data", clock, *services) as found:
        yield found


async def test_the_whole_way_by_pressing(flow: Flow, capfd: pytest.CaptureFixture[str]) -> None:
    flow.work.claude.answers.append(answer(draft("http-forward")))
    asked = await flow.ask()
    ready = await flow.message(asked, "link:pull")
    text = text_of(ready)
    assert f"<@{ANNA}>" in text and "http_request" in text and f"{REPOSITORY} #2" in text
    assert "▸▸▸▸▹" in text
    assert flow.messages(asked) == [ready], "one message"

    flow.work.hub.merge(REPOSITORY, 2, as_user="octocat")
    await flow.work.settled()
    merged = await flow.message(asked, "open:config")
    assert merged["ts"] == ready["ts"]
    await flow.quiet(asked)
    await flow.slack.press(BORIS, merged, "open:config")
    view = await flow.house.modal("config", user=BORIS)
    assert "target_url" in str(view["blocks"])
    wrong = await flow.slack.submit(BORIS, given={"target_url": "not an address", "webhook:secret": SECRET})
    assert list(wrong.errors) == ["target_url"]
    given = {"target_url": "https://api.example.com/in", "token": PASSWORD, "webhook:secret": SECRET}
    saved = await flow.house.after(BORIS, "general", lambda: flow.slack.submit(BORIS, given=given))
    assert "`token`" in text_of(saved) and "`webhook_secret`" in text_of(saved)

    complete = await flow.message(asked, "Activate")
    assert "роль" in text_of(await flow.house.press(complete, "run:activate", user=BORIS, confirm=True))
    said = await flow.house.press(complete, "run:activate", confirm=True)
    assert "is active, switched on by" in text_of(said)
    assert said["thread_ts"] == ready["ts"], "the channel is told by the message itself"
    active = await flow.message(asked, "▸▸▸▸▸", "run:status")
    await flow.quiet(asked)
    assert active["ts"] == ready["ts"] and len(flow.messages(asked)) == 1
    installed = await integrations.find(flow.house.ctx, asked.id)
    assert (installed.status, installed.config_secrets["token"]) == ("active", PASSWORD)
    assert installed.webhook_secrets[0].secret == SECRET

    await flow.slack.press(ANNA, active, "open:config")
    shown = await flow.house.modal("config")
    assert "https://api.example.com/in" in str(shown)
    assert PASSWORD not in str(shown) and SECRET not in str(shown)
    thread = "\n".join(flow.thread(active))
    for words in ("The request is complete", "Claude wrote round 1", "The pull request is", "Merged by"):
        assert thread.count(words) == 1, thread
    for secret in (PASSWORD, SECRET, SECRET[6:]):
        # What was typed stands in the payload of Slack's own view, which is closed now.
        assert secret not in flow.everything()
        assert secret not in "".join(capfd.readouterr())
    entries = await audit.newest(flow.house.ctx, integration_id=asked.id, limit=50)
    by = {entry.action: (entry.actor_kind, entry.actor_id) for entry in entries if entry.actor_kind == "slack"}
    assert by["request.opened"] == ("slack", ANNA)
    assert by["config.changed"] == by["webhook_secret.changed"] == ("slack", BORIS)
    assert by["status.changed"] == ("slack", ANNA)


async def test_what_is_missing_is_filled_in_from_the_message(flow: Flow) -> None:
    flow.work.claude.answers.append(answer(draft()))
    asked = await flow.ask(service_name="", target_service="", api_endpoints="", description="Create a Jira ticket.")
    message = await flow.message(asked, "Fill in what is missing")
    text = text_of(message)
    assert "*Target service*" in text and "so what the integration may reach" in text and "for example:" in text
    await flow.slack.press(CAROL, message, "open:fill")
    await flow.slack.press(ANNA, message, "open:fill")
    view = await flow.house.modal("request")
    focused = [b["block_id"] for b in view["blocks"] if b.get("element", {}).get("focus_on_load")]
    assert focused == ["target_service"]
    wrong = await flow.slack.submit(ANNA, given={"dependencies": "requests>=2"})
    assert list(wrong.errors) == ["dependencies"] and "no packages" in wrong.errors["dependencies"]
    given = {"dependencies": "", "target_service": "Jira", "api_endpoints": "POST https://jira.example.com"}
    assert (await flow.slack.submit(ANNA, given=given)).errors == {}
    ready = await flow.message(asked, "Open the pull request")
    assert ready["ts"] == message["ts"]
    assert (await service.find(flow.house.ctx, asked.id)).fields["service_name"] == "Jira"


async def test_stop_and_retry(flow: Flow) -> None:
    flow.work.claude.answers.append(answer(draft()))
    flow.work.claude.held = held = asyncio.Event()
    asked = await flow.ask()
    writing = await flow.message(asked, "Claude is writing", "●")
    assert "✓ understood" in text_of(writing)
    assert not (await flow.slack.press(ANNA, writing, "run:stop", confirm=False)).sent
    await flow.slack.press(ANNA, writing, "run:stop", confirm=True)
    stopped = await flow.message(asked, "Stopped by", "Retry")
    held.set()
    flow.work.claude.held = None
    flow.work.claude.answers.append(answer(draft()))
    await flow.slack.press(BORIS, stopped, "run:retry")
    ready = await flow.message(asked, "Open the pull request")
    assert ready["ts"] == writing["ts"]
    await flow.quiet(asked)
    thread = "\n".join(flow.thread(ready))
    assert thread.count("Stopped by") == thread.count("Begun again by") == 1
    entries = await audit.newest(flow.house.ctx, integration_id=asked.id)
    said = {(entry.action, entry.actor_id) for entry in entries}
    assert {("request.stopped", ANNA), ("request.retried", BORIS)} <= said


async def test_a_ready_made_one_is_installed_in_place_of_asking_claude(flow: Flow) -> None:
    await flow.slack.command("/ccb", "request", user=BORIS)
    view = await flow.house.modal("request", user=BORIS)
    await flow.slack.select(BORIS, view, "request_form:service_name", "Sentry")
    await flow.slack.until(lambda: "интегр" in _ready(flow, BORIS) or "1 ready-made" in _ready(flow, BORIS))
    view = await flow.house.modal("request", user=BORIS)
    await flow.slack.select(BORIS, view, "request_form:ready", "sentry-issue-to-github-issue")
    await flow.slack.until(lambda: "github_comment" in str(flow.slack.view(BORIS)))
    said = await flow.house.after(BORIS, "general", lambda: flow.slack.submit(BORIS))
    assert "`sentry-issue-to-github-issue`" in text_of(said)
    assert flow.work.claude.asked == [] and await service.newest(flow.house.ctx) == []
    await flow.slack.press(BORIS, said, "open:config")
    await flow.house.modal("config", user=BORIS)
    problems = await flow.slack.submit(BORIS, given={"repository": "nonsense", "levels": "loud"})
    assert set(problems.errors) == {"repository", "levels"}


def _ready(flow: Flow, user: str) -> str:
    view = flow.slack.view(user) or {"blocks": []}
    return "".join(text_of({"blocks": [b]}) for b in view["blocks"] if b.get("block_id") == "ready")


async def test_it_is_asked_for_by_mention_by_shortcut_and_never_empty(flow: Flow) -> None:
    offered = await flow.house.mention(f"request {SENTENCE}")
    await flow.slack.press(ANNA, offered, text="Ask for an integration")
    view = await flow.house.modal("request")
    assert view["state"]["values"]["description"]["description"]["value"] == SENTENCE
    await flow.slack.close(ANNA)
    message = (await flow.slack.say(CAROL, "general", "Please post every Sentry error here")).message
    assert message is not None
    name = "request_from_message"
    refused = await flow.house.after(CAROL, "general", lambda: flow.slack.message_shortcut(CAROL, message, name))
    assert "role operator" in text_of(refused)
    await flow.slack.message_shortcut(BORIS, message, "request_from_message")
    view = await flow.house.modal("request", user=BORIS)
    assert view["state"]["values"]["description"]["description"]["value"] == message["text"]
    empty = await flow.slack.submit(BORIS, given={"description": ""})
    assert list(empty.errors) == ["description"]
    flow.work.claude.answers.append(answer(draft()))
    assert (await flow.slack.submit(BORIS, given={"description": message["text"]})).errors == {}
    asked = await flow.newest()
    assert asked.fields["service_name"] == "Sentry" and asked.fields["target_service"].startswith("Slack")
    await flow.message(asked, f"<@{BORIS}>")


async def test_what_comes_by_other_doors_is_not_announced(flow: Flow) -> None:
    flow.work.claude.answers.append(answer(draft()))
    asked = await flow.work.ask()
    await flow.work.until(asked, lambda one: one.row.status == "inactive")
    await flow.tick()
    assert flow.messages(asked) == []
    assert "chat.postMessage" not in flow.slack.called


async def test_a_channel_that_is_closed_to_the_bot(flow: Flow) -> None:
    flow.work.claude.answers.append(answer(draft()))
    asked = await flow.ask(channel="random")
    direct = flow.slack.direct(ANNA).id
    message = await flow.message(asked, "Open the pull request", channel=direct)
    await flow.quiet(asked)
    await flow.slack.until(lambda: "/invite" in "\n".join(flow.thread(message, channel=direct)))


async def test_it_stays_in_the_thread_that_it_was_asked_in_and_status_shows_it(flow: Flow) -> None:
    flow.work.claude.answers.append(answer(draft()))
    parent = (await flow.slack.say(ANNA, "general", "Look")).message
    assert parent is not None
    offered = await flow.house.mention("request", thread_ts=parent["ts"])
    await flow.slack.press(ANNA, offered, text="Ask for an integration")
    await flow.house.modal("request")
    given = {"description": SENTENCE, "request_form:service_name": "My service", "target_service": "the log",
             "api_endpoints": "none"}  # fmt: skip
    assert (await flow.slack.submit(ANNA, given=given)).errors == {}
    asked = await flow.newest()
    message = await flow.message(asked, "link:pull")
    assert message["thread_ts"] == parent["ts"]
    await flow.quiet(asked)
    assert "The request is complete" in "\n".join(flow.thread(parent))
    card = await flow.house.type(f"status {asked.id}", user=CAROL)
    assert "link:pull" in str(card["blocks"]) and f"<@{ANNA}>" in text_of(card)
    said = await flow.house.type(f"request retry {asked.id}")
    assert "Only a request that failed" in text_of(said)
    changing = await flow.house.type(f"status {asked.id}")
    await flow.slack.press(ANNA, changing, "open:change")
    view = await flow.house.modal("request")
    assert view["state"]["values"]["service_name"]["service_name"]["value"] == "My service"
    flow.work.claude.answers.append(answer(draft(readme="Another.\n")))
    told = await flow.house.after(ANNA, "general", lambda: flow.slack.submit(ANNA, given={"events": "ping"}))
    assert "is taken up as it says now" in text_of(told)
    await flow.work.until(asked, lambda one: one.row.version == 2 and one.row.status == "inactive")
