"""What the engine says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web

from core import auth
from core.alerting import Dispatcher, Evaluator, Guard, Watcher
from core.outbound import Outbound
from core.quotas import Quota
from core.texts import revive_text
from storage import leader
from tests.core.alerting.house import RULE, House


async def told(house: House, *, looks: int = 1) -> dict[str, str]:
    """Refresh and look so many times; return the messages of what fires, by its name."""
    for _ in range(looks):
        await house.watcher.refresh()
        await house.look(1, every=60)
    return {alert.name: alert.severity for alert in await house.alerts() if alert.status == "firing"}


@pytest.fixture
def watched(quick_house: House) -> House:
    quick_house.watch()
    return quick_house


async def test_keys_that_expire(watched: House) -> None:
    now = watched.clock.now()
    key, _ = await auth.issue(
        watched.ctx, actor=auth.SYSTEM, name="ci", permissions=("alerts.read",), expires_at=now + 15 * 86_400
    )
    assert await told(watched) == {}
    watched.clock.move(86_400)
    assert await told(watched) == {"Key expiry: ci": "info"}
    watched.clock.move(11 * 86_400)
    await told(watched)
    assert sorted(alert.severity for alert in await watched.alerts()) == ["info", "warning"]
    watched.clock.move(4 * 86_400)
    await told(watched)
    (expired,) = await watched.alerts(severity="critical")
    assert expired.integration_id == "engine" and "has expired" in str(expired.detail)
    await auth.revoke(watched.ctx, key.id, actor=auth.SYSTEM)
    assert await told(watched, looks=5) == {}
    assert {alert.status for alert in await watched.alerts()} == {"resolved"}


@pytest.mark.parametrize("changed", [{"CCB_ALERT_EMAIL": "ops@example.com"}], ids=str)
async def test_a_channel_that_fails_is_told_in_the_others(watched: House) -> None:
    forward = await watched.install({**RULE, "notification_channels": ["slack://random"]})
    await watched.count(forward, dead=10)
    await watched.look()
    await watched.tell(40)
    assert await told(watched) == {"Errors": "critical", "Channel slack://random": "critical"}
    await watched.tell(12)
    (message,) = watched.inbox.messages
    assert message["Subject"] == "Alert: Channel slack://random · critical · Claude Code Bot"
    assert "has refused 3 messages in a row" in message.get_body(("plain",)).get_content()
    watched.slack.channel("random").is_member = True
    await watched.tell(60)
    await told(watched, looks=4)
    await watched.tell(5)
    assert watched.inbox.messages[-1]["Subject"].startswith("Re: Alert: Channel slack://random")


@pytest.mark.parametrize(
    "changed", [{"CCB_ALERT_SLACK_CHANNEL": "random", "CCB_ALERT_EMAIL": "ops@example.com"}], ids=str
)
async def test_others_are_places_and_not_other_names_of_the_same(watched: House) -> None:
    named = ["slack://random", "email://ops@example.com"]
    forward = await watched.install({**RULE, "notification_channels": named})
    await watched.count(forward, dead=10)
    await watched.look()
    await watched.tell(40)
    await told(watched)
    watched.inbox.messages.clear()
    await watched.tell(12)
    assert [message["Subject"].partition(" · ")[0] for message in watched.inbox.messages] == [
        "Alert: Channel slack://random"
    ], "neither in the channel that fails, nor twice"
    (alert,) = [one for one in await watched.alerts() if one.integration_id == "engine"]
    assert alert.channels == '["email"]'


async def test_the_public_address(watched: House) -> None:
    status = 200

    async def live(request: web.Request) -> web.Response:
        assert request.path == "/health/live"
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", live)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    given = watched.ctx.settings.model_copy(update={"public_url": f"http://{host}:{port}"})
    async with Outbound([f"{host}:{port}"]) as http:
        watched.ctx = replace(watched.ctx, http=http, settings=given)
        watched.watch()
        assert await told(watched) == {}
        status = 502
        assert await told(watched, looks=2) == {}, "twice may be a restart of the proxy"
        assert await told(watched) == {"Webhook endpoint": "critical"}
    await runner.cleanup()
    async with Outbound() as http:
        watched.ctx = replace(watched.ctx, http=http)
        watched.watch()
        await watched.watcher.refresh()
        (found,) = [one for one in watched.watcher.findings or [] if one.id == "engine:public-url"]
        assert found.holds is None, "a private address says nothing of what senders see"


async def test_little_quota(watched: House) -> None:
    watched.ctx.quotas["github"] = Quota(400, 5000, watched.clock.now() + 600)
    assert await told(watched) == {"GitHub quota": "warning"}
    watched.clock.move(600)
    assert await told(watched, looks=4) == {}
    del watched.ctx.quotas["github"]
    watched.ctx.quotas["claude"] = Quota(9_000, 100_000, watched.clock.now() + 60, "tokens")
    assert await told(watched) == {"Claude quota": "warning"}
    alert = (await watched.alerts())[-1]
    assert "Of 100000 tokens of Claude, 9000 are left until" in str(revive_text(alert.detail or ""))
    del watched.ctx.quotas["claude"]


async def test_a_stopped_scheduler_is_told_by_any_node(quick_house: House) -> None:
    house = quick_house
    forward = await house.install(RULE)
    now = house.clock.now()
    await house.ctx.db.write(leader.campaign, duty=leader.SCHEDULER, holder="gone", now=now, expires_at=now + 6)
    await house.count(forward, dead=10)
    guards = [Guard(house.ctx), Guard(house.ctx)]
    house.clock.move(60)
    assert [await guard.look() for guard in guards] == [False, False]
    house.clock.move(10)
    assert [await guard.look() for guard in guards] == [False, False], "the next renewal may be a moment away"
    house.clock.move(10)
    assert [await guard.look() for guard in guards] == [True, True]
    assert sorted(alert.name for alert in await house.alerts()) == ["Errors", "Scheduler stopped"]
    house.clock.move(12)
    assert [await guard.look() for guard in guards] == [True, True]
    assert len(house.posted()) == 1, "the rules are looked at all the same"


async def test_a_scheduler_that_begins_ends_nothing_before_it_has_looked(watched: House) -> None:
    watched.ctx.quotas["github"] = Quota(0, 5000, watched.clock.now() + 6000)
    await told(watched)
    watched.evaluator, watched.dispatcher = Evaluator(watched.ctx, Watcher(watched.ctx)), Dispatcher(watched.ctx)
    await watched.look()
    assert [alert.status for alert in await watched.alerts()] == ["firing"]
    del watched.ctx.quotas["github"]
