"""slack-bolt over Socket Mode: envelopes, acknowledgements, connections that come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, SlackStandIn
from core.demo.stand_ins.slack.sockets import MOST_CONNECTIONS
from tests.stand_ins.slack_app import actions, bolt, button, connected, modal


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


async def opened(http: aiohttp.ClientSession, slack: SlackStandIn) -> str:
    """Return an address for a websocket."""
    headers = {"Authorization": f"Bearer {APP_TOKEN}"}
    async with http.post(f"{slack.url}apps.connections.open", headers=headers) as answer:
        return str((await answer.json())["url"])


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


async def test_hello_a_ticket_for_one_and_ten_at_most(slack: SlackStandIn) -> None:
    async with aiohttp.ClientSession() as http:
        url = await opened(http, slack)
        first = await http.ws_connect(url)
        hello = await first.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["connection_info"] == {"app_id": "A0CCB"}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)
        others = [await http.ws_connect(await opened(http, slack)) for _ in range(MOST_CONNECTIONS - 1)]
        assert [(await other.receive_json())["num_connections"] for other in others] == [*range(2, 11)]
        one_too_many = await http.ws_connect(await opened(http, slack))
        assert (await one_too_many.receive_json())["reason"] == "too_many_websockets"


async def test_faults_are_noted(slack: SlackStandIn) -> None:
    async with aiohttp.ClientSession() as http:
        socket = await http.ws_connect(await opened(http, slack))
        await slack.connected()
        await socket.send_str("pong")
        await socket.send_json({"envelope_id": "unknown"})
        asking = asyncio.ensure_future(slack.shortcut("request"))
        envelope: dict[str, Any] = {}
        while "envelope_id" not in envelope:
            envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "x"}})
        assert (await asking).acked
    assert [fault.split(" ")[0] for fault in slack.sockets.faults] == ["sent", "acknowledged", "answered"]


async def test_what_nobody_answers(slack: SlackStandIn) -> None:
    slack.sockets.ack_seconds = 0.05
    assert (await slack.command("/ccb")).error == "dispatch_failed"
    async with aiohttp.ClientSession() as http:
        socket = await http.ws_connect(await opened(http, slack))
        await slack.connected()
        outcome = await slack.command("/ccb")
        assert (outcome.acked, outcome.error) == (False, "operation_timeout")
        assert outcome.seconds >= 0.05
        await socket.close()


async def test_each_envelope_reaches_one_connection(slack: SlackStandIn) -> None:
    app, heard = bolt(slack), []

    @app.command("/ccb")
    async def command(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body["text"])
        await ack(f"Heard {body['text']}")

    async with connected(slack, app, connections=2):
        outcomes = await asyncio.gather(*(slack.command("/ccb", str(n)) for n in range(50)))
    assert sorted(heard, key=int) == [str(n) for n in range(50)]
    assert {outcome.connection for outcome in outcomes} == {1, 2}
    assert [outcome.message and outcome.message["text"] for outcome in outcomes] == [f"Heard {n}" for n in range(50)]
    assert len(slack.ephemerals[ANNA]) == 50


async def test_an_event_comes_again_on_another_connection(slack: SlackStandIn) -> None:
    slack.sockets.ack_seconds = 1
    app, heard = bolt(slack), asyncio.Event()

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any], ack: Any) -> None:
        await ack()
        heard.set()

    async with aiohttp.ClientSession() as http:
        dead = await http.ws_connect(await opened(http, slack))
        await slack.connected()
        asking = asyncio.ensure_future(slack.mention(ANNA, "general", "trace last"))
        assert (await dead.receive_json())["type"] == "hello"
        envelope = await dead.receive_json()
        assert (envelope["retry_attempt"], envelope["payload"]["event"]["type"]) == (0, "app_mention")
        async with connected(slack, app, connections=1):
            outcome = await asking
            await heard.wait()
    assert (outcome.acked, outcome.attempts) == (True, 2)
    assert slack.sockets.envelopes[-1]["retry_reason"] == "timeout"
    assert slack.sockets.envelopes[-1]["payload"]["event_id"] == envelope["payload"]["event_id"]


async def test_an_event_nobody_takes_is_tried_four_times(slack: SlackStandIn) -> None:
    slack.sockets.ack_seconds, slack.sockets.retry_seconds = 0.02, (0, 0.01, 0.01)
    async with aiohttp.ClientSession() as http:
        silent = await http.ws_connect(await opened(http, slack))
        await slack.connected()
        outcome = await slack.mention(ANNA, "general", "hello")
        assert (outcome.acked, outcome.attempts, outcome.error) == (False, 2, "not_acknowledged")
        await slack.until(lambda: len(slack.sockets.envelopes) == 4)
        await silent.close()
    assert [envelope["retry_attempt"] for envelope in slack.sockets.envelopes] == [0, 1, 2, 3]


@pytest.mark.parametrize("reason", ["refresh_requested", "warning"])
async def test_a_refresh_loses_nothing(slack: SlackStandIn, reason: str) -> None:
    app = bolt(slack)

    @app.command("/ccb")
    async def command(ack: Any) -> None:
        await ack()

    async with connected(slack, app):
        assert (await slack.command("/ccb")).connection == 1
        await slack.sockets.dismiss(reason)
        await slack.connected()
        assert (await slack.command("/ccb")).connection == 2
        await slack.until(lambda: len(slack.sockets.connections) == 1)


async def test_the_socket_is_cut_in_the_middle_of_a_modal(slack: SlackStandIn) -> None:
    app, held, sent = bolt(slack), asyncio.Event(), []

    @app.command("/ccb")
    async def command(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("ask")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        sent.append(view["state"]["values"]["name"]["typed"]["value"])
        if len(sent) == 1:
            held.set()
            await asyncio.Event().wait()
        await ack()

    async with connected(slack, app):
        await slack.command("/ccb")
        view = await slack.until(lambda: slack.view(ANNA))
        sending = asyncio.ensure_future(slack.submit(ANNA, view, {"name": "Anna"}))
        await held.wait()
        slack.sockets.cut()
        outcome = await sending
        assert (outcome.acked, outcome.error) == (False, "We had some trouble connecting. Try again?")
        assert slack.view(ANNA) is view, "it stays, with what was typed"
        await slack.connected()
        assert (await slack.submit(ANNA, view)).error == ""
        assert slack.view(ANNA) is None
    assert sent == ["Anna", "Anna"]
