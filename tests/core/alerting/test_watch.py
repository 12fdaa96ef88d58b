"""What the engine says of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from core import alerts, auth, backups, deployments, shared_quotas
from core.alerting import Dispatcher, Evaluator, Guard, Watcher, acknowledge, quotas
from core.alerting.outbox import MOST_ATTEMPTS
from core.alerting.story import told as in_words
from core.outbound import Outbound
from core.quotas import Quota
from core.texts import revive_text
from storage import api_keys, leader
from storage import quotas as rows
from storage.db import Database
from tests.contexts import MovableClock, context
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
    assert "has failed 3 attempts in a row" in message.get_body(("plain",)).get_content()
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
        watched.watch()  # a restart, or another node takes over
        for _ in range(3):
            await watched.watcher.refresh()
            await watched.look(4)  # an address that answers nothing takes its time
        assert [alert.status for alert in await watched.alerts()] == ["firing"]
        status = 200
        assert await told(watched, looks=4) == {}
        assert [alert.status for alert in await watched.alerts()] == ["resolved"]
    await runner.cleanup()
    async with Outbound() as http:
        watched.ctx = replace(watched.ctx, http=http)
        watched.watch()
        await watched.watcher.refresh()
        (found,) = [one for one in watched.watcher.findings if one.id == "engine:public-url"]
        assert found.holds is None, "a private address says nothing of what senders see"


async def test_little_quota(watched: House) -> None:
    watched.ctx.quotas.hear("github", "GITHUB_TOKEN:a", Quota(400, 5000, watched.clock.now() + 600))
    assert await told(watched) == {"GitHub quota": "warning"}
    watched.clock.move(600)
    assert await told(watched, looks=4) == {}
    watched.ctx.quotas.hear("claude", "key", Quota(9_000, 100_000, watched.clock.now() + 60, "tokens"))
    assert await told(watched) == {"Claude quota": "warning"}
    alert = (await watched.alerts())[-1]
    assert "Of 100000 tokens of Claude, 9000 are left until" in str(revive_text(alert.detail or ""))


async def test_a_key_that_was_made_for_a_day_is_told_when_it_has_expired(watched: House) -> None:
    end = watched.clock.now() + 86_400
    await auth.issue(watched.ctx, actor=auth.SYSTEM, name="ci", permissions=("alerts.read",), expires_at=end)
    assert await told(watched) == {}
    watched.clock.move(86_400)
    assert await told(watched) == {"Key expiry: ci": "critical"}
    (alert,) = await watched.alerts()
    assert "expires_at: PATCH /v1/auth/tokens/" in alert.description, "a rotation leaves the expiry as it is"
    (line,) = await watched.history(alert, "firing")
    assert str(in_words("firing", line)).startswith("It fires: The key ci (")


async def test_a_check_that_fails_ends_nothing(watched: House) -> None:
    end = watched.clock.now() + 100 * 86_400
    await auth.issue(watched.ctx, actor=auth.SYSTEM, name="ci", permissions=("alerts.read",), expires_at=end)
    watched.clock.move(99 * 86_400)
    await told(watched)
    read = watched.ctx.db.read

    async def away(function: Any, *args: Any, **kwargs: Any) -> Any:
        if function is api_keys.all_of_them:
            raise OSError("the disk is away")
        return await read(function, *args, **kwargs)

    watched.ctx.db.read = away  # type: ignore[method-assign]  # one question alone fails
    await told(watched, looks=3)
    watched.ctx.db.read = read  # type: ignore[method-assign]  # and is answered again
    await told(watched)
    assert [alert.status for alert in await watched.alerts()] == ["firing"] * 2


async def test_a_channel_that_was_mended_and_tested_is_well_and_hears_what_it_missed(watched: House) -> None:
    forward = await watched.install({**RULE, "notification_channels": ["slack://random"]})
    await watched.count(forward, dead=10)
    await watched.look()
    for _ in range(MOST_ATTEMPTS):
        await watched.tell()
        watched.clock.move(900)
    await watched.count(forward, dead=10)
    assert (await told(watched))["Channel slack://random"] == "critical"
    watched.slack.channel("random").is_member = True
    tested = await alerts.test(watched.ctx, forward, name="Forward", actor=auth.SYSTEM)
    assert tested.delivered
    await watched.count(forward, dead=10)
    assert await told(watched, looks=4) == {"Errors": "critical"}
    await watched.tell(12)
    assert "Alert: Errors" in watched.posted("random")[-1]["text"]


async def test_quotas_are_those_that_any_node_has_heard(db: Database) -> None:
    """Two nodes on one database: what one uses up, the other's scheduler knows."""
    clock = MovableClock()
    one, other = (context(db=db, clock=clock) for _ in range(2))
    end = clock.now() + 600

    async def said() -> list[tuple[str, bool | None, str]]:
        return [(found.id, found.holds, str(found.detail)) for found in await quotas.findings(one)]

    assert await said() == []
    other.quotas.hear("github", "GITHUB_TOKEN:a", Quota(3000, 5000, end))
    other.quotas.hear("github", "GITHUB_TOKEN:a", Quota(450, 5000, end))
    await shared_quotas.share(other)
    ((id, holds, detail),) = await said()
    assert (id, holds) == ("engine:quota:github", True) and "450 are left" in detail
    assert other.quotas.news() == []
    one.quotas.hear("github", "GITHUB_TOKEN:a", Quota(449, 5000, end))
    clock.move(1)
    other.quotas.hear("github", "GITHUB_TOKEN:a", Quota(448, 5000, end))
    await shared_quotas.share(other)
    assert "448 are left" in (await said())[0][2], "what was heard later counts, whoever writes first"
    one.quotas.hear("github", "GITHUB_TOKEN:b", Quota(4999, 5000, end))
    assert "448 are left" in (await said())[0][2], "another token's quota does not hide the one that is nearly over"
    clock.move(600)
    assert [holds for _, holds, _ in await said()] == [False]
    clock.move(40 * 86_400)
    other.quotas.hear("github", "GITHUB_TOKEN:c", Quota(4998, 5000, clock.now() + 60))
    await shared_quotas.share(other)
    assert [row.credential for row in await db.read(rows.known)] == ["GITHUB_TOKEN:c"]


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
    watched.ctx.quotas.hear("github", "GITHUB_TOKEN:a", Quota(0, 5000, watched.clock.now() + 6000))
    await told(watched)
    watched.evaluator, watched.dispatcher = Evaluator(watched.ctx, Watcher(watched.ctx)), Dispatcher(watched.ctx)
    await watched.look()
    assert [alert.status for alert in await watched.alerts()] == ["firing"]


