"""An alert in a channel, and `/ccb alerts`: pressed, chosen and typed over Slack's wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core import alerting, audit
from core.alerting import Evaluator
from core.demo.stand_ins.slack import ANNA, BORIS, CAROL
from storage import metrics
from tests.chatbot.conftest import House, Message, connected, text_of
from tests.contexts import MovableClock
from tests.packages import package

HANDLER = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"]["n"]:
        raise ValueError("channel_not_found")
    return []
"""
RULE: dict[str, Any] = {"name": "High <Error> Rate", "condition": "error_rate > 5%", "severity": "critical",
                        "min_samples": 1, "description": "Call the team."}  # fmt: skip


@pytest.fixture
async def house(tmp_path: Path, clock: MovableClock) -> AsyncIterator[House]:
    roles = {"CCB_SLACK_ADMINS": ANNA, "CCB_SLACK_OPERATORS": "S0OPS"}
    async with connected(tmp_path / "data", clock, CCB_ALERT_SLACK_CHANNEL="deploys", **roles) as house:
        yield house


async def _install(house: House, *rules: dict[str, Any]) -> Any:
    made = await house.client.install(package(HANDLER, "example.com"))
    await house.client.ask("PUT", f"/v1/integrations/{made['id']}/alerts", {"rules": list(rules)})
    return made


async def _count(house: House, integration_id: str, **counts: float) -> None:
    made: metrics.Counts = {}
    for name, value in counts.items():
        metrics.count(made, integration_id, house.clock.now(), name, by=value)
    await house.ctx.db.write(metrics.add, made)


async def _look(house: House, evaluator: Evaluator, times: int = 1, *, every: float = 20) -> None:
    for _ in range(times):
        house.clock.move(every)
        while not await evaluator.look():  # the engine's own scheduler looked at the same moment
            pass


def _pictures(house: House) -> list[Any]:
    return [block for block in _modal(house)["blocks"] if block["type"] == "image"]


def _foretold(house: House) -> str:
    return next((str(block) for block in _modal(house)["blocks"] if ":crystal_ball:" in str(block)), "")


def _modal(house: House) -> Message:
    """Return the modal that Boris sees."""
    return house.slack.view(BORIS) or {}


def _posts(house: House) -> list[Message]:
    return [m for m in house.slack.channel("deploys").messages if "thread_ts" not in m]


def _thread(house: House) -> str:
    return "\n".join(m["text"] for m in house.slack.channel("deploys").messages if "thread_ts" in m)


async def _until(house: House, words: str) -> Message:
    """Wait until the alert's message says it; a channel gets a message a second, so time passes meanwhile."""
    async with asyncio.timeout(15):
        while not _posts(house) or words not in text_of(_posts(house)[0]):
            house.clock.move(1)
            await asyncio.sleep(0.2)
    return _posts(house)[0]


