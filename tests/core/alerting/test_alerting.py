"""Alerts from the first count to the last message: what is told, what is not, and that it can be seen why."""

from __future__ import annotations

from typing import Any

import pytest

from core import alerting, auth, charts, deployments, integrations
from core.actors import Actor
from core.alerting import SilenceWish, Snooze, story
from core.alerting.preview import preview
from core.errors import Conflict
from tests.core.alerting.house import RULE, House

ANN = Actor("slack", "U1", "ann", frozenset({"alerts.write"}))

A_DAY_LATER = "UPDATE alert_standings SET memory = json_set(memory, '$.missing', 86400.0 - 200)"
"""Looks once in two minutes for almost a day; SQLite's."""


async def test_it_fires_is_told_acknowledged_and_resolved_in_one_message(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, succeeded=219, dead=31)
    await house.look()
    alert = await house.alert()
    assert (alert.status, alert.value, alert.threshold, alert.samples) == ("firing", 12.4, 5.0, 250)
    await house.tell()
    assert house.posted() == [], "more may join within the group's wait"
    await house.tell(10)
    (message,) = house.posted()
    assert "Alert: Errors · critical · Forward" in message["text"]
    assert "error_rate is 12.4 % (rule: &gt; 5%), since <!date^1700000020^" in message["text"]
    assert "31 of 250 attempts" in message["text"]
    assert message["blocks"][0]["text"]["text"].startswith(":red_circle:")

    await alerting.acknowledge(house.ctx, alert.id, comment="looking", actor=ANN)
    await house.tell(2)
    (message,) = house.posted()
    assert "Acknowledged: Errors" in message["text"] and "Acknowledged by ann: looking" in message["text"]
    assert house.thread() == ["Errors: Acknowledged by ann: looking"]

    await house.look(18)
    assert (await house.alert()).without_data is False, "the last hour still tells"
    await house.count(forward, succeeded=5000)
    await house.look(7)
    await house.tell(2)
    (message,) = house.posted()
    assert "Resolved: Errors" in message["text"] and "Resolved after" in message["text"]
    assert "error_rate was 12.4 %" in message["text"]
    assert house.thread()[-1].startswith("Errors: Resolved after ")
    assert await house.kinds(alert) == [
        "pending", "firing", "planned", "delivered", "acknowledged", "delivered", "resolved", "delivered",
    ]  # fmt: skip
    assert await house.state() == "ok"
    with pytest.raises(Conflict, match="has ended"):
        await alerting.acknowledge(house.ctx, alert.id, comment="", actor=ANN)


async def test_what_is_over_does_not_fire_again_by_its_last_hour(house: House) -> None:
    forward, began = await house.install(RULE), house.clock.now()
    await house.count(forward, dead=50, succeeded=15)
    await house.look()
    house.clock.move(420)
    await house.count(forward, succeeded=20)
    await house.look(7)
    assert [alert.status for alert in await house.alerts()] == ["resolved"]
    await house.look(30)
    assert len(await house.alerts()) == 1 and await house.state() == "no_data", "nothing has come since"
    await house.count(forward, succeeded=1)
    await house.look()
    assert len(await house.alerts()) == 1 and await house.state() == "ok"
    house.clock.move(360)
    await house.count(forward, dead=1)
    await house.look()
    assert [alert.status for alert in await house.alerts()] == ["resolved", "firing"], "this is new"
    house.clock.move(60)
    past = await preview(
        house.ctx, forward, condition=RULE["condition"], resolve_condition=None, min_samples=None, start=began
    )
    assert len(past.fired) == 2, "a preview says the same"


async def test_nothing_is_planned_twice_at_a_restart_and_nothing_is_lost(house: House) -> None:
    """A look is one transaction: its state and what is to be told of it are there together, or not at all."""
    forward = await house.install({**RULE, "condition": "error_rate > 5% for 2m"})
    await house.count(forward, succeeded=50, dead=50)
    await house.look(3)
    assert [alert.status for alert in await house.alerts()] == ["pending"]
    house.restart()  # the scheduler is killed while the alert is pending
    await house.look(3)
    assert (await house.alert()).status == "pending", "1 min 40 s so far"
    await house.look(1)
    assert (await house.alert()).status == "firing"
    for _ in range(3):
        house.restart()  # and while it fires
        await house.look()
    await house.tell(12)
    assert len(house.posted()) == 1
    assert (await house.kinds(await house.alert())).count("planned") == 1


