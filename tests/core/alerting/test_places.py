"""Where alerts go: each place once, at its own pace; and what their messages say when they are edited."""

from __future__ import annotations

import pytest

from core import alerting
from core.actors import Actor
from tests.core.alerting.house import RULE, House

ANN = Actor("slack", "U1", "ann", frozenset({"alerts.write"}))


async def test_how_much_is_of_the_same_look_as_the_value_beside_it(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, succeeded=219, dead=31)
    await house.look()
    await house.tell(11)
    await house.count(forward, dead=250)
    await house.look()
    await alerting.acknowledge(house.ctx, (await house.alert()).id, comment="", actor=ANN)
    await house.tell(2)
    (message,) = house.posted()
    assert "error_rate is 56.2 %" in message["text"] and "281 of 500 attempts" in message["text"]


@pytest.mark.parametrize("changed", [{"CCB_ALERT_SLACK_CHANNEL": "deploys", "CCB_ALERT_EMAIL": "a@b.org"}], ids=str)
async def test_two_addresses_of_one_place_are_one_channel(quick_house: House) -> None:
    """Nothing is said twice in it, and no more than one message a second."""
    house = quick_house
    twice = ["slack", "slack://deploys", "email://a@b.org", "email"]
    first = await house.install({**RULE, "notification_channels": twice}, slug="first")
    second = await house.install({**RULE, "notification_channels": ["slack"]}, slug="second")
    for one in (first, second):
        await house.count(one, dead=10)
    await house.look()
    house.clock.move(11)
    await house.dispatcher.run()
    assert len(house.posted()) == 1
    await house.tell()
    assert len(house.posted()) == 2
    await house.tell(3)
    assert len(house.posted()) == 2 and len(house.inbox.messages) == 1


@pytest.mark.parametrize("changed", [{"CCB_ALERT_SLACK_CHANNEL": "deploys"}], ids=str)
async def test_default_and_named_address_take_turns(quick_house: House) -> None:
    house = quick_house
    for slug, address in (("first", "slack"), ("second", "slack://deploys")):
        await house.count(await house.install({**RULE, "notification_channels": [address]}, slug=slug), dead=10)
    await house.look()
    house.clock.move(11)
    await house.dispatcher.run()
    assert len(house.posted()) == 1
    await house.tell()
    assert len(house.posted()) == 2
