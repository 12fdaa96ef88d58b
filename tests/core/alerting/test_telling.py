"""How channels are told: each at its own pace, tried again while it fails, never twice after a crash."""

from __future__ import annotations

from core import alerting
from core.actors import Actor
from core.alerting.outbox import MOST_ATTEMPTS
from tests.core.alerting.house import RULE, House

ANN = Actor("slack", "U1", "ann", frozenset({"alerts.write"}))


async def test_a_channel_is_tried_again_and_given_up(house: House) -> None:
    forward = await house.install({**RULE, "notification_channels": ["slack://random", "email://a@b.example"]})
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    assert len(house.inbox.messages) == 1, "a channel that fails does not hold up the others"
    alert = await house.alert()
    (failed,) = await house.history(alert, "attempt_failed")
    assert (failed["channel"], failed["attempt"]) == ("slack://random", 1) and "not_in_channel" not in failed
    house.slack.channel("random").is_member = True
    await house.tell(6)
    assert len(house.posted("random")) == 1
    house.slack.channel("random").is_member = False
    await alerting.acknowledge(house.ctx, alert.id, comment="", actor=ANN)
    house.slack.broken = 500
    for _ in range(MOST_ATTEMPTS + 1):
        house.clock.move(1000)
        await house.tell()
    (dead,) = await house.history(alert, "dead")
    assert dead["attempt"] == MOST_ATTEMPTS


async def test_slack_gets_one_message_a_second_in_each_channel(house: House) -> None:
    for n in range(4):
        forward = await house.install(RULE, slug=f"forward-{n}")
        await house.count(forward, dead=10)
    await house.look()
    await house.tell(10)
    seen = []
    for _ in range(5):
        house.clock.move(0.5)
        await house.dispatcher.run()
        seen.append(len(house.posted()))
    assert all(later - earlier <= 1 for earlier, later in zip(seen, seen[2:], strict=False)) and seen[-1] >= 3, seen


async def test_a_crash_between_send_and_record_repeats_no_slack_message(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    house.slack.hang_up_after_posting = 1
    await house.tell(12)
    assert len(house.posted()) == 1
    await house.tell(8)
    assert len(house.posted()) == 1, "the message is found by its key"
    assert (await house.kinds(await house.alert()))[-2:] == ["attempt_failed", "delivered"]


async def test_a_slack_channel_gets_one_message_a_second_and_loses_none(quick_house: House) -> None:
    house = quick_house
    house.slack.clock, house.slack.one_a_second = house.clock, True
    slugs = [f"forward-{number}" for number in range(4)]
    for slug in slugs:
        await house.count(await house.install(RULE, slug=slug), dead=10)
    await house.look()
    await house.tell(9)
    found = []
    for _ in range(4):
        await house.tell()
        found.append(len(house.posted()))
    assert found == [1, 2, 3, 4]
    for alert in await house.alerts():
        assert "attempt_failed" not in await house.kinds(alert), "Slack never had to refuse one"

    # Slack says how long to wait: nobody asks before, no attempt is counted, and all of it arrives.
    house.slack.limits["deploys"] = 30
    for alert in await house.alerts():
        await alerting.acknowledge(house.ctx, alert.id, comment="seen", actor=ANN)
    await house.tell(10)
    asked = house.slack.called.count("chat.postMessage")
    assert asked == 5 and house.thread() == []
    await house.tell(15)
    assert house.slack.called.count("chat.postMessage") == asked
    del house.slack.limits["deploys"]
    await house.tell(12)
    assert house.thread() == ["Errors: Acknowledged by ann: seen"] * 4
    assert all("Acknowledged: Errors" in message["text"] for message in house.posted())
    for alert in await house.alerts():
        assert (await house.kinds(alert)).count("delivered") == 2
