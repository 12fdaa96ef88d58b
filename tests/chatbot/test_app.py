"""The socket and who is asking: roles, languages, bad tokens, connections that end."""

from __future__ import annotations

from pathlib import Path

from core import health
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BOT_TOKEN, CAROL, SlackStandIn
from tests.chatbot.conftest import House, text_of
from tests.contexts import MovableClock
from tests.engines import running


async def test_a_refusal_names_the_role(tmp_path: Path, clock: MovableClock) -> None:
    async with SlackStandIn() as slack:
        given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        roles = {"CCB_SLACK_ADMINS": ANNA, "CCB_SLACK_OPERATORS": "S0OPS", "CCB_SLACK_VIEWERS": "S0NONE"}
        async with running(tmp_path / "data", clock=clock, **given, **roles) as client:
            await slack.connected(2)
            house = House(client, slack, clock)
            refused = text_of(await house.type("status", user=CAROL))
            assert "needs the role viewer" in refused
            assert "CCB_SLACK_VIEWERS" in refused
            assert "integrations.read" not in refused
            assert "usergroups.users.list" in slack.called


async def test_a_wrong_token_stops_nothing_and_is_told(tmp_path: Path, clock: MovableClock) -> None:
    async with SlackStandIn() as slack:
        given = {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=clock, **given) as client:
            found = await health.report(client.engine.ctx, fresh=True)
            assert "SLACK_BOT_TOKEN is wrong" in str(found.dependencies["slack"].detail)
            assert found.status == "degraded"
            slack.tokens["xoxb-wrong"] = "ccb"
            await slack.connected(2)


async def test_connections_come_back(house: House) -> None:
    former = list(house.slack.sockets.connections)
    await house.slack.sockets.dismiss("refresh_requested")
    await house.slack.until(lambda: not set(map(id, former)) & set(map(id, house.slack.sockets.connections)))
    await house.slack.connected(2)
    assert "engine" in text_of(await house.type("health"))
    broken = house.slack.sockets.connections[0]
    house.slack.sockets.cut(broken)
    await house.slack.until(lambda: broken not in house.slack.sockets.connections)
    assert "engine" in text_of(await house.type("health"))