@pytest.mark.parametrize("changed", [{"CCB_BACKUPS": "elsewhere"}], ids=str)
async def test_the_age_of_backups(watched: House) -> None:
    hour = 3600.0
    await deployments.note(watched.ctx)
    assert await told(watched) == {}, "a new engine has had no time for one"
    watched.clock.move(27 * hour)
    assert await told(watched) == {"Backup age": "warning"}
    await backups.report(watched.ctx, at=watched.clock.now() - hour, note="", actor=auth.SYSTEM)
    assert await told(watched, looks=4) == {}
    watched.clock.move(24.8 * hour)
    assert await told(watched) == {}
    watched.clock.move(0.2 * hour)
    assert await told(watched) == {"Backup age": "warning"}
    alert = (await watched.alerts())[-1]
    assert "The newest backup is of 2023-11-16T00:" in str(revive_text(alert.detail or ""))
    assert "ccb backup --reported" in alert.description
    watched.clock.move(47 * hour)
    await told(watched)
    firing = [alert for alert in await watched.alerts() if alert.status == "firing"]
    assert sorted(alert.severity for alert in firing) == ["critical", "warning"]


@pytest.mark.parametrize("changed", [{"CCB_BACKUPS": "engine", "CCB_BACKUP_DIR": "/dev/null/backups"}], ids=str)
async def test_a_backup_that_failed_is_told_at_once(watched: House) -> None:
    await deployments.note(watched.ctx)
    await backups.Keeper(watched.ctx).look()
    assert await told(watched) == {"Backup failed": "warning"}
    alert = await watched.alert()
    assert "/dev/null/backups cannot be written: Not a directory" in str(revive_text(alert.detail or ""))
    off = watched.ctx.settings.model_copy(update={"backups": "off"})
    watched.ctx = replace(watched.ctx, settings=off)
    watched.watch()
    assert await told(watched, looks=5) == {}, "nothing is watched that is switched off"


async def test_a_channel_that_nobody_uses_any_more_is_no_alert(watched: House) -> None:
    forward = await watched.install({**RULE, "notification_channels": ["slack://random"]})
    await watched.count(forward, dead=10)
    await watched.look()
    await watched.tell(40)
    assert "Channel slack://random" in await told(watched)
    await watched.rules(forward, {**RULE, "notification_channels": ["slack://deploys"]})
    assert list(await told(watched, looks=4)) == ["Errors"]
    await watched.tell(900)
    (skipped,) = await watched.history((await watched.alerts())[0], "skipped")
    assert (skipped["channel"], skipped["what"]) == ("slack://random", ["fired", "rule_changed"])
    assert len(watched.posted()) == 1


async def test_a_channel_that_says_nothing_is_no_channel_that_is_well(watched: House) -> None:
    forward = await watched.install({**RULE, "notification_channels": ["email://a@b.example"]})
    await watched.count(forward, dead=10)
    await watched.look()
    await watched.tell(12)
    watched.inbox.refused.add("a@b.example")
    watched.clock.move(5 * 3600)
    for _ in range(3):
        await watched.count(forward, dead=10)
        await watched.look(1, every=5 * 3600)
        await watched.tell(3)
    assert "Channel email://a@b.example" in await told(watched)
    alert = (await watched.alerts())[0]
    await acknowledge(watched.ctx, alert.id, comment="", actor=auth.SYSTEM)
    await watched.tell(3)
    assert "Channel email://a@b.example" in await told(watched, looks=4)
    assert (await watched.history(alert, "skipped"))[-1]["what"] == ["acknowledged"]
