"""People in the Slack stand-in do what people in Slack can do, and the app hears of it by slack-bolt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp

from core.demo.stand_ins.slack import ANNA, BORIS, BOT, CAROL, Impossible, Outcome, SlackStandIn, words
from core.demo.stand_ins.slack.workspace import Message
from tests.stand_ins.slack_app import actions, asked, bolt, button, connected, modal, plain, typed, web_client

CONFIRM = {"title": plain("Sure?"), "text": plain("Gone for good"), "confirm": plain("Delete"), "deny": plain("Keep")}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value.upper()), "value": value}


def select(*values: str, kind: str = "static_select", **more: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": "pick", "options": [option(value) for value in values], **more}


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


class Heard(list[tuple[str, dict[str, Any]]]):
    """What the app got: the kind and the body."""


@pytest.fixture
async def heard(slack: SlackStandIn) -> AsyncIterator[Heard]:
    """An app that acknowledges everything and keeps it."""
    app, heard = bolt(slack), Heard()
    _listen(app, heard)
    async with connected(slack, app):
        yield heard


def _listen(app: AsyncApp, heard: Heard) -> None:
    async def keep(body: dict[str, Any], ack: Any) -> None:
        heard.append((body["type"], body))
        await ack()

    async def suggest(body: dict[str, Any], ack: Any) -> None:
        await ack(options=[option("jira"), option(body["value"])])

    everything: dict[str, Any] = {"action_id": ""}
    for action_id in ("go", "stop", "pick", "typed"):
        app.action({**everything, "action_id": action_id})(keep)
    app.view("ask")(keep)
    app.view_closed("ask")(keep)
    app.shortcut("trace")(keep)
    app.options("pick")(suggest)
    for event in ("app_mention", "app_home_opened", "message", "member_joined_channel"):
        app.event(event)(keep)


async def posted(slack: SlackStandIn, *blocks: dict[str, Any]) -> Message:
    """Return a message of the app's in #general."""
    answer = await web_client(slack).chat_postMessage(channel="#general", text="A message", blocks=[*blocks])
    message: Message = answer["message"]
    return message


async def opened(slack: SlackStandIn, view: dict[str, Any], user: str = ANNA) -> None:
    """Open a modal."""
    await web_client(slack).views_open(trigger_id=slack.trigger(user), view=view)


async def test_a_button_in_a_message(slack: SlackStandIn, heard: Heard) -> None:
    message = await posted(slack, actions(button(value="evt_1"), button("Stop", "stop", confirm=CONFIRM)))
    assert (await slack.press(BORIS, message, text="Go")).acked
    ((kind, body),) = heard
    (action,) = body["actions"]
    assert (kind, action["action_id"], action["value"], body["user"]["id"]) == ("block_actions", "go", "evt_1", BORIS)
    assert (body["container"]["message_ts"], body["message"]["text"]) == (message["ts"], "A message")
    assert body["response_url"].startswith(slack.base)
    assert not (await slack.press(BORIS, message, "stop", confirm=False)).sent
    assert (await slack.press(BORIS, message, "stop", confirm=True)).acked
    assert len(heard) == 2


async def test_of_an_ephemeral_message_the_app_gets_no_copy(slack: SlackStandIn, heard: Heard) -> None:
    await web_client(slack).chat_postEphemeral(channel="#general", user=ANNA, text="Psst", blocks=[actions(button())])
    (message,) = slack.ephemerals[ANNA]
    assert (await slack.press(ANNA, message, "go")).acked
    assert "message" not in heard[0][1]
    assert heard[0][1]["container"]["is_ephemeral"]
    with pytest.raises(Impossible, match="does not see"):
        await slack.press(BORIS, message, "go")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"action_id": "nowhere"}, "nothing fits"),
        ({"text": "Nothing"}, "nothing fits"),
        ({"action_id": "go"}, "2 fit"),
        ({"action_id": "stop"}, "it asks first: Sure?"),
        ({"action_id": "go", "value": "1", "confirm": True}, "does not ask first"),
    ],
)
async def test_what_cannot_be_pressed(slack: SlackStandIn, wanted: dict[str, Any], words: str) -> None:
    message = await posted(
        slack, actions(button(value="1"), button("Stop", "stop", confirm=CONFIRM)), actions(button(value="2"))
    )
    with pytest.raises(Impossible) as caught:
        await slack.press(ANNA, message, **wanted)
    assert words in str(caught.value)
    assert slack.sockets.envelopes == []


async def test_what_is_gone_cannot_be_pressed(slack: SlackStandIn) -> None:
    message = await posted(slack, actions(button()))
    await web_client(slack).chat_update(channel="C0GENERAL", ts=message["ts"], text="Done")
    with pytest.raises(Impossible, match="nothing fits"):
        await slack.press(ANNA, message, "go")


