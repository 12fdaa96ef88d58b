"""Addresses that take messages without a token: response_url and incoming webhooks.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses: a response_url is good for five
messages within 30 minutes. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from core.demo.stand_ins.slack.answers import Arguments, Refused, true
from core.demo.stand_ins.slack.posting import content, edit, message_of, put, put_for, take_away
from core.demo.stand_ins.slack.workspace import Message, Workspace

USES = 5
SECONDS = 30 * 60


@dataclass
class ResponseUrl:
    """Lets the app answer what a user did in a channel; `source` is the message that they did it on."""

    user: str
    channel: str
    at: float
    source: Message | None = None
    uses: int = 0


def response_url(slack: Workspace, base: str, user: str, channel: str, source: Message | None = None) -> str:
    """Return a new response_url."""
    path = f"{'actions' if source else 'commands'}/T0ACME/{slack.number()}/{secrets.token_urlsafe(12)}"
    slack.response_urls[path] = ResponseUrl(user, channel, slack.clock.now(), source)
    return f"{base}/{path}"


async def respond(slack: Workspace, request: web.Request) -> web.Response:
    """Take a message by a response_url."""
    found: ResponseUrl | None = slack.response_urls.get(request.path.removeprefix("/"))
    if found is None:
        return _said("invalid_url", 404)
    if slack.clock.now() - found.at > SECONDS:
        return _said("expired_url", 404)
    if found.uses >= USES:
        return _said("used_url", 404)
    try:
        body = json.loads(await request.text())
        if not isinstance(body, dict):
            raise Refused("invalid_payload")
        _answer(slack, found, body)
    except ValueError:
        return _said("invalid_payload", 400)
    except Refused as refused:
        slack.refused.append(("response_url", str(refused), _messages(refused)))
        return web.json_response(refused.answer, status=400)
    found.uses += 1
    return web.Response(text="ok")


def _said(code: str, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": code}, status=status)


def _messages(refused: Refused) -> list[str]:
    return list(refused.answer.get("response_metadata", {}).get("messages", []))


def _answer(slack: Workspace, found: ResponseUrl, body: Arguments) -> None:
    channel = slack.channel(found.channel)
    if true(body.get("delete_original")) or true(body.get("replace_original")):
        message, place = _original(slack, found)
        if true(body.get("delete_original")):
            take_away(slack, place, message)
        else:
            edit(slack, message, content(body), whole=True)
        return
    show(slack, found.user, channel.id, body)


def show(slack: Workspace, user: str, channel_id: str, body: Arguments) -> Message:
    """Say what an answer holds: to everybody if it says so, else to the user alone."""
    kind = body.get("response_type", "ephemeral")
    if kind not in ("in_channel", "ephemeral"):
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] unknown response_type"]})
    channel = slack.channel(channel_id)
    message = message_of(slack, content(body), thread_ts=body.get("thread_ts"))
    return put(slack, channel, message) if kind == "in_channel" else put_for(slack, user, channel, message)


def _original(slack: Workspace, found: ResponseUrl) -> tuple[Message, list[Message]]:
    for place in (slack.channel(found.channel).messages, slack.ephemerals.get(found.user, [])):
        for message in place:
            if found.source is not None and message["ts"] == found.source["ts"]:
                return message, place
    raise Refused("message_not_found")


async def incoming(slack: Workspace, request: web.Request) -> web.Response:
    """Take a message by an incoming webhook; answers are plain text."""
    name = slack.webhooks.get(request.match_info["path"])
    if name is None:
        return web.Response(status=404, text="no_service")
    channel = slack.channel(name)
    if name in slack.limits:
        return web.Response(status=429, text="rate_limited", headers={"Retry-After": str(slack.limits[name])})
    if channel.is_archived:
        return web.Response(status=410, text="channel_is_archived")
    is_json = request.content_type == "application/json"
    raw = await request.text() if is_json else str((await request.post()).get("payload", ""))
    try:
        body: Any = json.loads(raw)
        if not isinstance(body, dict):
            raise Refused("invalid_payload")
        said = content(body)
    except ValueError:
        return web.Response(status=400, text="invalid_payload")
    except Refused as refused:
        return web.Response(status=400, text=str(refused))
    message = {**message_of(slack, said), "user": "", "bot_id": "B0HOOK", "subtype": "bot_message"}
    put(slack, channel, message)
    return web.Response(text="ok")
