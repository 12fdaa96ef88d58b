"""Slack that is slow to take things, has trouble or refuses: answers come later, elsewhere, or say what mends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from chatbot import answers, dispatch, incoming, people
from chatbot.asked import Answer, Asked, Reply
from chatbot.client import Client, interactive
from core.context import Context
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BOT_TOKEN, CAROL, Outcome, SlackStandIn
from core.demo.stand_ins.slack.hooks import SECONDS, USES
from tests.chatbot.conftest import House, text_of
from tests.contexts import MovableClock, settings
from tests.engines import running

WHAT_TO_DO = {
    "is_archived": "it is archived. Unarchive it or name another",
    "invalid_auth": "SLACK_BOT_TOKEN is wrong. → ccb init slack",
    "account_inactive": "SLACK_BOT_TOKEN is wrong. → ccb init slack",
    "internal_error": "Slack has trouble itself (internal_error). Try again later.",
    "restricted_action": "the workspace's settings forbid it",
}


@dataclass
class Line:
    """A Slack, and our client at it."""

    slack: SlackStandIn
    client: Client


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with SlackStandIn() as slack, aiohttp.ClientSession() as session:
        given = settings(SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=slack.url)
        yield Line(slack, interactive(given, session))


@asynccontextmanager
async def typed(house: House, channel: str = "general") -> AsyncIterator[Asked]:
    """Type a command; give what stands for it in the engine."""
    await house.type("help", channel=channel)
    came = incoming.of_command(house.slack.sockets.envelopes[-1]["payload"])
    async with aiohttp.ClientSession() as session:
        client = interactive(house.ctx.settings, session)
        actor, language = await people.actor(house.ctx, client, came.user)
        yield Asked(actor=actor, language=language, slack=client, **came.rest)


async def told(house: House, channel: str = "general") -> str:
    """Let a command say something in the channel; return what the asker sees."""

    async def say(ctx: Context, asked: Asked) -> Answer:
        return Reply("Done", to="channel")

    async def act() -> Outcome:
        await dispatch.guarded(house.ctx, asked, None, say)
        return Outcome(acked=True)

    async with typed(house, channel) as asked:
        return text_of(await house.after(ANNA, channel, act))


async def test_a_rate_limit_delays_and_loses_nothing(line: Line) -> None:
    line.slack.trouble = {"chat.postMessage": [0] * 12, "chat.update": [0] * 7}
    posted = await line.client.chat_postMessage(channel="C0GENERAL", text="Requested")
    await line.client.chat_update(channel="C0GENERAL", ts=posted["ts"], text="Tested")
    assert line.slack.texts == ["Tested"]
    assert line.slack.called.count("chat.postMessage") == 13


@pytest.mark.slow
async def test_messages_of_one_channel_keep_their_order_at_one_a_second(line: Line) -> None:
    line.slack.one_a_second = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    sending = [line.client.chat_postMessage(channel="C0GENERAL", text=str(n)) for n in range(3)]
    other = asyncio.create_task(line.client.chat_postMessage(channel="C0DEPLOYS", text="elsewhere"))
    first = asyncio.gather(*sending)
    await other
    assert len(line.slack.channel("general").messages) < 3, "another channel does not wait for this one"
    await first
    assert [message["text"] for message in line.slack.channel("general").messages] == ["0", "1", "2"]
    assert loop.time() - began >= 2
    assert line.slack.called.count("chat.postMessage") <= 4 + 2, "each waits once, and nobody asks for a refusal"


@pytest.mark.slow
async def test_an_answer_that_waits_outlives_a_stop(tmp_path: Path, clock: MovableClock) -> None:
    async with SlackStandIn() as slack:
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url,
                 "CCB_SLACK_ADMINS": ANNA}  # fmt: skip
        async with running(tmp_path, clock=clock, **given) as client:
            await slack.connected(2)
            await client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
            slack.trouble["chat.postMessage"] = [3600] * 2
            await slack.command("/ccb", "activate hello-webhook")
            async with asyncio.timeout(10):
                while "chat.postMessage" not in slack.called:
                    await asyncio.sleep(0.01)
            assert slack.channel("general").messages == []
        slack.trouble.clear()
        async with running(tmp_path, clock=clock, **given):
            await slack.until(lambda: slack.channel("general").messages)
            await slack.connected(2)
        async with running(tmp_path, clock=clock, **given):
            await slack.connected(2)
        [said] = slack.channel("general").messages
        assert "`hello-webhook` is active, switched on by" in text_of(said), "once"


async def test_a_modal_at_a_rate_limit_becomes_a_button(unclaimed: House) -> None:
    unclaimed.slack.trouble["views.open"] = [30]
    offered = await unclaimed.type("claim", user=CAROL)
    assert "press the button" in text_of(offered)
    await unclaimed.slack.press(CAROL, offered, "open:0")
    await unclaimed.modal("claim", user=CAROL)


async def test_a_modal_that_fills_at_a_rate_limit_is_filled_later(line: Line) -> None:
    line.slack.trouble["views.publish"] = [0, 0]
    await line.client.views_publish(user_id=ANNA, view={"type": "home", "blocks": []})
    assert ANNA in line.slack.homes


@pytest.mark.slow
async def test_trouble_at_slack_is_waited_out(line: Line) -> None:
    line.slack.broken = 503

    async def mended(_: web.Request) -> None:
        line.slack.broken = 0

    line.slack.after = mended
    await line.client.chat_postMessage(channel="C0GENERAL", text="Hello")
    assert line.slack.texts == ["Hello"]


async def test_a_response_url_is_used_five_times_and_then_the_asker_is_written_to(house: House) -> None:
    async with typed(house) as asked:
        seen = len(house.slack.ephemerals[ANNA])
        for n in range(USES + 1):
            await answers.deliver(asked, Reply(f"Answer {n}"))
    assert len(house.slack.ephemerals[ANNA]) == seen + USES - 1, "the command's own answer was the first use"
    assert [message["text"] for message in house.slack.direct(ANNA).messages] == ["Answer 4", "Answer 5"]


async def test_a_response_url_that_is_too_old_is_not_relied_on(tmp_path: Path, clock: MovableClock) -> None:
    async with SlackStandIn(clock) as slack:
        tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=clock, **tokens) as client:
            await slack.connected(2)
            async with typed(House(client, slack, clock)) as asked:
                clock.move(SECONDS + 1)
                await answers.deliver(asked, Reply("Late"))
            assert [message["text"] for message in slack.direct(ANNA).messages] == ["Late"]


async def test_a_refusal_says_what_to_do(house: House) -> None:
    for code, words in WHAT_TO_DO.items():
        house.slack.trouble["chat.postMessage"] = [code]
        assert words in await told(house), code
    house.slack.refused.clear()


async def test_a_scope_that_is_missing_is_named_with_the_place_to_add_it(house: House) -> None:
    house.slack.scopes = ("commands", "users:read")
    said = await told(house)
    assert "lacks the scope chat:write (it has commands,users:read)" in said
    assert "OAuth &amp; Permissions → Scopes" in said
    house.slack.refused.clear()


async def test_where_the_bot_is_not_it_answers_all_the_same(house: House) -> None:
    assert "Done" in await told(house, "random")
    assert [message["text"] for message in house.slack.channel("random").messages] == ["Done"]
    assert [code for _, code, _ in house.slack.refused] == ["not_in_channel"]
    house.slack.refused.clear()
