"""The Web API of the Slack stand-in, called by slack-sdk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, BOT_TOKEN, CAROL, SlackStandIn
from core.demo.stand_ins.slack.registry import RUNS
from core.demo.stand_ins.slack.scopes import METHODS
from tests.contexts import MovableClock
from tests.stand_ins.slack_app import actions, button, modal, web_client


@pytest.fixture
async def slack(clock: MovableClock) -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(clock) as stand_in:
        yield stand_in


@pytest.fixture
def client(slack: SlackStandIn) -> AsyncWebClient:
    return web_client(slack)


async def refusal(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    """Return the code with which a call is refused."""
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=arguments) if METHODS[method].takes_json else await client.api_call(
            method, params=arguments
        )
    return str(caught.value.response["error"])


def test_every_method_is_there() -> None:
    assert set(RUNS) == set(METHODS)


NEED = [(name, scope) for name, access in METHODS.items() if not access.app_token for scope in access.scopes]


@pytest.mark.parametrize(("method", "scope"), NEED)
async def test_needs_its_scope(slack: SlackStandIn, client: AsyncWebClient, method: str, scope: str) -> None:
    slack.scopes = ("channels:read",)
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, params={"channel": "C0GENERAL"})
    answer = caught.value.response
    assert (answer["error"], answer["needed"], answer["provided"]) == ("missing_scope", scope, "channels:read")


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("chat.postMessage", {"channel": "#general", "blocks": [{"type": "boat"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": "#general", "blocks": "boat"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": "#general", "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": "#general", "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ("chat.postMessage", {"channel": "#general", "text": "x", "thread_ts": "now"}, "invalid_thread_ts"),
        ("chat.postMessage", {"channel": "#general", "attachments": [{"blocks": [{"type": "x"}]}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": "U0NOBODY", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "#old-news", "text": "x"}, "is_archived"),
        ("chat.postEphemeral", {"channel": "#general", "user": "U0NOBODY", "text": "x"}, "user_not_in_channel"),
        ("chat.postEphemeral", {"channel": "#random", "user": ANNA, "text": "x"}, "not_in_channel"),
        ("chat.update", {"channel": "C0GENERAL", "ts": "1.1", "text": "x"}, "message_not_found"),
        ("chat.update", {"channel": "general", "ts": "1.1", "text": "x"}, "channel_not_found"),
        ("chat.delete", {"channel": "C0GENERAL", "ts": "1.1"}, "message_not_found"),
        ("chat.getPermalink", {"channel": "C0GENERAL", "message_ts": "1.1"}, "message_not_found"),
        ("conversations.info", {"channel": "C0PRIVATE"}, "channel_not_found"),
        ("conversations.members", {"channel": "C0NOWHERE"}, "channel_not_found"),
        ("conversations.join", {"channel": "C0ARCHIVE"}, "is_archived"),
        ("conversations.join", {"channel": "C0PRIVATE"}, "method_not_supported_for_channel_type"),
        ("conversations.open", {}, "users_list_not_supplied"),
        ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
        ("conversations.open", {"users": f"{ANNA},{BORIS}"}, "missing_scope"),
        ("conversations.replies", {"channel": "C0GENERAL", "ts": "1.1"}, "thread_not_found"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("users.list", {"cursor": "x"}, "invalid_cursor"),
        ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
        ("reactions.add", {"channel": "C0GENERAL", "timestamp": "1.1", "name": "eyes"}, "message_not_found"),
        ("views.open", {"view": modal()}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1.2.3", "view": modal()}, "invalid_trigger_id"),
        ("views.open", {"trigger_id": "1.2.3", "view": modal(title="x")}, "invalid_arguments"),
        ("views.update", {"view": modal()}, "invalid_arguments"),
        ("views.update", {"view_id": "V1", "view": modal()}, "not_found"),
        ("views.publish", {"user_id": "U0NOBODY", "view": {"type": "home", "blocks": []}}, "invalid_arguments"),
        ("views.publish", {"user_id": ANNA, "view": modal()}, "invalid_arguments"),
        ("files.getUploadURLExternal", {"filename": "a.png"}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": [{"id": "F1"}]}, "file_not_found"),
    ],
)
async def test_refuses(
    slack: SlackStandIn, client: AsyncWebClient, method: str, arguments: dict[str, Any], code: str
) -> None:
    assert await refusal(client, method, **arguments) == code
    assert [(name, said) for name, said, _ in slack.refused] == [(method, code)]
    assert slack.called == [method]


async def test_says_where_in_the_blocks(slack: SlackStandIn, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="#general", text="x", blocks=[actions(button("x" * 76))])
    said = "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"
    assert caught.value.response["response_metadata"]["messages"] == [f"[ERROR] {said}"]


async def test_a_message_is_posted_edited_found_and_deleted(slack: SlackStandIn, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="#general", text="One", blocks=[actions(button())])
    ts = str(posted["ts"])
    assert posted["message"]["blocks"][0]["block_id"], "Slack makes one up"
    await client.chat_update(channel="C0GENERAL", ts=ts, text="Two", blocks=[actions(button("Stop"))])
    (message,) = slack.channel("general").messages
    assert (message["text"], message["blocks"][0]["elements"][0]["text"]["text"]) == ("Two", "Stop")
    assert "edited" not in message
    await client.chat_update(channel="C0GENERAL", ts=ts, text="Three")
    assert "blocks" not in message, "a text alone takes the blocks away"
    assert message["edited"]
    assert [version["text"] for version in slack.versions[ts]] == ["One", "Two"]
    assert ts.replace(".", "") in str((await client.chat_getPermalink(channel="C0GENERAL", message_ts=ts))["permalink"])
    await client.reactions_add(channel="C0GENERAL", timestamp=ts, name="eyes")
    assert await refusal(client, "reactions.add", channel="C0GENERAL", timestamp=ts, name="eyes") == "already_reacted"
    await client.chat_postMessage(channel="#general", text="Details", thread_ts=ts)
    history = await client.conversations_history(channel="C0GENERAL")
    assert [(one["text"], one["reply_count"]) for one in history["messages"]] == [("Three", 1)]
    assert (await client.conversations_history(channel="C0GENERAL", oldest=ts))["messages"] == []
    replies = await client.conversations_replies(channel="C0GENERAL", ts=ts)
    assert [one["text"] for one in replies["messages"]] == ["Three", "Details"]
    await client.chat_delete(channel="C0GENERAL", ts=ts)
    assert slack.texts == ["Details"]


async def test_others_messages_are_not_edited(slack: SlackStandIn, client: AsyncWebClient) -> None:
    said = await slack.say(ANNA, "general", "Mine")
    assert said.message is not None
    where = {"channel": "C0GENERAL", "ts": said.message["ts"]}
    assert await refusal(client, "chat.update", **where, text="Ours") == "cant_update_message"
    assert await refusal(client, "chat.delete", **where) == "cant_delete_message"


async def test_an_ephemeral_message_is_for_one(slack: SlackStandIn, client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel="#general", user=ANNA, text="Psst")
    assert [message["text"] for message in slack.seen_by(ANNA, "general")] == ["Psst"]
    assert slack.seen_by(BORIS, "general") == slack.channel("general").messages == []


async def test_people_their_language_and_groups(slack: SlackStandIn, client: AsyncWebClient) -> None:
    user = (await client.users_info(user=BORIS, include_locale=True))["user"]
    assert (user["locale"], user["tz"], user["tz_offset"]) == ("ru-RU", "Europe/Moscow", 10_800)
    assert "locale" not in (await client.users_info(user=BORIS))["user"]
    assert len((await client.users_list(limit=2))["members"]) == 2
    assert [group["handle"] for group in (await client.usergroups_list())["usergroups"]] == ["ops"]
    assert (await client.usergroups_users_list(usergroup="S0OPS"))["users"] == [BORIS]


async def test_channels_are_joined_and_opened(slack: SlackStandIn, client: AsyncWebClient) -> None:
    await client.conversations_join(channel="C0RANDOM1")
    await client.chat_postMessage(channel="#random", text="Here")
    direct = (await client.conversations_open(users=CAROL))["channel"]["id"]
    await client.chat_postMessage(channel=CAROL, text="For you")
    assert [message["text"] for message in slack.seen_by(CAROL, direct)] == ["For you"]
    assert BORIS in (await client.conversations_members(channel="C0GENERAL"))["members"]
    assert (await client.conversations_info(channel="C0GENERAL"))["channel"]["name"] == "general"


async def test_a_file_in_three_steps(slack: SlackStandIn, client: AsyncWebClient) -> None:
    await client.files_upload_v2(
        channel="C0GENERAL", filename="chart.png", content="bytes", title="A chart", alt_txt="Five", initial_comment="!"
    )
    (message,) = slack.channel("general").messages
    (file,) = slack.files.values()
    assert (message["text"], message["files"][0]["alt_txt"], file["data"]) == ("!", "Five", b"bytes")
    assert message["files"][0]["title"] == "A chart"


async def test_a_file_of_another_size_is_refused(slack: SlackStandIn, client: AsyncWebClient) -> None:
    begun = await client.files_getUploadURLExternal(filename="a.png", length=5)
    files = [{"id": begun["file_id"]}]
    assert await refusal(client, "files.completeUploadExternal", files=files) == "file_update_failed"
    async with aiohttp.ClientSession() as http, http.post(str(begun["upload_url"]), data=b"too long") as answer:
        assert (answer.status, await answer.text()) == (400, "expected 5 bytes, got 8")


async def test_one_message_a_second(slack: SlackStandIn, client: AsyncWebClient, clock: MovableClock) -> None:
    slack.one_a_second = True
    await client.chat_postMessage(channel="#general", text="One")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="#general", text="Two")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "1")
    await client.chat_postMessage(channel="#deploys", text="Elsewhere")
    clock.move(1)
    await client.chat_postMessage(channel="#general", text="Two")
    assert slack.texts == ["One", "Two", "Elsewhere"]


async def test_trouble_to_order(slack: SlackStandIn, client: AsyncWebClient) -> None:
    slack.trouble["chat.postMessage"] = [7, "internal_error"]
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="#general", text="x")
    assert caught.value.response.headers["Retry-After"] == "7"
    assert await refusal(client, "chat.postMessage", channel="#general", text="x") == "internal_error"
    await client.chat_postMessage(channel="#general", text="x")


async def test_get_post_form_and_json(slack: SlackStandIn) -> None:
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    ways: list[tuple[str, dict[str, Any]]] = [
        ("GET", {"headers": headers, "params": {"channel": "#general", "text": "Hi"}}),
        ("POST", {"headers": headers, "json": {"channel": "#general", "text": "Hi"}}),
        ("POST", {"headers": headers, "data": {"channel": "#general", "text": "Hi"}}),
        ("POST", {"data": {"token": BOT_TOKEN, "channel": "#general", "text": "Hi"}}),
    ]
    async with aiohttp.ClientSession() as http:
        for verb, request in ways:
            async with http.request(verb, f"{slack.url}chat.postMessage", **request) as answer:
                assert (await answer.json())["ok"]
        async with http.get(f"{slack.url}auth.test", params={"token": BOT_TOKEN}) as answer:
            assert (await answer.json())["error"] == "not_authed", "a token in an address is none"
        for data in ({"token": APP_TOKEN}, None):
            async with http.post(f"{slack.url}apps.connections.open", data=data) as answer:
                assert (await answer.json())["error"] == "not_authed", "an app-level token comes in the header alone"
    slack.app_scopes = ()
    assert await refusal(web_client(slack, APP_TOKEN), "apps.connections.open") == "missing_scope"
    assert slack.texts == ["Hi"] * 4


async def test_a_modal_opens_once_and_within_three_seconds(
    slack: SlackStandIn, client: AsyncWebClient, clock: MovableClock
) -> None:
    trigger = slack.trigger(ANNA)
    clock.move(2.9)
    await client.views_open(trigger_id=trigger, view=modal())
    assert await refusal(client, "views.open", trigger_id=trigger, view=modal()) == "exchanged_trigger_id"
    late = slack.trigger(ANNA)
    clock.move(3.1)
    assert await refusal(client, "views.open", trigger_id=late, view=modal()) == "expired_trigger_id"


async def test_views_stack_to_three_and_keep_their_hash(slack: SlackStandIn, client: AsyncWebClient) -> None:
    first = await client.views_open(trigger_id=slack.trigger(ANNA), view=modal(external_id="one"))
    again = {"trigger_id": slack.trigger(BORIS), "view": modal(external_id="one")}
    assert await refusal(client, "views.open", **again) == "duplicate_external_id"
    assert await refusal(client, "views.push", trigger_id=slack.trigger(ANNA), view=modal()) == "not_found"
    for _ in range(2):
        pushed = await client.views_push(trigger_id=slack.trigger(ANNA, in_modal=True), view=modal())
    assert pushed["view"]["root_view_id"] == first["view"]["id"]
    fourth = {"trigger_id": slack.trigger(ANNA, in_modal=True), "view": modal()}
    assert await refusal(client, "views.push", **fourth) == "push_limit_reached"
    old = {"view_id": pushed["view"]["id"], "hash": pushed["view"]["hash"], "view": modal(callback_id="next")}
    await client.views_update(**old)
    assert await refusal(client, "views.update", **old) == "hash_conflict"
    top = slack.view(ANNA)
    assert top is not None
    assert (top["callback_id"], len(slack.views[ANNA])) == ("next", 3)
    await client.views_update(external_id="one", view=modal(callback_id="root"))
    assert slack.views[ANNA][0]["callback_id"] == "root"


async def test_what_was_typed_stays_when_a_modal_changes(slack: SlackStandIn, client: AsyncWebClient) -> None:
    opened = await client.views_open(trigger_id=slack.trigger(ANNA), view=modal())
    slack.fill(ANNA, {"typed": "Anna"})
    await client.views_update(view_id=opened["view"]["id"], view=modal())
    top = slack.view(ANNA)
    assert top is not None
    assert top["state"]["values"]["name"]["typed"]["value"] == "Anna"


async def test_home_is_one_for_each(slack: SlackStandIn, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": [actions(button())]}
    first = await client.views_publish(user_id=ANNA, view=home)
    await client.views_publish(user_id=ANNA, view=home, hash=first["view"]["hash"])
    assert slack.homes[ANNA]["id"] == first["view"]["id"]
    old = first["view"]["hash"]
    assert await refusal(client, "views.publish", user_id=ANNA, view=home, hash=old) == "hash_conflict"
    slack.has_home = False
    assert await refusal(client, "views.publish", user_id=ANNA, view=home) == "not_enabled"


async def test_changes_can_be_followed(slack: SlackStandIn, client: AsyncWebClient) -> None:
    with slack.changes.followed() as changes:
        waiting = asyncio.ensure_future(slack.until(lambda: slack.texts))
        await client.chat_postMessage(channel="#general", text="News")
        assert await waiting == ["News"]
        assert (await changes.get()).about["text"] == "News"
    with pytest.raises(TimeoutError, match=r"message .*News"):
        await slack.until(lambda: False, seconds=0.01)