async def test_an_alert_is_one_message_that_tells_what_is_done_about_it(house: House) -> None:
    made = await _install(house, RULE)
    answer = await house.client.deliver(made["id"], {"n": 1})
    event_id = answer.json["event_id"]
    await house.client.ended(event_id, "dead")
    evaluator = Evaluator(house.ctx)
    await _count(house, made["id"], dead=30, succeeded=219)
    await _look(house, evaluator)
    house.clock.move(11)
    message = await _until(house, "High")
    said = text_of(message)
    assert ":red_circle: firing · *High &lt;Error&gt; Rate* · :rotating_light: critical · Forward" in said
    assert "error_rate is 12.4 % (rule: &gt; 5%)" in said and "<!date^" in said and "31 of 250 attempts" in said
    assert (
        "The error in " in said
        and "channel_not_found" in said
        and "Call the team." in said
        and "before: installed by" in said
    )
    assert "error_rate is 12.4 %" in message["text"]
    [picture] = await house.slack.until(lambda: [b for b in _posts(house)[0]["blocks"] if b["type"] == "image"])
    assert "error_rate of Forward" in picture["alt_text"] and "highest" in picture["alt_text"]
    assert house.slack.files[picture["slack_file"]["id"]]["data"].startswith(b"\x89PNG")

    refused = await house.press(message, "open:acknowledge", user=CAROL, channel="deploys")
    assert "role operator" in text_of(refused)
    await house.slack.press(ANNA, message, "open:acknowledge")
    await house.modal("acknowledge")
    await house.slack.submit(ANNA, given={"comment": "looking"})
    message = await _until(house, ":large_yellow_circle: acknowledged")
    assert "Acknowledged by anna: looking" in text_of(message)
    await house.slack.until(lambda: "Acknowledged by anna: looking" in _thread(house))
    assert "open:acknowledge" not in str(message["blocks"])

    await house.slack.select(BORIS, message, "snooze:0", "Until tomorrow, 9:00")
    message = await _until(house, ":zzz: snoozed")
    [alert] = await alerting.newest(house.ctx)
    assert alert.snoozed_by == "boris"
    assert (alert.snoozed_until or 0) % 86_400 == 6 * 3600, "nine o'clock in Moscow"

    told = await house.press(message, "replay_failed", user=BORIS, channel="deploys", confirm=True)
    assert "1 событие" in text_of(told) or "1 event is tried again" in text_of(told)
    message = await _until(house, "1 event is replayed, says boris")
    await house.slack.until(lambda: "1 event is replayed" in _thread(house))

    drawn = await house.press(message, "graph", channel="deploys")
    assert drawn["thread_ts"] == message["ts"]
    await house.slack.until(lambda: "slack_file" in str(drawn["blocks"]))

    why = text_of(await house.press(message, "run:alerts", channel="deploys"))
    for line in ("It fires (error_rate 12.4 %, threshold 5 %)", "Told in slack, attempt 1", "To be told in slack",
                 "Acknowledged by anna: looking", "Snoozed until", "1 event is replayed"):  # fmt: skip
        assert line in why

    house.clock.move(3700)
    await _count(house, made["id"], succeeded=1000)
    await _look(house, evaluator, 9)
    message = await _until(house, ":large_green_circle: resolved")
    assert "Resolved after" in text_of(message) and not [b for b in message["blocks"] if b["type"] == "actions"]
    assert len(_posts(house)) == 1
    entries = await audit.newest(house.ctx, limit=50)
    assert {
        ("alert.acknowledged", ANNA),
        ("alert.snoozed", BORIS),
        ("alert.replayed", BORIS),
        ("events.retried", BORIS),
    } <= {(entry.action, entry.actor_id) for entry in entries}


async def test_the_modal_of_a_message_about_many_counts_those_that_it_does_not_show(house: House) -> None:
    rules = [{**RULE, "name": f"Rule {number}"} for number in range(7)]
    made = await _install(house, *rules)
    await _count(house, made["id"], dead=30, succeeded=219)
    await _look(house, Evaluator(house.ctx))
    house.clock.move(11)
    message = await _until(house, "7 alerts")
    await house.slack.press(ANNA, message, "open:acknowledge")
    said = text_of(await house.modal("acknowledge"))
    assert "*Rule 4*: error_rate is 12 %" in said and "Rule 5" not in said and "and 2 more alerts" in said
    await house.slack.submit(ANNA)
    assert "acknowledged" in text_of(await _until(house, ":large_yellow_circle: acknowledged"))


