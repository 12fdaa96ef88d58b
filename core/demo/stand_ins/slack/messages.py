"""chat.* and reactions.* (https://docs.slack.dev/reference/methods)."""

from __future__ import annotations

from core.demo.stand_ins.slack.answers import Answer, HungUp, Refused, true
from core.demo.stand_ins.slack.conversations import postable
from core.demo.stand_ins.slack.posting import (
    check_rate,
    checked_thread,
    content,
    edit,
    message_of,
    put,
    put_for,
    take_away,
)
from core.demo.stand_ins.slack.registry import Call, method
from core.demo.stand_ins.slack.workspace import BOT_ID, Channel, Message, Workspace


@method("chat.postMessage")
def post_message(slack: Workspace, call: Call) -> Answer:
    """Say something in a channel, by its name or id, or to a user by theirs."""
    channel = postable(slack, str(call.arguments.get("channel") or ""))
    check_rate(slack, channel)
    said, thread_ts = content(call.arguments), checked_thread(call.arguments)
    message = message_of(slack, said, thread_ts=thread_ts)
    if thread_ts and true(call.arguments.get("reply_broadcast")):
        message["subtype"] = "thread_broadcast"  # it stands in the channel as well
    put(slack, channel, message)
    if slack.hang_up_after_posting:
        slack.hang_up_after_posting -= 1
        raise HungUp
    return {"channel": channel.id, "ts": message["ts"], "message": message}


@method("chat.postEphemeral")
def post_ephemeral(slack: Workspace, call: Call) -> Answer:
    """Say something to one member of a channel."""
    channel = postable(slack, str(call.arguments.get("channel") or ""))
    user = call.arguments.get("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    check_rate(slack, channel)
    said, thread_ts = content(call.arguments), checked_thread(call.arguments)
    message = put_for(slack, user, channel, message_of(slack, said, thread_ts=thread_ts))
    return {"message_ts": message["ts"]}


@method("chat.update")
def update(slack: Workspace, call: Call) -> Answer:
    """Edit a message of the bot's own."""
    channel, message = _own(slack, call, "cant_update_message")
    return {
        "channel": channel.id,
        "ts": message["ts"],
        "message": edit(slack, message, content(call.arguments)),
        "text": message["text"],
    }


@method("chat.delete")
def delete(slack: Workspace, call: Call) -> Answer:
    """Delete a message of the bot's own."""
    channel, message = _own(slack, call, "cant_delete_message")
    take_away(slack, channel.messages, message)
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.getPermalink")
def permalink(slack: Workspace, call: Call) -> Answer:
    """Return a message's address."""
    channel, message = _found(slack, call, "message_ts")
    path = f"archives/{channel.id}/p{message['ts'].replace('.', '')}"
    return {"channel": channel.id, "permalink": f"https://acme.slack.example/{path}"}


@method("reactions.add")
def react(slack: Workspace, call: Call) -> Answer:
    """Put an emoji under a message, once."""
    _, message = _found(slack, call, "timestamp")
    name = str(call.arguments.get("name") or "").strip(":")
    if not name:
        raise Refused("invalid_name")
    reactions = message.setdefault("reactions", [])
    if any(one["name"] == name for one in reactions):
        raise Refused("already_reacted")
    reactions.append({"name": name, "count": 1, "users": ["U0CCB"]})
    slack.changes.note("reaction", ts=message["ts"], name=name)
    return {}


@method("reactions.remove")
def unreact(slack: Workspace, call: Call) -> Answer:
    """Take an emoji away again."""
    _, message = _found(slack, call, "timestamp")
    name = str(call.arguments.get("name") or "").strip(":")
    if not any(one["name"] == name for one in message.get("reactions", [])):
        raise Refused("no_reaction")
    message["reactions"] = [one for one in message["reactions"] if one["name"] != name]
    slack.changes.note("reaction", ts=message["ts"], name=name)
    return {}


def _found(slack: Workspace, call: Call, name: str) -> tuple[Channel, Message]:
    channel = next((one for one in slack.channels if one.id == call.arguments.get("channel")), None)
    if channel is None or (channel.is_private and not channel.is_member):
        raise Refused("channel_not_found")
    found = slack.find(channel.id, call.arguments.get(name))
    if found is None:
        raise Refused("message_not_found")
    return found


def _own(slack: Workspace, call: Call, refusal: str) -> tuple[Channel, Message]:
    channel, message = _found(slack, call, "ts")
    if channel.is_archived:
        raise Refused("is_archived")
    if message.get("bot_id") != BOT_ID:
        raise Refused(refusal)
    return channel, message
