"""slack-bolt over Socket Mode: envelopes, acknowledgements, connections that come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.demo.stand_ins.slack import BORIS, SlackStandIn
from tests.stand_ins.slack_app import actions, bolt, button, connected, modal


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


async def test_a_command_its_modal_and_what_the_app_says_of_it(slack: SlackStandIn) -> None:
    app = bolt(slack)

    @app.command("/ccb")
    async def command(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("ask")
    async def submitted(ack: Any, view: dict[str, Any], client: Any) -> None:
        name = view["state"]["values"]["name"]["typed"]["value"]
        if name == "x":
            await ack(response_action="errors", errors={"name": "Too short"})
            return
        await ack()
        await client.chat_postMessage(channel="#general", text=f"Hello {name}", blocks=[actions(button())])

    async with connected(slack, app):
        outcome = await slack.command("/ccb", "hello", user=BORIS)
        assert outcome.acked
        assert outcome.seconds < 3
        view = await slack.until(lambda: slack.view(BORIS))
        assert (await slack.submit(BORIS)).errors == {"name": "Please complete this required field."}
        assert (await slack.submit(BORIS, view, {"name": "x"})).errors == {"name": "Too short"}
        assert slack.view(BORIS) == view
        assert (await slack.submit(BORIS, given={"name": "Boris"})).error == ""
        assert slack.view(BORIS) is None
        await slack.until(lambda: slack.texts)
    assert slack.texts == ["Hello Boris"]
    assert slack.refused == []
    assert slack.sockets.faults == []
