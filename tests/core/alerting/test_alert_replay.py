"""Running again what an alert tells of."""

from __future__ import annotations

from core import auth, integrations
from core.events import alert_replay
from tests.core.alerting.house import RULE, House


async def test_an_alert_that_ends_meanwhile_does_not_undo_the_replay(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    await house.count(forward, dead=10)
    await house.look()
    seen = await house.alert()
    assert alert_replay.since([seen]) == seen.started_at - 3600
    installed = await integrations.find(house.ctx, forward)
    until = house.clock.now()
    job = await alert_replay.begin(house.ctx, installed, [seen], until, actor=auth.SYSTEM)
    assert len(await house.history(seen, "replayed")) == 1 and job.total == 0

    await house.rules(forward)
    await house.look()
    assert (await house.alert()).ended_at is not None and seen.ended_at is None
    job = await alert_replay.begin(house.ctx, installed, [seen], until, actor=auth.SYSTEM)
    assert job.kind == "retry" and len(await house.history(seen, "replayed")) == 1
