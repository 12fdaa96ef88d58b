from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chatbot.notifier import SlackNotifier
from core.demo.stand_ins.slack import BOT_TOKEN, Channel, SlackStandIn
from core.errors import NotConfigured, Upstream
from tests.contexts import MovableClock, settings


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def notifier(slack: SlackStandIn) -> AsyncIterator[SlackNotifier]:
    made = SlackNotifier(settings(SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=slack.url), MovableClock())
    yield made
    await made.close()


async def _post(notifier: SlackNotifier, channel: str = "#deploys", **more: Any) -> str:
    message = {"text": "Deployed", "blocks": None, "token": None, "key": "evt_1:1:1", "repeated": False, **more}
    return await notifier.post(channel=channel, **message)


async def _refusal(notifier: SlackNotifier, channel: str = "#deploys", **more: Any) -> Upstream:
    with pytest.raises(Upstream) as caught:
        await _post(notifier, channel, **more)
    return caught.value


@pytest.mark.parametrize("channel", ["#deploys", "deploys", "C0DEPLOYS"])
async def test_posts_with_its_key_in_the_metadata(slack: SlackStandIn, notifier: SlackNotifier, channel: str) -> None:
    blocks = [{"type": "divider", "block_id": "line"}]
    ts = await _post(notifier, channel, blocks=blocks)
    (message,) = slack.channel("deploys").messages
    assert (message["ts"], message["text"], message["blocks"]) == (ts, "Deployed", blocks)
    assert message["metadata"] == {"event_type": "ccb_effect", "event_payload": {"key": "evt_1:1:1"}}


@pytest.mark.parametrize("channel", ["#deploys", "C0DEPLOYS"])
async def test_a_repeat_finds_what_got_through(slack: SlackStandIn, notifier: SlackNotifier, channel: str) -> None:
    slack.hang_up_after_posting = 1
    error = await _refusal(notifier, channel)
    assert "cannot be reached" in str(error)
    assert slack.texts == ["Deployed"], "not repeated behind the engine's back"
    ts = await _post(notifier, channel, repeated=True)
    assert slack.texts == ["Deployed"]
    assert ts == slack.channel("deploys").messages[0]["ts"]


