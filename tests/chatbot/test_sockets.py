"""Connections that end: renewed, cut in the middle of a modal, switched off, gone with their engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from core import audit, auth, health
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, BOT_TOKEN, CAROL, SlackStandIn
from core.demo.stand_ins.slack.modals import TROUBLE
from tests.chatbot.conftest import House, text_of
from tests.contexts import MovableClock
from tests.engines import Client, running


def code_of(client: Client) -> str:
    """Return the code that this start printed."""
    code = client.engine.report.claim_code
    assert code is not None
    return code


async def claim_opened(house: House, user: str = CAROL) -> None:
    """Open the modal that takes the code."""
    await house.slack.command("/ccb", "claim", user=user)
    await house.modal("claim", user=user)


async def test_a_modal_outlives_its_connection(unclaimed: House) -> None:
    house, slack, given = unclaimed, unclaimed.slack, {"code": code_of(unclaimed.client)}
    await claim_opened(house)
    slack.sockets.cut()
    outcome = await slack.submit(CAROL, given=given)
    assert outcome.error == TROUBLE, "Slack has nobody to send it to, and tells so"
    assert slack.view(CAROL), "what was typed is still there"
    assert await auth.claimed_admins(house.ctx) == frozenset()
    assert await audit.newest(house.ctx, action="slack.admin_claimed") == []
    await slack.connected(2)
    said = await house.after(CAROL, "general", lambda: slack.submit(CAROL, given=given))
    assert "You are an admin now" in text_of(said)
    assert await auth.claimed_admins(house.ctx) == {CAROL}


async def test_a_modal_outlives_its_engine(tmp_path: Path, clock: MovableClock) -> None:
    async with SlackStandIn() as slack:
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=clock, **given) as client:
            await slack.connected(2)
            await claim_opened(House(client, slack, clock), BORIS)
        await slack.until(lambda: not slack.sockets.connections)
        assert (await slack.submit(BORIS, given={"code": "A-B"})).error == TROUBLE
        async with running(tmp_path / "data", clock=clock, **given) as client:
            await slack.connected(2)
            house, typed = House(client, slack, clock), {"code": code_of(client)}
            said = await house.after(BORIS, "general", lambda: slack.submit(BORIS, given=typed))
            assert "CCB_SLACK_ADMINS" in text_of(said), "where it was opened, though another process opened it"
            assert await auth.claimed_admins(client.engine.ctx) == {BORIS}
        assert slack.sockets.faults == []


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_a_renewal_leaves_nobody_unheard(house: House, reason: str) -> None:
    former = house.slack.sockets.connections[0]
    with house.slack.changes.followed() as changes:
        typing = [asyncio.create_task(house.slack.command("/ccb", "help", user=ANNA)) for _ in range(50)]
        await house.slack.sockets.dismiss(reason, former)
        outcomes = await asyncio.gather(*typing)
        await house.slack.until(lambda: former not in house.slack.sockets.connections)
        seen = [changes.get_nowait() for _ in range(changes.qsize())]
    assert [outcome for outcome in outcomes if not outcome.acked] == []
    counts = [change.about["open"] for change in seen if change.kind in ("connected", "disconnected")]
    assert min(counts) >= 2, "the next is there before the former goes"
    detail = str((await health.report(house.ctx, fresh=True)).dependencies["slack"].detail)
    assert "2 of 2 connections" in detail
    assert "trouble" not in detail


async def test_socket_mode_that_is_switched_off_is_told(house: House) -> None:
    await house.slack.sockets.dismiss("link_disabled")
    await house.slack.connected(2)
    said = text_of(await house.type("health"))
    assert "2 of 2 connections open since 2023-11-14 22:13 UTC" in said
    assert "Socket Mode is switched off in the Slack app" in said


async def test_connecting_is_no_trouble(tmp_path: Path, clock: MovableClock) -> None:
    may_open = asyncio.Event()

    async def held(request: web.Request) -> None:
        if request.path.endswith("apps.connections.open"):
            await may_open.wait()

    async with SlackStandIn() as slack:
        slack.after = held
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=clock, **given) as client:
            found = await client.ask("GET", "/health?fresh=true")
            assert found["status"] == "starting" and found["dependencies"]["slack"]["status"] == "starting"
            assert "Connecting to Slack" in found["dependencies"]["slack"]["detail"]
            may_open.set()
            await slack.connected(2)
            async with asyncio.timeout(10):  # it is looked at again within seconds
                while (found := await client.ask("GET", "/health"))["status"] == "starting":
                    await asyncio.sleep(0.05)
            assert found["status"] == "ok"


async def test_nobody_there_is_told_with_the_reason(tmp_path: Path, clock: MovableClock) -> None:
    async with SlackStandIn() as slack:
        slack.app_token = "xapp-other"
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=clock, **given) as client:

            async def slack_found() -> health.Finding:
                return (await health.report(client.engine.ctx, fresh=True)).dependencies["slack"]

            async with asyncio.timeout(10):
                while "SLACK_APP_TOKEN" not in str((found := await slack_found()).detail):
                    pass
            assert found.status == "down"
            assert "No connection to Slack is open." in str(found.detail)
            slack.app_token = APP_TOKEN
            await slack.connected(2)
            assert (await slack_found()).status == "ok"
            opened = slack.called.count("apps.connections.open")
            await slack_found()
            assert slack.called.count("apps.connections.open") == opened, "looking opens nothing"


async def test_a_mention_over_a_broken_connection_is_answered_once(house: House) -> None:
    broken = house.slack.sockets.connections[(house.slack.sockets._turn + 1) % 2]
    house.slack.sockets.cut(broken)
    answer = await house.mention("help")
    assert "/ccb status" in text_of(answer)
    await house.slack.connected(2)
    await house.mention("health")
    assert sum("/ccb status [integration]" in text_of(one) for one in house.slack.seen_by(ANNA, "general")) == 1


async def test_an_event_that_comes_again_to_another_process_is_answered_once(
    tmp_path: Path, clock: MovableClock
) -> None:
    """Slack sends an event again when its acknowledgement was lost, and to whom is its own choice."""
    async with SlackStandIn() as slack:
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path, clock=clock, **given) as client:
            await slack.connected(2)
            await House(client, slack, clock).mention("help")
        (came,) = [one["payload"] for one in slack.sockets.envelopes if one["type"] == "events_api"]
        seen = len(slack.seen_by(ANNA, "general"))
        async with running(tmp_path, clock=clock, **given):
            await slack.connected(2)
            assert (await slack.sockets.deliver_event(came)).acked
        assert len(slack.seen_by(ANNA, "general")) == seen