@pytest.mark.parametrize(
    ("element", "given", "key", "reported"),
    [
        (select("a", "b"), "b", "selected_option", option("b")),
        (select("a", "b"), "A", "selected_option", option("a")),
        (select("a", kind="overflow"), "a", "selected_option", option("a")),
        (select("a", "b", kind="multi_static_select"), ["a", "b"], "selected_options", [option("a"), option("b")]),
        ({"type": "users_select", "action_id": "pick"}, BORIS, "selected_user", BORIS),
        ({"type": "conversations_select", "action_id": "pick"}, "C0DEPLOYS", "selected_conversation", "C0DEPLOYS"),
        ({"type": "datepicker", "action_id": "pick"}, "2026-11-24", "selected_date", "2026-11-24"),
    ],
)
async def test_a_choice_in_a_message(
    slack: SlackStandIn, heard: Heard, element: dict[str, Any], given: Any, key: str, reported: Any
) -> None:
    assert (await slack.select(ANNA, await posted(slack, actions(element)), "pick", given)).acked
    assert heard[0][1]["actions"][0][key] == reported


@pytest.mark.parametrize(
    ("element", "given"),
    [
        (select("a"), "c"),
        (select("a"), ["a"]),
        (select("a", kind="multi_static_select"), "a"),
        (select("a", "b", kind="multi_static_select", max_selected_items=1), ["a", "b"]),
        ({"type": "external_select", "action_id": "pick"}, "never offered"),
        ({"type": "users_select", "action_id": "pick"}, "U0NOBODY"),
        ({"type": "datepicker", "action_id": "pick"}, "tomorrow"),
        (select("a", confirm=CONFIRM), "a"),
    ],
)
async def test_what_cannot_be_chosen(slack: SlackStandIn, element: dict[str, Any], given: Any) -> None:
    with pytest.raises(Impossible):
        await slack.select(ANNA, await posted(slack, actions(element)), "pick", given)


async def test_an_external_select_takes_what_was_offered(slack: SlackStandIn, heard: Heard) -> None:
    message = await posted(slack, actions({"type": "external_select", "action_id": "pick"}))
    assert (await slack.suggest(ANNA, message, "pick", "sen")).response["options"] == [option("jira"), option("sen")]
    await slack.select(ANNA, message, "pick", "jira")
    assert heard[-1][1]["actions"][0]["selected_option"] == option("jira")


async def test_a_modals_inputs(slack: SlackStandIn, heard: Heard) -> None:
    number = {"type": "number_input", "action_id": "count", "is_decimal_allowed": False, "min_value": "1"}
    blocks = [
        asked(typed(min_length=2)),
        asked(number, "count"),
        asked({"type": "url_text_input", "action_id": "url"}, "url", optional=True),
        asked(select("a", "b", initial_option=option("a")), "which", dispatch_action=True),
        asked(typed("note"), "note", optional=True),
    ]
    await opened(slack, modal(*blocks))
    given = {"typed": "x", "count": "0", "url": "nowhere"}
    assert set((await slack.submit(ANNA, given=given)).errors) == {"name", "count", "url"}
    view = slack.view(ANNA)
    assert view is not None
    assert (await slack.select(ANNA, view, "pick", "b")).acked, "the app asked to hear of this one"
    assert not (await slack.select(ANNA, view, "typed", "xy")).sent
    outcome = await slack.submit(ANNA, given={"count": 3, "url": "https://x"})
    assert (outcome.acked, slack.view(ANNA)) == (True, None)
    values = heard[-1][1]["view"]["state"]["values"]
    assert values["which"]["pick"]["selected_option"]["value"] == "b"
    assert (values["name"]["typed"]["value"], values["note"]["note"]["value"]) == ("xy", None)


async def test_what_cannot_be_done_with_a_modal(slack: SlackStandIn) -> None:
    with pytest.raises(Impossible, match="has no modal open"):
        await slack.submit(ANNA)
    await opened(slack, {key: value for key, value in modal(actions(button())).items() if key != "submit"})
    with pytest.raises(Impossible, match="no submit button"):
        await slack.submit(ANNA)
    with pytest.raises(Impossible, match="0 inputs are called name"):
        slack.fill(ANNA, {"name": "x"})
    with pytest.raises(Impossible, match="sees ask, not other"):
        await slack.submit(ANNA, "other")


async def test_a_closed_modal_is_told_when_that_was_asked_for(slack: SlackStandIn, heard: Heard) -> None:
    await opened(slack, modal())
    assert not (await slack.close(ANNA)).sent
    await opened(slack, modal(notify_on_close=True))
    await web_client(slack).views_push(trigger_id=slack.trigger(ANNA, in_modal=True), view=modal(notify_on_close=True))
    assert (await slack.close(ANNA, everything=True)).acked
    assert [(kind, body["is_cleared"]) for kind, body in heard] == [("view_closed", True)] * 2
    assert slack.view(ANNA) is None


