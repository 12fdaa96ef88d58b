"""conversations.* and users.conversations (https://docs.slack.dev/reference/methods)."""

from __future__ import annotations

from typing import Any

from core.demo.stand_ins.slack.answers import Answer, Arguments, Refused, limit, page, true
from core.demo.stand_ins.slack.registry import Call, method
from core.demo.stand_ins.slack.scopes import HISTORY, READ
from core.demo.stand_ins.slack.workspace import BOT, Channel, Message, Workspace


def postable(slack: Workspace, wanted: str) -> Channel:
    """Return the channel with this id or name, or the direct message with this user, if the bot may post there."""
    if wanted.startswith(("U", "W")) and any(user.id == wanted for user in slack.users):
        return slack.direct(wanted)
    name = wanted.removeprefix("#")
    channel = next((c for c in slack.channels if c.id == wanted or (name and c.name == name)), None)
    if channel is None or (channel.is_private and not channel.is_member):
        raise Refused("channel_not_found")
    if channel.is_archived:
        raise Refused("is_archived")
    if not channel.is_member:
        raise Refused("not_in_channel")
    return channel


@method("conversations.list")
def list_(slack: Workspace, call: Call) -> Answer:
    """List the workspace's channels of some kinds."""
    return _page(slack, call.arguments, slack.channels)


@method("users.conversations")
def own(slack: Workspace, call: Call) -> Answer:
    """List the channels that somebody is in, by default the bot."""
    user = call.arguments.get("user")
    if user and user != BOT:
        return _page(slack, call.arguments, [channel for channel in slack.channels if user in channel.members])
    return _page(slack, call.arguments, [channel for channel in slack.channels if channel.is_member])


def _page(slack: Workspace, arguments: Arguments, channels: list[Channel]) -> Answer:
    kinds = str(arguments.get("types") or "public_channel").split(",")
    if not set(kinds) <= set(READ):
        raise Refused("invalid_types")
    slack.needs(*(READ[kind] for kind in kinds))
    hide_archived = true(arguments.get("exclude_archived"))
    fitting = [c for c in channels if c.kind in kinds and not (hide_archived and c.is_archived)]
    fitting = [c for c in fitting if c.is_member or not c.is_private]
    shown, more = page(arguments, [_shown(channel) for channel in fitting], 1000, slack.page_size)
    return {"channels": shown, **more}


def _shown(channel: Channel) -> dict[str, Any]:
    shown = {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind == "public_channel",
        "is_im": channel.kind == "im",
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_member": channel.is_member,
    }
    return {**shown, "user": channel.user} if channel.user else shown


@method("conversations.info")
def info(slack: Workspace, call: Call) -> Answer:
    """Describe one channel."""
    return {"channel": _shown(_readable(slack, call, READ, member=False))}


@method("conversations.members")
def members(slack: Workspace, call: Call) -> Answer:
    """List who is in a channel."""
    channel = _readable(slack, call, READ, member=False)
    people = [*channel.members, BOT] if channel.is_member and BOT not in channel.members else channel.members
    shown, more = page(call.arguments, people, 1000, slack.page_size)
    return {"members": shown, **more}


@method("conversations.join")
def join(slack: Workspace, call: Call) -> Answer:
    """Let the bot enter a public channel."""
    channel = _by_id(slack, call)
    if channel.is_private or channel.user:
        raise Refused("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refused("is_archived")
    channel.is_member = True
    slack.changes.note("joined", channel=channel.id)
    return {"channel": _shown(channel)}


@method("conversations.open")
def open_(slack: Workspace, call: Call) -> Answer:
    """Open the direct message with one user."""
    users = call.arguments.get("users") or ""
    people = users if isinstance(users, list) else [user for user in str(users).split(",") if user]
    if not people:
        raise Refused("users_list_not_supplied")
    if not all(any(user.id == one for user in slack.users) for one in people):
        raise Refused("user_not_found")
    if len(people) > 1:
        slack.needs("mpim:write")
        raise Refused("method_not_supported_for_channel_type")
    return {"channel": {"id": slack.direct(people[0]).id}}


@method("conversations.history")
def history(slack: Workspace, call: Call) -> Answer:
    """Return what was said, the newest first, without the answers in threads."""
    channel = _readable(slack, call, HISTORY)
    latest, oldest = call.arguments.get("latest"), call.arguments.get("oldest")
    inclusive = true(call.arguments.get("inclusive"))
    messages = [m for m in channel.messages if _in_channel(m)]
    if latest:
        messages = [m for m in messages if _before(m["ts"], latest, inclusive)]
    if oldest:
        messages = [m for m in messages if _before(oldest, m["ts"], inclusive)]
    newest = messages[::-1][: limit(call.arguments, 999)]
    shown = [_in_history(channel, message) for message in newest]
    return {"messages": _without(shown, call.arguments), "has_more": len(messages) > len(newest)}


@method("conversations.replies")
def replies(slack: Workspace, call: Call) -> Answer:
    """Return a thread, the oldest first."""
    channel = _readable(slack, call, HISTORY)
    ts = call.arguments.get("ts")
    thread = [m for m in channel.messages if ts in (m["ts"], m.get("thread_ts"))]
    if not thread:
        raise Refused("thread_not_found")
    return {"messages": _without(thread[: limit(call.arguments, 1000)], call.arguments), "has_more": False}


def _in_channel(message: Message) -> bool:
    """Say whether a message is no answer in a thread, or one that was sent to the channel too."""
    thread = message.get("thread_ts", message["ts"])
    return bool(thread == message["ts"]) or message.get("subtype") == "thread_broadcast"


def _before(one: Any, other: Any, inclusive: bool) -> bool:
    first, second = ([int(part) for part in f"{value}.0".split(".")[:2]] for value in (one, other))
    return first < second or (inclusive and first == second)


def _in_history(channel: Channel, message: Message) -> Message:
    answers = [m for m in channel.messages if m.get("thread_ts") == message["ts"] and m is not message]
    if not answers:
        return message
    return {
        **message,
        "thread_ts": message["ts"],
        "reply_count": len(answers),
        "latest_reply": answers[-1]["ts"],
    }


def _by_id(slack: Workspace, call: Call) -> Channel:
    # By id alone: a name is no channel here.
    channel = next((c for c in slack.channels if c.id == call.arguments.get("channel")), None)
    if channel is None:
        raise Refused("channel_not_found")
    return channel


def _readable(slack: Workspace, call: Call, scopes: dict[str, str], *, member: bool = True) -> Channel:
    channel = _by_id(slack, call)
    slack.needs(scopes[channel.kind])
    if not channel.is_member and channel.is_private:
        raise Refused("channel_not_found")
    if member and not channel.is_member:
        raise Refused("not_in_channel")
    return channel


def _without(messages: list[Message], arguments: Arguments) -> list[Message]:
    if true(arguments.get("include_all_metadata")):
        return messages
    return [{key: value for key, value in message.items() if key != "metadata"} for message in messages]
