"""help, claim, list, status, health: typed in Slack, answered there."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from chatbot import people
from core import audit
from core.demo.stand_ins.slack import BORIS, CAROL
from tests.chatbot.conftest import House, text_of


async def test_help_in_both_languages_and_a_guess(house: House) -> None:
    shown = text_of(await house.type(""))
    assert "/ccb status [integration]" in shown
    assert "Show whether the engine" in shown
    assert "/ccb status" in text_of(await house.type("help status"))
    guessed = await house.type("staus hello")
    assert "There is no command `staus`" in text_of(guessed)
    assert "There is no integration hello" in text_of(await house.press(guessed, text="/ccb status"))
    assert "/ccb status" in text_of(await house.type("help", user=BORIS))
    assert "There is no command `staus`" in text_of(await house.type("help staus"))


async def test_status_health_and_list(house: House) -> None:
    assert "There is no integration yet" in text_of(await house.type("list"))
    made = await house.client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
    listed = await house.type("list", user=CAROL)
    assert made["slug"] in text_of(listed)
    one = await house.press(listed, "run:0", user=CAROL)
    assert "Deliveries are refused" in text_of(one) or "deliveries are refused" in text_of(one)
    assert made["slug"] in text_of(await house.type("status"))
    assert "database" in text_of(await house.type("health"))
    unknown = await house.type("status nothing")
    assert "There is no integration nothing." in text_of(unknown)
    assert made["slug"] in text_of(await house.press(unknown, text="Show what there is"))


async def test_what_is_not_there_is_answered_with_what_there_is(house: House) -> None:
    """Nobody is sent to a terminal or to REST: a button shows what the command would have shown without the id."""
    made = await house.client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
    for command in ("logs", "pause", "activate", "config", "gaps"):
        wrong = await house.type(f"{command} nothing")
        assert "There is no integration nothing." in text_of(wrong) and "ccb integrations" not in text_of(wrong)
        chosen = await house.press(wrong, text="Show what there is")
        assert "Which integration?" in text_of(chosen) and made["slug"] in text_of(chosen)
    event = await house.type("trace evt_nothing")
    assert "There is no event evt_nothing." in text_of(event) and "ccb events" not in text_of(event)
    assert "There is no such event" in text_of(await house.press(event, text="Show what there is"))
    alert = await house.type("alerts alt_nothing")
    assert "There is no alert alt_nothing." in text_of(alert) and "/v1/" not in text_of(alert)
    assert "No alert is open" in text_of(await house.press(alert, text="Show what there is"))
    assert "loud is not known here. There are: debug" in text_of(await house.type("logs hello-webhook loud"))


async def test_mentions_and_direct_messages(house: House) -> None:
    assert "The engine" in text_of(await house.mention("health"))
    parent = (await house.slack.say(CAROL, "general", "It broke")).message
    assert parent is not None
    answer = await house.mention("help", user=CAROL, thread_ts=parent["ts"])
    assert answer["thread_ts"] == parent["ts"]
    direct = house.slack.direct(CAROL).id
    said = await house.after(CAROL, direct, lambda: house.slack.direct_message(CAROL, "status"), skip=1)
    assert "The engine" in text_of(said)


async def test_a_modal_checks_its_fields_and_says_what_became_of_it(unclaimed: House) -> None:
    house, code = unclaimed, unclaimed.client.engine.report.claim_code
    assert code is not None
    assert "role viewer" not in text_of(await house.type("status", user=CAROL))
    await house.slack.command("/ccb", "claim", user=CAROL)
    await house.modal("claim", user=CAROL)
    problems = (await house.slack.submit(CAROL, given={"code": "nonsense"})).errors
    assert problems == {"code": "A code looks like ABCDE-FGHJK-LMNPQ-RSTUV."}
    said = await house.after(CAROL, "general", lambda: house.slack.submit(CAROL, given={"code": code.lower()}))
    assert "You are an admin now" in text_of(said)
    assert "This code is not good" in text_of(await house.type(f"claim {code}"))
    [entry] = await audit.newest(house.ctx, action="slack.admin_claimed")
    assert (entry.actor_kind, entry.actor_id) == ("slack", CAROL)
    assert await people.role_of(house.ctx, AsyncWebClient(), CAROL) == "admin"


async def test_a_mention_opens_a_modal_by_a_button(unclaimed: House) -> None:
    offered = await unclaimed.mention("claim", user=BORIS)
    await unclaimed.slack.press(BORIS, offered, "open:0")
    await unclaimed.modal("claim", user=BORIS)
