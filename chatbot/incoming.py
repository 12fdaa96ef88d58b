"""What Slack sends, read once: https://docs.slack.dev/reference/interaction-payloads. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from chatbot.view import typed

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Incoming:
    """Who sent it, as Slack names them, and the members of `Asked` that it gives."""

    user: str
    name: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)


def of_command(body: Body) -> Incoming:
    """Read a slash command; there are none in threads."""
    rest = {
        "channel": body.get("channel_id"),
        "trigger": body.get("trigger_id"),
        "response_url": body.get("response_url"),
        "direct": body.get("channel_name") == "directmessage",
    }
    return Incoming(str(body["user_id"]), str(body.get("user_name", "")), rest)


def of_message(event: Body, *, direct: bool) -> Incoming:
    """Read a mention, a direct message or the opening of the App Home."""
    rest = {"channel": event.get("channel"), "thread": event.get("thread_ts"), "message": event, "direct": direct}
    return Incoming(str(event["user"]), rest=rest)


def of_press(body: Body) -> Incoming:
    """Read a press on a button, a choice in a menu, a message's shortcut."""
    shown, message, container = body.get("view") or {}, body.get("message") or {}, body.get("container") or {}
    where = metadata(shown)
    action: Mapping[str, Any] = (body.get("actions") or [{}])[0]
    channel = (body.get("channel") or {}).get("id") or container.get("channel_id") or where.get("channel")
    rest = {
        "channel": channel,
        "thread": message.get("thread_ts") or container.get("thread_ts") or where.get("thread"),
        "trigger": body.get("trigger_id"),
        "response_url": body.get("response_url"),
        "message": message or ({"ts": container["message_ts"]} if container.get("message_ts") else {}),
        "ephemeral": bool(container.get("is_ephemeral")),
        # A message's press has no modal; the App Home is a view too, but nothing can be pushed onto it.
        "view_id": shown.get("id") if shown.get("type") == "modal" else None,
        "value": str(_chosen(action)),
        "values": typed((shown.get("state") or {}).get("values") or {}),
        "about": where.get("about") or {},
        "direct": str(channel or "").startswith("D"),
    }
    return _by(body, rest)


def of_submission(body: Body) -> Incoming:
    """Read a modal that was filled in."""
    shown = body["view"]
    where = metadata(shown)
    rest = {
        "channel": where.get("channel"),
        "thread": where.get("thread"),
        "trigger": body.get("trigger_id"),
        "values": typed((shown.get("state") or {}).get("values") or {}),
        "about": where.get("about") or {},
        "direct": str(where.get("channel") or "").startswith("D"),
    }
    return _by(body, rest)


def metadata(shown: Body) -> Mapping[str, Any]:
    """Return what `view.modal` wrote into a modal."""
    written = shown.get("private_metadata")
    found: Mapping[str, Any] = orjson.loads(written) if written else {}
    return found


def _chosen(action: Body) -> Any:
    option = action.get("selected_option") or {}
    for name in ("value", "selected_conversation", "selected_channel", "selected_user"):
        if action.get(name):
            return action[name]
    return option.get("value", "")


def _by(body: Body, rest: Mapping[str, Any]) -> Incoming:
    user = body["user"]
    return Incoming(str(user["id"]), str(user.get("username") or user.get("name") or ""), rest)