async def test_of_two_looks_at_a_time_one_is_written(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    stale, read = house.evaluator, house.ctx.db.read

    async def read_then_be_late(function: Any, *args: Any, **kwargs: Any) -> Any:
        found = await read(function, *args, **kwargs)
        if function.__name__ == "last_pass" and not late:
            late.append(True)
            house.restart()
            assert await house.evaluator.look()
        return found

    late: list[bool] = []
    house.ctx.db.read = read_then_be_late  # type: ignore[method-assign]  # another node is quicker
    house.clock.move(20)
    assert await stale.look() is False


async def test_a_jump_of_the_clock_fulfils_no_time(house: House) -> None:
    forward = await house.install({**RULE, "condition": "queue_depth >= 0 for 10m"})
    await house.look(2)
    await house.look(1, every=86_400)
    assert await house.state() == "pending", "one look counts for two minutes at most"
    await house.look(1, every=-86_400)
    assert await house.state() == "pending"
    await house.look(25)
    assert await house.state() == "firing"
    assert (await house.alerts(integration_id=forward))[0].status == "firing"


async def test_missing_data_is_never_ok(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.look()
    assert await house.state() == "no_data"
    await house.count(forward, dead=3)
    await house.look()
    assert await house.state() == "no_data", "three events say nothing of a rate"
    await house.count(forward, dead=3)
    await house.look()
    assert await house.state() == "firing"
    await house.look(3, every=3600)
    alert = await house.alert()
    assert (alert.status, alert.without_data) == ("firing", True)
    await house.tell(12)
    assert "There is no data now" in house.posted()[0]["text"]
    await house.look(3, every=120)
    assert (await house.alert()).status == "firing"
    await house.ctx.db.write(lambda c: c.exec_driver_sql(A_DAY_LATER))
    await house.look(1, every=120)
    assert (await house.alert()).status == "firing", "a day less a minute or so"
    await house.look(1, every=120)
    assert (await house.alert()).status == "ended_without_data"
    assert await house.state() == "no_data"


async def test_what_fires_together_is_one_message(house: House) -> None:
    rules = [{**RULE, "name": f"Errors {n}", "condition": f"error_rate > {n}%"} for n in range(5)]
    forward = await house.install(*rules, {**RULE, "name": "Mild", "severity": "info"})
    await house.count(forward, succeeded=50, dead=50)
    await house.look()
    await house.tell(14)
    texts = [message["text"].splitlines()[0] for message in house.posted()]
    assert sorted(texts) == ["Alert: 5 alerts · critical · Forward", "Alert: Mild · info · Forward"]
    alert = next(alert for alert in await house.alerts() if alert.name == "Errors 3")
    (told,) = await house.history(alert, "delivered")
    assert len(told["group"]) == 5


async def test_a_silence_keeps_quiet_and_says_so(house: House) -> None:
    forward = await house.install(RULE)
    now = house.clock.now()
    wish = SilenceWish("maintenance", now, now + 300, "a migration", integration="forward", severity="critical")
    silence = await alerting.put_silence(house.ctx, wish, actor=ANN)
    await house.count(forward, dead=10)
    await house.look(10)
    await house.tell(12)
    assert house.posted() == []
    alert = await house.alert()
    assert (alert.status, alert.silenced_by) == ("firing", silence.id)
    assert await house.kinds(alert) == ["pending", "firing", "silenced"]
    (line,) = await house.history(alert, "silenced")
    assert str(story.told("silenced", line)) == (
        f"Nobody is told until 2023-11-14T22:18:20.000Z: a migration (silence {silence.id})."
    )
    await house.look(5)
    await house.tell(12)
    assert len(house.posted()) == 1, "it still fires when the silence ends"
    assert (await house.kinds(alert))[3:] == ["silence_over", "planned", "delivered"]


async def test_snoozed_and_repeated(house: House) -> None:
    forward = await house.install({**RULE, "notification_channels": ["slack://deploys", "email://a@b.example"]})
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    assert (len(house.posted()), len(house.inbox.messages)) == (1, 1)
    alert = await house.alert()
    snoozed = await alerting.snooze(house.ctx, alert.id, Snooze(3600), actor=ANN)
    assert snoozed.snoozed_until == house.clock.now() + 3600
    for _ in range(10):
        await house.count(forward, dead=10)
        await house.look(1, every=300)
    await house.tell(2)
    [snooze] = house.thread()
    assert "Errors: Snoozed until <!date^" in snooze and "|2023-11-14 23:13 UTC> by ann" in snooze
    assert len(house.inbox.messages) == 1, "an e-mail for the snooze would be noise"
    await house.count(forward, dead=10)
    await house.look(1, every=700)
    await house.tell(2)
    assert "Still firing after 61 min" in house.thread()[-1]
    assert house.slack.channel("deploys").messages[-1]["subtype"] == "thread_broadcast"
    assert len(house.inbox.messages) == 2
    for _ in range(4):
        await house.count(forward, dead=10)
        await house.look(1, every=3600)
    await house.tell(2)
    assert (await house.kinds(alert)).count("repeat") == 2, "four hours later it is told again"


async def test_what_flaps_is_told_less_often(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "condition": "queue_depth < 1 and received > 0", "min_samples": 1})
    await house.flap(forward, 5)
    found = await house.alerts()
    assert [alert.flapping for alert in found] == [False, False, False, True, True]
    assert len(house.posted()) == 3
    assert await house.kinds(found[-1]) == ["pending", "firing", "damped", "resolved"]


async def test_hysteresis(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "condition": "received > 10", "resolve_condition": "received < 5"})
    await house.count(forward, received=20)
    await house.look()
    house.clock.move(300)
    await house.count(forward, received=7)
    await house.look(10)
    assert await house.state() == "firing", "less than the threshold, but not yet well"
    await house.look(8, every=60)
    assert await house.state() == "ok"


