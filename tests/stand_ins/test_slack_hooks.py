"""response_url and incoming webhooks of the Slack stand-in, used by slack-sdk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from core.demo.stand_ins.slack import ANNA, BORIS, WEBHOOK, SlackStandIn
from core.demo.stand_ins.slack.hooks import response_url
from core.demo.stand_ins.slack.workspace import Message
from tests.contexts import MovableClock
from tests.stand_ins.slack_app import actions, button, web_client


@pytest.fixture
async def slack(clock: MovableClock) -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(clock) as stand_in:
        yield stand_in


def hook(slack: SlackStandIn, source: Message | None = None) -> AsyncWebhookClient:
    return AsyncWebhookClient(response_url(slack, slack.base, ANNA, "C0GENERAL", source))


async def test_five_answers_within_thirty_minutes(slack: SlackStandIn, clock: MovableClock) -> None:
    client = hook(slack)
    for n in range(5):
        assert (await client.send(text=str(n))).body == "ok"
    used = await client.send(text="5")
    assert (used.status_code, "used_url" in used.body) == (404, True)
    late = hook(slack)
    clock.move(30 * 60)
    assert (await late.send(text="In time")).status_code == 200
    clock.move(1)
    expired = await late.send(text="Late")
    assert (expired.status_code, "expired_url" in expired.body) == (404, True)
    assert [one["text"] for one in slack.seen_by(ANNA, "general")] == ["0", "1", "2", "3", "4", "In time"]
    assert slack.seen_by(BORIS, "general") == [], "an answer is for the asker alone"


async def test_an_answer_for_everybody(slack: SlackStandIn) -> None:
    await hook(slack).send(text="All", response_type="in_channel")
    assert slack.texts == ["All"]


async def test_the_original_is_replaced_and_deleted(slack: SlackStandIn) -> None:
    client = web_client(slack)
    await client.chat_postMessage(channel="#general", text="One", blocks=[actions(button())])
    await client.chat_postEphemeral(channel="#general", user=ANNA, text="Psst")
    (message,), (whisper,) = slack.channel("general").messages, slack.ephemerals[ANNA]
    await hook(slack, message).send(text="Two", replace_original=True)
    assert (message["text"], "blocks" in message) == ("Two", False)
    await hook(slack, whisper).send(text="Psst!", replace_original=True)
    assert whisper["text"] == "Psst!"
    await hook(slack, whisper).send(delete_original=True)
    await hook(slack, message).send(delete_original=True)
    assert slack.seen_by(ANNA, "general") == []
    gone = await hook(slack, message).send(text="Three", replace_original=True)
    assert (gone.status_code, "message_not_found" in gone.body) == (400, True)
    without = await hook(slack).send(text="Three", replace_original=True)
    assert "message_not_found" in without.body, "a slash command has no original"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x", "blocks": [{"type": "boat"}]}, "invalid_blocks"),
        ({"text": "x", "response_type": "shout"}, "invalid_arguments"),
    ],
)
async def test_an_answer_that_cannot_be_shown(slack: SlackStandIn, body: dict[str, Any], code: str) -> None:
    said = await hook(slack).send_dict(body)
    assert (said.status_code, code in said.body) == (400, True)
    assert slack.refused[0][:2] == ("response_url", code)


async def test_an_address_that_was_never_given(slack: SlackStandIn) -> None:
    assert (await AsyncWebhookClient(f"{slack.base}/actions/T0ACME/1/x").send(text="x")).status_code == 404


async def test_an_incoming_webhook_keeps_the_limits_too(slack: SlackStandIn) -> None:
    client = AsyncWebhookClient(f"{slack.base}/services/{WEBHOOK}")
    assert (await client.send(text="x", blocks=[{"type": "boat"}])).body == "invalid_blocks"
    assert (await client.send(text="x", blocks=[{"type": "divider"}])).body == "ok"