async def test_a_repeat_of_what_did_not_get_through_posts(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    await _post(notifier, key="evt_1:1:2")
    await _post(notifier, repeated=True)
    assert slack.texts == ["Deployed", "Deployed"]


async def test_somebody_elses_metadata_is_not_ours(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    other = {"event_type": "other", "event_payload": {"key": "evt_1:1:1"}}
    slack.channel("deploys").messages = [{"text": "Other", "ts": "1.1", "metadata": other}, {"text": "-", "ts": "1.2"}]
    await _post(notifier, repeated=True)
    assert slack.texts == ["Other", "-", "Deployed"]


async def test_a_channel_is_found_on_any_page(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    slack.channels = [*(Channel(f"C0TEAM{n:04}", f"team-{n}") for n in range(5)), *slack.channels]
    slack.page_size = 2
    await _post(notifier)
    await _post(notifier, repeated=True)
    assert slack.texts == ["Deployed"]


async def test_a_thread_is_looked_through_too(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    thread_ts = await _post(notifier, key="evt_1:1:0", text="Thread")
    await _post(notifier, text="Reply", thread_ts=thread_ts)
    ts = await _post(notifier, text="Reply", thread_ts=thread_ts, repeated=True)
    assert slack.texts == ["Thread", "Reply"]
    assert slack.channel("deploys").messages[1]["ts"] == ts
    assert slack.channel("deploys").messages[1]["thread_ts"] == thread_ts


@pytest.mark.parametrize("missing", ["channels:read", "channels:history"])
async def test_where_it_may_not_look_it_posts(slack: SlackStandIn, notifier: SlackNotifier, missing: str) -> None:
    await _post(notifier)
    slack.scopes = tuple(scope for scope in slack.scopes if scope != missing)
    await _post(notifier, repeated=True)
    assert slack.texts == ["Deployed", "Deployed"]


async def test_when_looking_fails_for_now_nothing_is_posted(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    await _post(notifier)
    slack.broken = 503
    assert "(503)" in str(await _refusal(notifier, repeated=True))
    assert slack.texts == ["Deployed"]


async def test_an_integrations_own_token_goes_in_place_of_the_bots(slack: SlackStandIn) -> None:
    own = SlackNotifier(settings(SLACK_API_URL=slack.url), MovableClock())
    try:
        await _post(own, token="xoxb-own")
        assert slack.texts == ["Deployed"]
        error = await _refusal(own, token="xoxb-wrong")
        assert str(error) == (
            "Slack refuses the integration's own slack_token (invalid_auth). Put a new one into its configuration."
        )
        with pytest.raises(NotConfigured) as caught:
            await _post(own)
    finally:
        await own.close()
    assert (caught.value.service, caught.value.settings) == ("slack", ("SLACK_BOT_TOKEN",))


@pytest.mark.parametrize(
    ("channel", "code", "words"),
    [
        ("#random", "not_in_channel", "I can't post to #random: I'm not in that channel. Type /invite @ccb there."),
        ("#nowhere", "channel_not_found", "I can't find #nowhere. Check the name; if the channel is private, type "),
        ("#secret-plans", "channel_not_found", "type /invite @ccb there."),
        ("#old-news", "is_archived", "I can't post to #old-news: it is archived."),
    ],
)
async def test_a_channel_that_it_cannot_post_to(notifier: SlackNotifier, channel: str, code: str, words: str) -> None:
    error = await _refusal(notifier, channel)
    assert words in str(error)
    assert error.details["slack_error"] == code
    assert not error.permanent, "somebody may mend it meanwhile"


async def test_a_wrong_token_is_said_without_it(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    slack.tokens = {}
    error = await _refusal(notifier)
    assert str(error) == "Slack refuses the token (invalid_auth): SLACK_BOT_TOKEN is wrong. → ccb init slack"


async def test_a_missing_scope_is_named(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    slack.scopes = ("channels:read",)
    error = await _refusal(notifier)
    assert "SLACK_BOT_TOKEN lacks the scope chat:write (it has channels:read)." in str(error)


async def test_a_rate_limit_is_reported_and_not_slept_on(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    slack.limits["deploys"] = 30
    error = await _refusal(notifier)
    assert error.retry_after == 30
    assert slack.requests == [("POST", "/api/chat.postMessage")]
    await _post(notifier, "#general")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": ""}, "no_text"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"key": "k" * 9000}, "metadata_too_large"),
    ],
)
@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing:UserWarning")  # slack_sdk's advice
async def test_what_another_message_alone_can_mend(notifier: SlackNotifier, message: dict[str, Any], code: str) -> None:
    error = await _refusal(notifier, **message)
    assert error.permanent
    assert code in str(error)


async def test_slack_says_where_in_the_blocks(notifier: SlackNotifier) -> None:
    error = await _refusal(notifier, blocks=[{"type": "divider"}] * 51)
    assert "no more than 50 items allowed" in str(error)


@pytest.mark.slow  # one more try to connect, a second later
async def test_nobody_listens(unused_tcp_port: int) -> None:
    given = settings(SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=f"http://127.0.0.1:{unused_tcp_port}/api/")
    notifier = SlackNotifier(given, MovableClock())
    try:
        assert "cannot be reached" in str(await _refusal(notifier))
    finally:
        await notifier.close()


@pytest.mark.parametrize(
    ("status", "content_type", "text", "words"),
    [
        (200, "text/plain", "hello", "is not Slack's API. Check SLACK_API_URL"),
        (200, "application/json", "[1]", "is not Slack's API"),
        (200, "application/json", "<html>", "trouble itself (200)"),
        (502, "text/html", "<html>", "trouble itself (502)"),
        (404, "text/plain", "hello", "trouble itself (404)"),
        (429, "text/html", "slow", "asks us to slow down"),
    ],
)
async def test_something_else_answers(status: int, content_type: str, text: str, words: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, content_type=content_type, text=text)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with TestServer(app) as server:
        given = settings(SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=str(server.make_url("/api")))
        notifier = SlackNotifier(given, MovableClock())
        try:
            error = await _refusal(notifier)
        finally:
            await notifier.close()
    assert words in str(error)
    assert not error.permanent