async def test_the_end_may_take_its_time_too(quick_house: House) -> None:
    house = quick_house
    rule = {**RULE, "condition": "received > 10", "resolve_condition": "received < 5 for 5m"}
    forward = await house.install(rule)
    await house.count(forward, received=20)
    await house.look()
    house.clock.move(280)
    await house.look(15)
    assert await house.state() == "firing", "it has been well for less than five minutes"
    await house.look(8)
    assert await house.state() == "ok"


async def test_rules_that_go_end_their_alerts(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    await house.rules(forward)
    await house.look()
    await house.tell(2)
    assert (await house.alert()).status == "removed"
    assert "Rule removed: Errors" in house.posted()[0]["text"]


async def test_no_channel_is_said(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "notification_channels": []})
    await house.count(forward, dead=10)
    await house.look()
    alert = await house.alert()
    assert (alert.status, await house.history(alert, "planned")) == ("firing", [{"channels": []}])


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ("received > 9", True),
        ("received > 10", False),
        ("no_events for 5m", False),
        ("events_per_minute >= 2", True),
        ("received > 3 * avg(received, 1h)", True),
        ("sum(received, 1h) == 10", True),
        ("max(received, 1h) >= 10", True),
        ("min(received, 1h) == 0", True),
        ("avg(queue_depth, 1h) > 0", False),
        ("queue_age > 1s or latency_p95 > 1s", False),
        ("not received > 10", True),
    ],
)
async def test_conditions(quick_house: House, condition: str, fires: bool) -> None:
    house = quick_house
    forward = await house.install({**RULE, "condition": condition})
    await house.count(forward, received=10)
    await house.look()
    assert (await house.state() == "firing") is fires


async def test_changes_of_the_status(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "condition": "changes(status) > 0"})
    await house.look(2)
    assert await house.state() == "ok"
    await integrations.pause(house.ctx, forward, actor=auth.SYSTEM)
    await house.look()
    assert await house.state() == "firing"


async def test_no_events(quick_house: House) -> None:
    house = quick_house
    await house.install({**RULE, "condition": "no_events for 10m"})
    await house.look(29)
    assert await house.state() == "ok"
    await house.look(2)
    assert await house.state() == "firing"


async def test_a_new_version_of_the_engine_is_named(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await deployments.note(house.ctx, "0.1.0")
    house.clock.move(7200)
    for version in ("0.2.0", "0.2.0"):  # a restart is no new version
        await deployments.note(house.ctx, version)
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(11)
    (message,) = house.posted()
    assert message["text"].count("version 0.2.0 of the engine was started") == 1 and "0.1.0" not in message["text"]
    marks = await charts.marks(house.ctx, integration_id=forward, start=house.clock.now() - 3600, end=house.clock.now())
    assert [str(mark.what) for mark in marks] == ["version 0.2.0 of the engine"]