@pytest.mark.parametrize(
    ("answer", "left", "error"),
    [
        ({"response_action": "update", "view": modal(callback_id="two")}, ["two"], ""),
        ({"response_action": "push", "view": modal(callback_id="two")}, ["ask", "two"], ""),
        ({"response_action": "clear"}, [], ""),
        ({}, [], ""),
        ({"response_action": "update", "view": modal(title=plain("x" * 25))}, ["ask"], "must be less than 25"),
        ({"response_action": "errors", "errors": {"nowhere": "x"}}, ["ask"], "no input block nowhere"),
        ({"response_action": "errors", "errors": {}}, ["ask"], "invalid_errors"),
        ({"response_action": "explode"}, ["ask"], "invalid_response_action"),
    ],
)
async def test_how_a_submission_is_answered(
    slack: SlackStandIn, answer: dict[str, Any], left: list[str], error: str
) -> None:
    app = bolt(slack)

    @app.view("ask")
    async def submitted(ack: Any) -> None:
        await ack(answer) if answer else await ack()

    async with connected(slack, app):
        await opened(slack, modal())
        outcome = await slack.submit(ANNA, given={"name": "Anna"})
    assert error in outcome.error
    assert bool(outcome.error) == bool(error)
    assert [view["callback_id"] for view in slack.views[ANNA]] == left


async def test_home(slack: SlackStandIn, heard: Heard) -> None:
    assert (await slack.open_home(ANNA)).acked
    await web_client(slack).views_publish(user_id=ANNA, view={"type": "home", "blocks": [actions(button())]})
    await slack.open_home(ANNA)
    assert ["view" in body["event"] for _, body in heard] == [False, True]
    assert (await slack.press(ANNA, slack.homes[ANNA], "go")).acked
    assert heard[-1][1]["view"]["type"] == "home"
    with pytest.raises(Impossible, match="does not see this Home"):
        await slack.press(BORIS, slack.homes[ANNA], "go")


async def test_mentions_messages_shortcuts_and_joining(slack: SlackStandIn, heard: Heard) -> None:
    mention = await slack.mention(ANNA, "general", "trace last", thread_ts="1.1")
    assert mention.message is not None
    assert (mention.message["text"], heard[-1][1]["event"]["thread_ts"]) == (f"<@{BOT}> trace last", "1.1")
    assert not (await slack.say(ANNA, "general", "Hello")).sent, "not subscribed to what is said in channels"
    assert not (await slack.mention(ANNA, "random", "hello")).sent, "the app is not there"
    assert (await slack.direct_message(CAROL, "help")).acked
    assert heard[-1][1]["event"]["channel_type"] == "im"
    assert (await slack.message_shortcut(BORIS, mention.message, "trace")).acked
    assert heard[-1][1]["message"] == mention.message
    assert (await slack.shortcut("trace", user=BORIS)).acked
    assert (await slack.join(BOT, "random")).acked
    assert slack.channel("random").is_member


async def test_a_command_that_cannot_be_typed_or_shown(slack: SlackStandIn) -> None:
    app = bolt(slack)

    @app.command("/ccb")
    async def command(ack: Any) -> None:
        await ack(text="x", blocks=[{"type": "boat"}])

    with pytest.raises(Impossible, match="not a valid command"):
        await slack.command("/other")
    with pytest.raises(Impossible, match="is not in secret-plans"):
        await slack.command("/ccb", user=BORIS, channel="secret-plans")
    async with connected(slack, app):
        outcome: Outcome = await slack.command("/ccb")
    assert (outcome.acked, outcome.message, outcome.error) == (True, None, "invalid_command_response")
    assert slack.refused[0][:2] == ("/ccb", "invalid_blocks")


async def test_a_manifest_says_what_the_app_may_be_asked(slack: SlackStandIn) -> None:
    slack.install(
        {
            "features": {
                "app_home": {"home_tab_enabled": False, "messages_tab_enabled": False},
                "slash_commands": [{"command": "/other"}],
                "shortcuts": [{"callback_id": "trace", "type": "message"}],
            },
            "oauth_config": {"scopes": {"bot": ["commands", "chat:write"]}},
            "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
        }
    )
    with pytest.raises(Impossible, match="/ccb is not a valid command"):
        await slack.command("/ccb")
    with pytest.raises(Impossible, match="no global shortcut trace"):
        await slack.shortcut("trace")
    with pytest.raises(Impossible, match="no Home"):
        await slack.open_home(ANNA)
    with pytest.raises(Impossible, match="turned off"):
        await slack.direct_message(ANNA, "hi")
    assert not (await slack.mention(ANNA, "general", "x")).sent, "app_mentions:read is missing"
    message = await posted(slack, actions(button()))
    with pytest.raises(Impossible, match="not configured to handle interactive"):
        await slack.press(ANNA, message, "go")
    assert slack.scopes_used == {"commands", "chat:write"}
    slack.scopes = ()
    with pytest.raises(Impossible, match="lacks the scope commands"):
        await slack.command("/other")


async def test_what_is_read(slack: SlackStandIn) -> None:
    image = {"type": "image", "image_url": "https://x", "alt_text": "A chart"}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*One*"}, "accessory": select("a")}
    message = await posted(slack, {"type": "header", "text": plain("Head")}, section, image, actions(button()))
    assert words(message).splitlines() == ["Head", "*One*", "A", "A chart", "Go"]
    assert words({"text": "Only this"}) == "Only this"
    view = modal(asked(typed(initial_value="x", placeholder=plain("Type"))))
    assert words(view).splitlines() == ["A modal", "Name", "Type", "x", "Send"]
