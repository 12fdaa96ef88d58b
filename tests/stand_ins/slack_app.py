"""A small app on slack-bolt, to hold the Slack stand-in against the real libraries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from core.demo.stand_ins.slack import APP_TOKEN, BOT_TOKEN, SlackStandIn

PING_SECONDS = 0.2
"""How often slack-sdk looks whether its connection still lives; 5 by default."""


def web_client(slack: SlackStandIn, token: str = BOT_TOKEN) -> AsyncWebClient:
    """Return the real client, at the stand-in."""
    return AsyncWebClient(token=token, base_url=slack.url)


def bolt(slack: SlackStandIn) -> AsyncApp:
    """Return the real app, at the stand-in."""
    return AsyncApp(client=web_client(slack))


@asynccontextmanager
async def connected(slack: SlackStandIn, app: AsyncApp, connections: int = 1) -> AsyncIterator[None]:
    """Connect the app to the stand-in by Socket Mode."""
    handlers = [
        AsyncSocketModeHandler(app, APP_TOKEN, web_client=web_client(slack, APP_TOKEN), ping_interval=PING_SECONDS)
        for _ in range(connections)
    ]
    try:
        for handler in handlers:
            await handler.connect_async()  # type: ignore[no-untyped-call]  # slack-bolt has no types there
        await slack.connected(connections)
        yield
    finally:
        for handler in handlers:
            await handler.close_async()  # type: ignore[no-untyped-call]  # nor there


def plain(text: str) -> dict[str, Any]:
    """Return a plain text object."""
    return {"type": "plain_text", "text": text}


def button(text: str = "Go", action_id: str = "go", **more: Any) -> dict[str, Any]:
    """Return a button."""
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a row of elements."""
    return {"type": "actions", "elements": [*elements], **more}


def asked(element: dict[str, Any], block_id: str = "name", **more: Any) -> dict[str, Any]:
    """Return an input block."""
    return {"type": "input", "block_id": block_id, "label": plain("Name"), "element": element, **more}


def typed(action_id: str = "typed", **more: Any) -> dict[str, Any]:
    """Return an input for text."""
    return {"type": "plain_text_input", "action_id": action_id, **more}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a modal that can be sent."""
    return {
        "type": "modal",
        "title": plain("A modal"),
        "submit": plain("Send"),
        "callback_id": "ask",
        "blocks": [*blocks] or [asked(typed())],
        **more,
    }
