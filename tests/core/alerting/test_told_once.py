"""Told once, and never not at all: whatever the clock, the database and another node do between a look and its word."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa

from chatbot.notifier import SlackNotifier
from core import alerting
from core.alerting.outbox import LEASE_SECONDS, MOST_ATTEMPTS
from storage import alert_outbox
from storage.alert_outbox import LONGEST_WAIT
from storage.away import DatabaseAwayError
from tests.core.alerting.house import RULE, House
from tests.core.alerting.test_alerting import ANN


async def rename(house: House, table: str, to: str) -> None:
    """Take a table away, or bring it back."""
    await house.ctx.db.write(lambda c: c.execute(sa.text(f"ALTER TABLE {table} RENAME TO {to}")))


async def test_a_look_that_cannot_plan_has_not_been(house: House) -> None:
    """That it fires and that somebody is to be told are one transaction: of a look that breaks off nothing stands."""
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await rename(house, "alert_outbox", "away")
    house.clock.move(20)
    with pytest.raises(sa.exc.DBAPIError):
        await house.evaluator.look()
    assert await house.alerts() == []
    assert await alerting.last_look(house.ctx) is None
    await rename(house, "away", "alert_outbox")
    await house.look()
    await house.tell(12)
    assert len(house.posted()) == 1


async def test_of_two_looks_that_find_it_firing_one_is_told(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    stale, read = house.evaluator, house.ctx.db.read

    async def read_then_be_late(function: Any, *args: Any, **kwargs: Any) -> Any:
        found = await read(function, *args, **kwargs)
        if function.__name__ == "silences" and not late:  # the last of what a look begins with
            late.append(True)
            house.restart()
            assert await house.evaluator.look()
        return found

    late: list[bool] = []
    house.ctx.db.read = read_then_be_late  # type: ignore[method-assign]  # another node is quicker
    assert await stale.look() is False
    await house.tell(12)
    assert len(house.posted()) == 1
    assert await house.kinds(await house.alert()) == ["pending", "firing", "planned", "delivered"]
    waiting = sa.select(alert_outbox.OUTBOX.c.id).where(alert_outbox.OUTBOX.c.settled_at.is_(None))
    assert await house.ctx.db.read(lambda c: c.execute(waiting).all()) == []
    members = await house.ctx.db.read(lambda c: c.execute(sa.select(alert_outbox.MEMBERS.c.alert_id)).scalars().all())
    assert members == [(await house.alert()).id], "the dropped look has planned nothing"


async def test_what_fires_when_its_group_is_already_said_is_told_too(house: House) -> None:
    """A look that takes its time is written after the message that it would have joined has left."""
    forward = await house.install(RULE, {**RULE, "name": "Any", "condition": "received > 0"})
    await house.count(forward, dead=10)
    await house.look()
    await house.count(forward, received=1)
    house.clock.move(5)
    read = house.ctx.db.read

    async def read_slowly(function: Any, *args: Any, **kwargs: Any) -> Any:
        found = await read(function, *args, **kwargs)
        if function.__name__ == "last_pass" and not house.posted():
            await house.tell(6)
        return found

    house.ctx.db.read = read_slowly  # type: ignore[method-assign]  # meanwhile the first is said
    assert await house.evaluator.look()
    await house.tell(12)
    assert len(house.posted()) == 2
    assert [await house.kinds(alert) for alert in await house.alerts()] == [
        ["pending", "firing", "planned", "delivered"]
    ] * 2


async def test_what_fires_while_its_group_is_being_said_is_told_too(house: House) -> None:
    forward = await house.install(RULE, {**RULE, "name": "Any", "condition": "received > 0"})
    await house.count(forward, dead=10)
    await house.look()
    await house.count(forward, received=1)
    house.clock.move(5)
    read, write, begun = house.ctx.db.read, house.ctx.db.write, list[alert_outbox.Claimed]()

    async def read_slowly(function: Any, *args: Any, **kwargs: Any) -> Any:
        found = await read(function, *args, **kwargs)
        if function.__name__ == "last_pass":
            house.clock.move(6)
            now = house.clock.now()
            begun.extend(await write(alert_outbox.claim, now, lease_until=now + LEASE_SECONDS, resting=[]))
        return found

    house.ctx.db.read = read_slowly  # type: ignore[method-assign]  # meanwhile the first begins to be said
    assert await house.evaluator.look()
    told = {"settled_at": house.clock.now(), "result": "delivered"}
    assert await write(alert_outbox.settle, begun[0], told, place=None, now=house.clock.now())
    await house.tell(12)
    assert len(begun) == len(house.posted()) == 1, "the second has a message of its own"


async def test_what_another_clock_has_begun_or_put_off_is_said(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    house.slack.limits["deploys"] = 1000
    await house.tell(12)
    house.clock.move(-7200)
    await house.tell()
    assert house.posted() == [] and house.slack.called.count("chat.postMessage") == 2, "it was asked again"
    house.clock.move(1001)
    now = house.clock.now()
    assert len(await house.ctx.db.write(alert_outbox.claim, now, lease_until=now + LEASE_SECONDS, resting=[])) == 1
    del house.slack.limits["deploys"]
    house.clock.move(-7200)
    await house.tell()
    assert len(house.posted()) == 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0, -120.0])
async def test_a_clock_that_jumps_keeps_no_message_and_repeats_none(house: House, jump: float) -> None:
    forward = await house.install(RULE, {**RULE, "name": "Any", "condition": "queue_depth >= 0 for 1m"})
    await house.count(forward, dead=10)
    await house.look()
    house.clock.move(jump)
    await house.tell(12)
    assert len(house.posted()) == 1, "it was planned by the clock before"
    await house.look(6)
    for _ in range(3):
        house.restart()
        await house.look()
    await house.tell(12)
    assert len(house.posted()) == 2, "what fires after the jump is in no message that was said before it"
    for alert in await house.alerts():
        assert (await house.kinds(alert))[:4] == ["pending", "firing", "planned", "delivered"]
        assert (await house.kinds(alert)).count("planned") == 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_clock_that_jumps_keeps_no_channel_from_being_tried_again(quick_house: House, jump: float) -> None:
    house = quick_house
    forward = await house.install(RULE)
    house.slack.broken = 500
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    assert await house.kinds(await house.alert()) == ["pending", "firing", "planned", "attempt_failed"]
    house.clock.move(jump)
    house.slack.broken = 0
    await house.tell(2)
    assert len(house.posted()) == 1


async def test_one_that_was_given_up_is_told_when_it_is_due_again(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    house.slack.broken = 500
    await house.count(forward, dead=10)
    await house.look()
    for _ in range(MOST_ATTEMPTS):
        house.clock.move(1000)
        await house.tell()
    alert = await house.alert()
    assert (await house.kinds(alert))[-1] == "dead"
    await alerting.snooze(house.ctx, alert.id, alerting.Snooze(3600), actor=ANN)
    (before,) = await house.ctx.db.read(alert_outbox.channels)
    await house.tell(2)
    assert (await house.kinds(alert))[-1] == "skipped", "nobody has heard of it"
    (after,) = await house.ctx.db.read(alert_outbox.channels)
    assert before.failures == after.failures == MOST_ATTEMPTS, "the channel was not asked"
    house.slack.broken = 0
    house.clock.move(3590)
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(2)
    assert (await house.kinds(alert))[-2:] == ["repeat", "delivered"] and len(house.posted()) == 1


async def test_it_is_tried_less_and_less_often(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    house.slack.broken = 500
    tried: list[float] = []
    for _ in range(200):
        house.clock.move(1)
        if await house.dispatcher.run():
            tried.append(house.clock.now())
    assert [later - earlier for earlier, later in pairwise(tried)] == [5, 10, 20, 40, 80]


async def test_what_goes_on_together_is_repeated_in_one_message(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE, {**RULE, "name": "Any", "condition": "failed > 0"})
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    assert len(house.posted()) == 1
    house.clock.move(4 * 3600)
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(5)
    assert [await house.kinds(alert) for alert in await house.alerts()] == [
        ["pending", "firing", "planned", "delivered", "repeat", "delivered"]
    ] * 2
    assert len(house.thread()) == 1


class Surprised(SlackNotifier):
    """A channel whose program fails in a way that nobody foresaw."""

    surprises = 1

    async def tell(self, **wish: Any) -> Any:
        if self.surprises:
            self.surprises -= 1
            raise ZeroDivisionError
        return await super().tell(**wish)


async def test_what_nobody_foresaw_stops_no_other_and_is_tried_again(quick_house: House) -> None:
    house = quick_house
    both = {**RULE, "notification_channels": ["slack://deploys", "slack://general"]}
    forward = await house.install(both)
    await house.count(forward, dead=10)
    await house.look()
    slack = Surprised(house.ctx.settings, house.clock)
    house.ctx = dataclasses.replace(house.ctx, slack=slack)
    house.restart()
    await house.tell(11)
    assert len(house.posted("deploys")) + len(house.posted("general")) == 1
    await house.tell(6)
    assert (len(house.posted("deploys")), len(house.posted("general"))) == (1, 1)
    (failed,) = await house.history(await house.alert(), "attempt_failed")
    assert "nobody expected" in str(failed["answer"])
    await slack.close()


async def test_what_asking_again_cannot_help_is_given_up_at_once(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "notification_channels": ["email://a@b.example"]})
    house.inbox.refused.add("a@b.example")
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(12)
    (dead,) = await house.history(await house.alert(), "dead")
    assert dead["attempt"] == 1 and "No such mailbox" in str(dead["answer"])


async def test_a_channel_is_left_in_peace_for_an_hour_at_most(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    house.slack.limits["deploys"] = 10**8
    for _ in range(MOST_ATTEMPTS + 2):
        house.clock.move(LONGEST_WAIT + 1)
        await house.tell()
    asked = house.slack.called.count("chat.postMessage")
    assert asked == MOST_ATTEMPTS + 2
    house.clock.move(LONGEST_WAIT - 60)
    await house.tell()
    assert house.slack.called.count("chat.postMessage") == asked
    del house.slack.limits["deploys"]
    house.clock.move(60)
    await house.tell()
    assert len(house.posted()) == 1, "what is limited is never given up"


async def test_what_was_said_while_the_database_went_away_is_not_said_again(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    write = house.ctx.db.write

    async def away_once_it_is_said(function: Any, *args: Any, **kwargs: Any) -> Any:
        if house.posted():
            raise DatabaseAwayError("the server is restarting")
        return await write(function, *args, **kwargs)

    house.ctx.db.write = away_once_it_is_said  # type: ignore[method-assign]  # it breaks off in between
    await house.tell(10)
    for _ in range(3):  # longer than its lease
        house.clock.move(LEASE_SECONDS)
        with pytest.raises(DatabaseAwayError):
            await house.dispatcher.run()
    house.ctx.db.write = write  # type: ignore[method-assign]  # and is back
    await house.tell(2)
    assert await house.kinds(await house.alert()) == ["pending", "firing", "planned", "delivered"]
    ((_, (item,)),) = await alerting.attempts(house.ctx, await house.alert())
    assert (item.attempts, house.slack.called.count("chat.postMessage")) == (1, 1), "nor is it looked for"


async def test_who_slept_past_the_lease_writes_nothing(house: House) -> None:
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    house.clock.move(11)
    write, now = house.ctx.db.write, house.clock.now()
    (slow,) = await write(alert_outbox.claim, now, lease_until=now + LEASE_SECONDS, resting=[])
    assert await write(alert_outbox.claim, now + 59, lease_until=now + 119, resting=[]) == [], "it has a lease"
    (quick,) = await write(alert_outbox.claim, now + 60, lease_until=now + 120, resting=[])
    gone = {"settled_at": now + 61, "result": "dead"}
    assert await write(alert_outbox.settle, slow, gone, place=None, now=now + 61) is False
    told = {"settled_at": now + 62, "result": "delivered"}
    assert await write(alert_outbox.settle, quick, told, place=None, now=now + 62) is True
    assert await write(alert_outbox.settle, quick, gone, place=None, now=now + 63) is False
    ((message, items),) = await alerting.attempts(house.ctx, await house.alert())
    assert (message.told_at, [(item.result, item.attempts) for item in items]) == (now + 62, [("delivered", 2)])


async def test_what_another_had_begun_to_say_is_due_at_a_start(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    house.clock.move(11)
    now = house.clock.now()
    await house.ctx.db.write(alert_outbox.claim, now, lease_until=now + LEASE_SECONDS, resting=[])
    await house.tell(2)
    assert house.posted() == []
    await house.ctx.db.write(alert_outbox.release)
    await house.tell()
    assert len(house.posted()) == 1
