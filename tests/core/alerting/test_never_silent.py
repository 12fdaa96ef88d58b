"""What could be lost, or told for nothing: channels away, a clock put back, pauses, stops, storms."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from core import alerting, auth, integrations
from core.alerting import message as shown
from core.alerting import unknown
from core.alerting.plans import STORM
from storage.alert_rules import RULES
from tests.core.alerting.house import RULE, House


async def test_what_was_given_up_is_told_with_the_next_repeat(house: House) -> None:
    """A channel may be away for longer than all attempts last; the alert fires still."""
    forward = await house.install({**RULE, "notification_channels": ["email://a@b.example"]})
    house.inbox.refused.add("a@b.example")
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    house.inbox.refused.clear()
    for _ in range(5):
        await house.count(forward, dead=10)
        await house.look(1, every=3600)
        await house.tell(2)
    assert len(house.inbox.messages) == 1, await house.history(await house.alert(), "skipped")


async def test_a_rule_that_gets_other_channels_while_it_fires_is_told_there(house: House) -> None:
    forward = await house.install({**RULE, "notification_channels": ["slack://nowhere"]})
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    assert await house.history(await house.alert(), "attempt_failed")
    await house.rules(forward, {**RULE, "severity": "warning", "description": "call Ann"})
    await house.look(2)
    await house.tell(12)
    (message,) = house.posted()
    assert "Errors · warning" in message["text"] and "call Ann" in message["text"]
    alert = await house.alert()
    assert (await house.kinds(alert)).count("planned") == 2
    assert "rule_changed" in await house.kinds(alert)
    await house.look(5)
    await house.tell(12)
    assert len(house.posted()) == 1


@pytest.mark.parametrize("changed", [{"SLACK_BOT_TOKEN": None}])
async def test_a_channel_that_is_set_later_is_told(quick_house: House, changed: dict[str, Any]) -> None:
    house = quick_house
    forward = await house.install({**RULE, "notification_channels": []})
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    assert house.inbox.messages == []
    house.configure(alert_email="ops@example.org")
    await house.look()
    await house.tell(12)
    assert len(house.inbox.messages) == 1


async def test_a_clock_that_is_put_back_loses_nothing(house: House) -> None:
    """What was told in what is now the future is no group to join."""
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    assert len(house.posted()) == 1
    house.clock.move(-3600)
    await house.rules(forward, RULE, {**RULE, "name": "Many", "condition": "received > 3"})
    await house.count(forward, received=10)
    await house.look()
    await house.tell(12)
    assert len(house.posted()) == 2
    await house.look()


async def test_what_waits_when_the_clock_is_put_back_is_told_at_once(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    house.clock.move(-86_400)
    await house.tell(12)
    assert len(house.posted()) == 1


async def test_what_flaps_all_day_is_told_once_an_hour(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "condition": "queue_depth < 1 and received > 0", "min_samples": 1})
    await house.flap(forward, 15)
    told = [alert for alert in await house.alerts() if alert.told_at is not None]
    assert house.clock.now() - told[0].started_at > 7000
    assert len(told) == 4 and told[-1].flapping
    assert "It comes and goes" in house.posted()[-1]["text"]


async def test_a_storm_is_one_message_and_what_is_worst_comes_first(house: House) -> None:
    mild = {**RULE, "name": "Mild", "severity": "info"}
    for number in range(STORM + 1):
        forward = await house.install(mild, RULE, slug=f"forward-{number:02}")
        await house.count(forward, dead=10)
    await house.look()
    await house.tell(14)
    texts = [message["text"] for message in house.posted()]
    assert [text.splitlines()[0] for text in texts] == [
        f"Alert: {STORM + 1} alerts · critical · {STORM + 1} integrations",
        f"Alert: {STORM + 1} alerts · info · {STORM + 1} integrations",
    ]
    assert "Forward: Errors:" in texts[0]
    alert = (await house.alerts(severity="critical"))[3]
    (told,) = await house.history(alert, "delivered")
    assert (told["count"], alert.id in told["group"]) == (STORM + 1, True)
    await alerting.acknowledge(house.ctx, alert.id, comment="", actor=auth.SYSTEM)
    await house.tell(3)
    assert len(await house.history(alert, "delivered")) == 2
    assert house.thread() == ["Errors: Acknowledged by system (Forward)"], "of many it says whose it is"
    for one in await house.alerts(severity="info"):
        await alerting.acknowledge(house.ctx, one.id, comment="", actor=auth.SYSTEM)
    await house.tell(3)
    assert house.thread()[1:] == ["Mild: Acknowledged by system"], "all of them need no list"
    other = (await house.alerts(severity="critical"))[4]
    assert len(await house.history(other, "delivered")) == 1, "of another alert there is nothing new"


async def test_what_fires_is_told_before_what_is_well_again(house: House) -> None:
    rules = [{**RULE, "name": name, "severity": name} for name in ("info", "warning", "critical")]
    forward = await house.install(*rules)
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(14)
    for alert in await house.alerts():
        await alerting.acknowledge(house.ctx, alert.id, comment="", actor=auth.SYSTEM)
    late = await house.install({**RULE, "name": "Late", "severity": "info"}, slug="late")
    await house.count(late, dead=10)
    await house.look()
    house.clock.move(10)
    await house.tell()
    assert [message["text"].splitlines()[0] for message in house.posted()] == [
        "Alert: critical · critical · Forward",
        "Alert: warning · warning · Forward",
        "Alert: info · info · Forward",
        "Alert: Late · info · Forward",
    ]


async def test_who_pauses_an_integration_is_not_called_for_it(house: House) -> None:
    refused = {**RULE, "name": "Refused", "condition": "webhook_failures > 0", "repeat_interval": "5m"}
    status = {**RULE, "name": "Status", "condition": "changes(status) > 0", "severity": "info"}
    forward = await house.install(refused, status)
    await house.look()
    await integrations.pause(house.ctx, forward, actor=auth.SYSTEM)
    for _ in range(20):
        await house.count(forward, **{"rejected:inactive": 1})
        await house.look()
        await house.tell()
    (message,) = house.posted()
    assert "Status" in message["text"], "who wants to hear of a pause does"
    alert = next(alert for alert in await house.alerts() if alert.name == "Refused")
    assert (alert.silenced_by, await house.kinds(alert)) == ("paused", ["pending", "firing", "silenced"])
    await integrations.activate(house.ctx, forward, actor=auth.SYSTEM)
    await house.look()
    await house.tell(12)
    assert (await house.kinds(alert))[3:] == ["silence_over", "planned", "delivered"]


async def test_nothing_could_come_in_while_the_engine_was_stopped(house: House) -> None:
    await house.install({**RULE, "condition": "no_events for 1h"})
    await house.look(3)
    await house.look(3, every=7200)
    assert await house.state() == "ok"
    await house.look(31, every=120)
    assert await house.state() == "firing"


async def test_how_much_is_of_the_value_that_is_told(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, succeeded=219, dead=31)
    await house.look()
    await house.count(forward, succeeded=100)
    await house.look()
    told = shown.part(await house.alert(), now=house.clock.now())
    assert "error_rate is 8.9 %" in str(told.measured) and str(told.counts) == "31 of 350 attempts"


async def test_a_rule_that_cannot_be_read_keeps_no_other_from_being_looked_at(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "name": "Strange"}, RULE)
    newer = sa.update(RULES).where(RULES.c.name == "Strange").values(condition="brightness > 5 lux")
    await house.ctx.db.write(lambda connection: connection.execute(newer))
    await house.count(forward, dead=10)
    await house.look()
    assert (await house.state(), await house.state("Strange")) == ("firing", "no_data")
    why = await unknown.reasons(house.ctx, await alerting.standings(house.ctx, integration_id=forward))
    assert [str(reason) for reason in why.values()] == [
        "The rule cannot be read by this version of the engine: write it anew."
    ]


async def test_what_is_pending_says_its_value(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "condition": "(failed > 100 or error_rate > 5%) for 5m"})
    await house.count(forward, succeeded=1, dead=9)
    await house.look()
    alert = await house.alert()
    assert (alert.status, alert.metric, alert.value) == ("pending", "error_rate", 90.0)
