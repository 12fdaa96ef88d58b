"""keys: listed, made, rotated, revoked; a new one is seen once, by its maker alone."""

from __future__ import annotations

import re
from typing import Any

import orjson

from core import audit
from core.auth import PERMISSIONS
from core.demo.stand_ins.slack import ANNA, BORIS, CAROL
from tests.chatbot.conftest import House, Message, text_of

KEY = re.compile(r"ccb_[0-9A-Za-z]{40,}")


def key_in(message: Message) -> str:
    """Return the key that a message shows, and that only its asker sees it, and not in a notification."""
    found = KEY.search(text_of(message))
    assert found is not None
    assert message["is_ephemeral"] and found[0] not in message["text"]
    return found[0]


async def test_keys_are_made_rotated_and_revoked(house: House) -> None:
    for user in (BORIS, CAROL):
        assert re.search("role admin|роль «администратор»", text_of(await house.type("keys", user=user)))
    await house.slack.command("/ccb", "keys new")
    await house.modal("key")
    assert "name" in (await house.slack.submit(ANNA, given={"name": "  ", "permissions": ["events.read"]})).errors
    given: dict[str, Any] = {"name": "ci", "permissions": ["events.read", "logs.read"], "expires_at": "7d"}
    made = await house.after(ANNA, "general", lambda: house.slack.submit(ANNA, given=given))
    first = key_in(made)
    assert "events.read, logs.read" in text_of(made)
    assert (await _status(house, first)) == 200

    house.clock.move(86_400)
    listed = await house.type("keys")
    said = text_of(listed)
    assert "2 API keys" in said and "made by anna · events.read, logs.read" in said
    assert ":large_yellow_circle: expires in 6 days, <!date^" in said
    assert ":large_green_circle: good, never expires" in said

    second = key_in(await house.press(listed, "key_rotate:0", confirm=True))
    assert second != first and [await _status(house, one) for one in (first, second)] == [200, 200]
    revoke = next(p for b in listed["blocks"] for p in b.get("elements", []) if p["action_id"] == "key_revoke:0")
    assert revoke["confirm"]["style"] == "danger" and "cannot be made good" in revoke["confirm"]["text"]["text"]
    await house.slack.press(ANNA, listed, "key_revoke:0", confirm=True)
    await house.slack.until(lambda: ":no_entry_sign: revoked" in text_of(listed))
    assert [await _status(house, one) for one in (first, second)] == [401, 401]

    entries = [entry for entry in await audit.newest(house.ctx) if entry.actor_kind == "slack"]
    assert [entry.action for entry in entries] == ["token.revoked", "token.rotated", "token.made"]
    assert {entry.actor_id for entry in entries} == {ANNA}
    kept = str([[message for channel in house.slack.channels for message in channel.messages], entries])
    assert first not in kept and second not in kept


async def test_a_new_key_is_never_in_a_direct_message_that_stays(house: House) -> None:
    """Where the bot is in no channel with her, and in the direct message itself."""
    await house.slack.command("/ccb", "keys new", channel="random")
    await house.modal("key")
    direct = house.slack.direct(ANNA).id
    given: dict[str, Any] = {"name": "ci", "permissions": ["events.read"], "expires_at": "never"}
    made = key_in(await house.after(ANNA, direct, lambda: house.slack.submit(ANNA, given=given)))
    offered = await house.after(ANNA, direct, lambda: house.slack.direct_message(ANNA, "keys new"), skip=1)
    await house.slack.press(ANNA, offered, text="Make a key")
    await house.modal("key")
    again = key_in(await house.after(ANNA, direct, lambda: house.slack.submit(ANNA, given=given)))
    kept = orjson.dumps([message for channel in house.slack.channels for message in channel.messages]).decode()
    assert made not in kept and again not in kept
    house.slack.refused.clear()  # that the bot is not in #random is how it learns where to go


async def test_a_key_that_cannot_be_shown_is_revoked(house: House) -> None:
    await house.slack.command("/ccb", "keys new", channel="random")
    await house.modal("key")
    house.slack.trouble["chat.postEphemeral"] = ["not_in_channel", "not_in_channel"]
    given: dict[str, Any] = {"name": "ci", "permissions": ["events.read"], "expires_at": "never"}
    direct = house.slack.direct(ANNA).id
    said = await house.after(ANNA, direct, lambda: house.slack.submit(ANNA, given=given))
    assert "it was revoked" in text_of(said) and KEY.search(text_of(said)) is None
    assert ":no_entry_sign: revoked" in text_of(await house.type("keys"))
    house.slack.refused.clear()


async def test_many_keys_with_long_names(house: House) -> None:
    for number in range(21):
        wish = {"name": f"{number}" + "<&>" * 32, "permissions": list(PERMISSIONS), "expires_at": "1h"}
        await house.client.ask("POST", "/v1/auth/tokens", wish, status=201)
    said = text_of(await house.type("keys"))
    assert "22 API keys" in said and "12 more: `ccb keys list`" in said and "expires in 1 hour" in said


async def _status(house: House, key: str) -> int:
    url = f"{house.client.engine.report.address}/v1/events"
    async with house.client.public.get(url, headers={"Authorization": f"Bearer {key}"}) as answer:
        return answer.status