async def test_open_alerts_then_rules_with_what_can_be_done(house: House) -> None:
    empty = text_of(await house.type("alerts"))
    assert "No alert is open" in empty
    made = await _install(house, RULE, {"name": "Calm", "condition": "failed > 1000", "severity": "info"})
    evaluator = Evaluator(house.ctx)
    await _count(house, made["id"], dead=30, succeeded=20)
    await _look(house, evaluator)
    shown = await house.type("alerts")
    said = text_of(shown)
    assert ":red_circle: firing · *High &lt;Error&gt; Rate*" in said and " rules are well" in said
    assert "1 open alert" in shown["text"]
    mine = await house.press(shown, "run:0")
    said = text_of(mine)
    assert said.index("High &lt;Error&gt; Rate") < said.index("Calm") and ":large_green_circle: all well" in said
    assert "tells `slack`" in said and "`error_rate &gt; 5%`" in said
    russian = text_of(await house.type("alerts forward", user=BORIS))
    assert "`error_rate &gt; 5%`" in russian

    tested = await house.press(mine, "run:test0")
    assert ":large_green_circle: arrived · `slack`: Posted to #deploys." in text_of(tested)
    assert "role operator" in text_of(
        await house.press(await house.type("alerts forward", user=CAROL), "run:all", user=CAROL)
    )
    house.slack.channel("deploys").is_member = False
    failed = text_of(await house.press(tested, "run:0"))
    assert ":x: did not arrive" in failed and "/invite @ccb" in failed
    house.slack.channel("deploys").is_member = True
    house.slack.refused.clear()

    [alert] = await alerting.newest(house.ctx)
    snoozed = await house.after(ANNA, "general", lambda: house.slack.select(ANNA, shown, "snooze:0", "For 1 hour"))
    assert "Snoozed until <!date^" in text_of(snoozed)
    await house.slack.press(ANNA, shown, "open:acknowledge0")
    await house.modal("acknowledge")
    told = await house.after(ANNA, "general", lambda: house.slack.submit(ANNA))
    assert "Acknowledged: High &lt;Error&gt; Rate" in text_of(told)
    story = text_of(await house.type(f"alerts {alert.id}"))
    assert "It fires (error_rate 60 %, threshold 5 %)" in story and "To be told in slack" in story
    assert "It is about to be told in slack." in story or "It was told in slack. It is not told again" in story
    assert "There is no alert alt_none" in text_of(await house.type("alerts alt_none"))
    assert "`nonsense`" in text_of(await house.type("alerts forward nonsense")) or "nonsense is not known" in text_of(
        await house.type("alerts forward nonsense")
    )


async def test_a_rule_is_checked_as_it_is_typed_and_tried_on_the_past(house: House) -> None:
    made = await _install(house, RULE)
    for _ in range(3):
        house.clock.move(3600)
        await _count(house, made["id"], dead=50, succeeded=50)
        for _ in range(3):
            house.clock.move(3600)
            await _count(house, made["id"], succeeded=1000)
    await house.slack.command("/ccb", "alerts forward add", user=BORIS, channel="general")
    view = await house.modal("alert_rule", user=BORIS)
    typed = {"name": "High <Error> Rate", "condition": "error_rate > 5% fro 5m", "channels": "slakc://x",
             "resolve": "error_rate >"}  # fmt: skip
    outcome = await house.slack.submit(BORIS, view, typed)
    assert set(outcome.errors) == {"name", "condition", "channels", "resolve"}
    assert "17" in outcome.errors["condition"], outcome.errors
    assert outcome.errors["condition"].count("17") == 1  # the column is named once
    house.slack.fill(BORIS, {"name": "Second", "condition": "error_rate > 10%", "channels": "", "resolve": ""})
    await house.slack.press(BORIS, _modal(house), "preview_rule")
    await house.slack.until(lambda: ":crystal_ball:" in text_of(_modal(house)))
    await house.slack.until(lambda: bool(_pictures(house)))
    view = _modal(house)
    (picture,) = _pictures(house)
    assert "%" in picture["alt_text"], "the chart says its numbers in words"
    assert "3 раза" in text_of(view) and view["state"]["values"]["name"]["typed"]["value"] == "Second"
    await house.slack.press(BORIS, view, "preview_rule:30")
    await house.slack.until(lambda: "30" in _foretold(house) and bool(_pictures(house)))
    view = _modal(house)
    house.slack.fill(BORIS, {"condition": "nothing"})
    await house.slack.press(BORIS, view, "preview_rule")
    await house.slack.until(lambda: ":x:" in text_of(_modal(house)))
    house.slack.fill(BORIS, {"condition": "error_rate > 10%", "channels": "slack://deploys, email://a@x.org,b@x.org"})
    said = await house.after(BORIS, "general", lambda: house.slack.submit(BORIS))
    assert "*Second*" in text_of(said) and ":crystal_ball:" in text_of(said)
    assert said in house.slack.channel("general").messages, "a change is said in the channel"
    rules = (await house.client.ask("GET", f"/v1/integrations/{made['id']}/alerts"))["rules"]
    assert [rule["name"] for rule in rules] == ["High <Error> Rate", "Second"]
    assert rules[1]["notification_channels"] == ["slack://deploys", "email://a@x.org,b@x.org"]

    await house.slack.command("/ccb", "alerts forward silence", user=BORIS, channel="general")
    view = await house.modal("silence", user=BORIS)
    assert set((await house.slack.submit(BORIS, view, {"comment": " "})).errors) == {"comment"}
    said = await house.after(
        BORIS, "general", lambda: house.slack.submit(BORIS, given={"comment": "Jira moves", "rule": "Second"})
    )
    assert "Jira moves" in text_of(said) and "Second" in text_of(said)
    assert "Jira moves" in text_of(await house.type("alerts"))
    [row] = await alerting.silences(house.ctx, ended=False)
    assert (row.rule, row.integration_id, row.at_to - row.at_from) == ("Second", made["id"], 7200)
    ended = await house.press(said, "unsilence")
    assert row.id in text_of(ended) and not await alerting.silences(house.ctx, ended=False)


