"""The chart comes after the message, and its failure changes nothing; what a replay adds to an alert."""

from __future__ import annotations

from typing import Any

import pytest

from core import alerting
from core.actors import Actor
from core.errors import Conflict, NotFound
from tests.core.alerting.house import RULE, House

ANN = Actor("slack", "U1", "ann", frozenset({"alerts.write"}))


async def test_a_chart_that_cannot_be_uploaded_is_tried_once(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    house.slack.trouble["files.completeUploadExternal"] = ["internal_error"]
    await house.count(forward, dead=10, succeeded=10)
    await house.look(1)
    house.clock.move(11)
    await house.tell()
    [message] = house.posted()
    assert house.slack.files == {}, "the message does not wait for it"
    assert await house.dispatcher.illustrate() == 1
    assert await house.dispatcher.illustrate() == 0, "it is tried once"
    assert [m for m in house.slack.channel("deploys").messages if "files" in m] == []
    alert = await house.alert()
    assert (await house.kinds(alert))[-1] == "delivered"

    [(row, _)] = await alerting.attempts(house.ctx, alert)
    assert [one.id for one in await alerting.about(house.ctx, row.id)] == [alert.id]
    assert [one.id for one in await alerting.about(house.ctx, alert.id)] == [alert.id]
    for unknown in ("alm_nothing", "alt_nothing"):
        with pytest.raises(NotFound):
            await alerting.about(house.ctx, unknown)

    await alerting.replayed(house.ctx, alert.id, count=31, actor=ANN)
    await house.tell(2)
    assert "31 events are replayed, says ann" in house.posted()[0]["text"]
    assert house.thread() == ["Errors: 31 events are replayed, says ann"]
    assert await house.dispatcher.illustrate() == 0, "an edit brings no other chart"
    await house.rules(forward)
    await house.look(1)
    with pytest.raises(Conflict):
        await alerting.replayed(house.ctx, alert.id, count=1, actor=ANN)
    assert message["ts"] == house.posted()[0]["ts"]


async def test_the_chart_stands_in_the_message_and_stays_there(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, dead=10, succeeded=10)
    await house.look(1)
    house.clock.move(11)
    await house.tell()
    alert = await house.alert()
    await alerting.acknowledge(house.ctx, alert.id, comment="looking", actor=ANN)
    assert await house.dispatcher.illustrate() == 1
    [image] = _images(house)
    assert "error_rate of Forward" in image["alt_text"] and image["slack_file"]["id"] in house.slack.files
    assert "Acknowledged by ann" in house.posted()[0]["text"], "as it is by then"
    await house.tell(2)
    assert _images(house) == [image], "an edit keeps it"
    assert house.thread() == ["Errors: Acknowledged by ann: looking"]
    kinds = [block["type"] for block in house.posted()[0]["blocks"]]
    assert kinds.index("image") == kinds.index("actions") - 1
    del house.slack.files[image["slack_file"]["id"]]  # somebody has deleted the file
    await alerting.replayed(house.ctx, alert.id, count=31, actor=ANN)
    await house.tell(2)
    assert "31 events are replayed" in house.posted()[0]["text"] and _images(house) == []
    house.slack.refused.clear()


async def test_the_limit_of_a_count_is_drawn_over_the_five_minutes_that_it_is_about(quick_house: House) -> None:
    house = quick_house
    forward = await house.install({**RULE, "condition": "failed > 3"})
    for _ in range(3):  # in no minute more than two
        await house.count(forward, dead=2)
        house.clock.move(60)
    await house.look(1)
    house.clock.move(11)
    await house.tell()
    await house.dispatcher.illustrate()
    [image] = _images(house)
    assert "highest 6" in image["alt_text"] and "The limit > 3 is met at 1 point." in image["alt_text"]


def _images(house: House) -> list[dict[str, Any]]:
    found = [block for block in house.posted()[0]["blocks"] if block["type"] == "image"]
    return [{name: value for name, value in block.items() if name != "block_id"} for block in found]
