"""replay and queue: many events again or aside, as jobs whose message is edited until they have ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core import audit
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, BOT_TOKEN, CAROL, SlackStandIn
from tests.chatbot.commands.conftest import Worked
from tests.chatbot.conftest import House, text_of
from tests.contexts import MovableClock
from tests.core.gaps.conftest import LOG, LOGGED
from tests.engines import running
from tests.packages import package


@pytest.mark.slow
async def test_a_replay_is_looked_at_begun_and_followed(worked: Worked) -> None:
    house = worked.house
    [good] = await worked.deliver(1)
    await worked.deliver(2, 3, status="dead")
    assert "role operator" in text_of(await house.type("replay forward from 1h", user=CAROL))
    assert "I don't know what nonsense means" in text_of(await house.type("replay forward nonsense"))
    assert "from wants a value" in text_of(await house.type("replay forward from"))
    assert good in text_of(await house.type(f"replay {good}"))

    looked = await house.type("replay forward from 1h")
    said = text_of(looked)
    assert "2 events would run: 2 × :red_circle: dead" in said
    assert "4 effects of them are done and are not repeated" in said
    assert "Everything again would be 3 events, those that have succeeded too, and would repeat 7 effects" in said
    effects = len(worked.receiver.received)
    progress = await house.press(looked, "replay_many:resume")
    assert progress in house.slack.channel("general").messages
    assert "Run 2 events again" in text_of(progress) and "0 of 2" in text_of(progress)
    done = await worked.becomes(progress, lambda said: ":large_green_circle: done" in said)
    assert "2 of 2 · 2 succeeded" in done and "asked for by anna" in done and "Cancel" not in done
    assert len(worked.receiver.received) == effects + 2  # the two that were left
    assert "Begun: `job_" in text_of(looked) and "Run 2 events" not in text_of(looked)
    [entry] = await audit.newest(house.ctx, action="replay.started")
    assert (entry.actor_kind, entry.actor_id) == ("slack", ANNA)

    # By the modal: of what has succeeded nothing is left, so only everything again is offered.
    await house.slack.command("/ccb", "replay forward", user=BORIS)
    await house.modal("replay", user=BORIS)
    wrong = await house.slack.submit(BORIS, given={"from": "yesterday", "status": "succeeded"})
    assert set(wrong.errors) == {"from"}
    his = await house.after(BORIS, "general", lambda: house.slack.submit(BORIS, given={"from": "2h"}))
    buttons = {one["action_id"]: one for one in his["blocks"][-1]["elements"]}
    assert set(buttons) == {"replay_many:again"}
    assert buttons["replay_many:again"]["confirm"]["style"] == "danger"
    again = await house.press(his, "replay_many:again", user=BORIS, confirm=True)
    await worked.becomes(again, lambda said: ":large_green_circle:" in said)
    assert len(worked.receiver.received) == effects + 2 + 6

    # Pressed twice, it begins once, also when the message with the button was not replaced.
    hers = await house.type("replay forward from 3h")
    shown = [dict(block) for block in hers["blocks"]]
    twice = [house.slack.press(ANNA, hers, "replay_many:again", confirm=True) for _ in range(2)]
    assert all(outcome.acked for outcome in await asyncio.gather(*twice))
    await worked.becomes(hers, lambda said: "Begun" in said)
    assert len(await house.client.ask("GET", "/v1/jobs")) == 3
    seen = house.slack.seen_by
    await house.slack.until(lambda: any("beginning already" in text_of(one) for one in seen(ANNA, "general")))
    await house.slack.until(lambda: ":hourglass" not in text_of(house.slack.channel("general").messages[-1]))
    value = next(one["value"] for one in shown[-1]["elements"] if one["action_id"] == "replay_many:again")
    house.ctx.memo.drop(("slack-replay", value))  # as after those seconds
    hers["blocks"] = shown
    assert "This has begun already: job_" in text_of(await house.press(hers, "replay_many:again", confirm=True))
    assert len(await house.client.ask("GET", "/v1/jobs")) == 3


@pytest.mark.slow
async def test_a_job_waits_and_is_cancelled(worked: Worked) -> None:
    house = worked.house
    await worked.deliver(2, 3, status="dead")
    await house.client.ask("POST", f"/v1/integrations/{worked.id}/pause")
    progress = await house.press(await house.type("replay forward dead"), "replay_many:resume")
    waits = await worked.becomes(progress, lambda said: "It waits: " in said)
    assert "The job goes on when it is active again" in waits and "▹" in waits
    refused = await house.press(progress, "job_cancel", user=CAROL, confirm=True)
    assert "role operator" in text_of(refused)
    [job] = await house.client.ask("GET", "/v1/jobs")
    assert "told" not in job["params"]
    cancelled = await worked.press(progress, action_id="job_cancel", confirm=True, until="cancelled")
    assert "Cancel" not in cancelled.replace("cancelled", "")
    [entry] = await audit.newest(house.ctx, action="job.cancelled")
    assert (entry.actor_kind, entry.actor_id) == ("slack", ANNA)


@pytest.mark.slow
async def test_the_queue_and_what_is_dead_in_it(worked: Worked) -> None:
    house = worked.house
    empty = text_of(await house.type("queue"))
    assert ":large_green_circle: all is well" in empty and "Nothing waits" in empty
    await worked.deliver(*range(21), status="dead")
    looked = await house.type("queue", user=BORIS)
    assert "21 " in text_of(looked) and "`forward`" in text_of(looked)
    hers = await house.type("queue forward", user=CAROL)
    assert "21 are dead" in text_of(hers) and ":large_yellow_circle: needs a look" in text_of(hers)
    assert "role operator" in text_of(await house.press(hers, "queue_retry:0dead", user=CAROL))
    retried = await house.press(looked, "queue_retry:0dead", user=BORIS)
    await worked.becomes(retried, lambda said: ":large_green_circle:" in said)

    await worked.deliver(30, status="dead")
    looked = await house.type("queue")
    discard = next(
        part
        for row in looked["blocks"]
        for part in row.get("elements", [])
        if part["action_id"] == "queue_discard:0dead"
    )
    assert discard["confirm"]["text"]["text"].startswith("1 event of Forward is set aside")
    said = await house.press(looked, "queue_discard:0dead", confirm=True)
    assert "Discard 1 event" in await worked.becomes(said, lambda said: ":large_green_circle: done" in said)
    assert "all is well" in text_of(await house.press(looked, "run:again"))
    assert {entry.action for entry in await audit.newest(house.ctx) if entry.actor_kind == "slack"} == {
        "events.retried",
        "events.discarded",
    }


@pytest.mark.slow
async def test_the_message_is_edited_on_after_a_restart(tmp_path: Path, clock: MovableClock) -> None:
    async with SlackStandIn() as slack:
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=clock, **given, CCB_SLACK_ADMINS=ANNA) as client:
            await slack.connected(2)
            house = House(client, slack, clock)
            made = await client.install(package(LOG, "example.com", expected=LOGGED))
            await client.ended((await client.deliver(made["id"], {"n": 1})).json["event_id"])
            await client.ask("POST", f"/v1/integrations/{made['id']}/pause")
            looked = await house.type("replay forward from 1h")
            progress = await house.press(looked, "replay_many:again", confirm=True)
            await slack.until(lambda: "It waits: " in text_of(progress))
        async with running(tmp_path / "data", clock=clock, **given, CCB_SLACK_ADMINS=ANNA) as client:
            clock.move(60)  # a job that waits looks again after a while
            await client.ask("POST", f"/v1/integrations/{made['id']}/activate")
            await slack.until(lambda: ":large_green_circle: done" in text_of(progress))
        assert slack.refused == []