async def test_the_longest_rules_and_the_most_alerts_are_shown_without_a_chart(house: House) -> None:
    """Nor does a chart that cannot be uploaded hold anything up."""
    house.slack.trouble["files.getUploadURLExternal"] = ["internal_error"]
    condition = " or ".join(["latency_p95 > 500ms", "error_rate > 5%"] * 12)
    mails = [f"email://{'a' * 60}@example{n}.org" for n in range(9)]
    many = [
        {"name": f"{n:02} <&`*_~> {'Ж' * 69}", "condition": condition, "severity": "info", "description": "<&>" * 166,
         "min_samples": 1, "notification_channels": [*mails, "slack"]}
        for n in range(50)
    ]  # fmt: skip
    made = await _install(house, *many)
    evaluator = Evaluator(house.ctx)
    await _count(house, made["id"], dead=30, succeeded=20)
    await _look(house, evaluator)
    house.clock.move(11)
    shown = await _until(house, "50 alerts")
    assert "30 more: `/ccb alerts`" in text_of(shown)
    assert "45 more: `/ccb alerts`" in text_of(await house.type("alerts"))
    assert "38 more rules" in text_of(await house.type("alerts forward"))
    for subject, view in (("add", "alert_rule"), ("silence", "silence")):
        await house.slack.command("/ccb", f"alerts forward {subject}", user=ANNA, channel="general")
        await house.modal(view)
    outcome = await house.slack.submit(ANNA, given={"comment": "x" * 500, "rule": many[7]["name"]})
    assert outcome.acked, outcome
    await house.slack.select(BORIS, shown, "snooze:0", "For 1 hour")
    [alert, *_] = await alerting.newest(house.ctx)
    async with asyncio.timeout(10):
        while len([one for one in await alerting.newest(house.ctx, limit=99) if one.snoozed_until]) < 50:
            await asyncio.sleep(0.05)
    assert "It fires" in text_of(await house.type(f"alerts {alert.id}"))
    async with asyncio.timeout(10):
        while "files.getUploadURLExternal" not in house.slack.called:
            await asyncio.sleep(0.05)
    assert "delivered" in {line.kind for line in await alerting.history(house.ctx, alert)}
    house.slack.refused.clear()
