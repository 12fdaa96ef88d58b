"""What a message may hold, and how it gets into a channel, is edited and goes."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any

from core.demo.stand_ins.slack.answers import Arguments, Limited, Refused, parsed, refused_for
from core.demo.stand_ins.slack.blocks import problems_of_blocks, with_ids
from core.demo.stand_ins.slack.limits import MESSAGE
from core.demo.stand_ins.slack.workspace import APP, BOT, BOT_ID, TEAM, Channel, Message, Workspace

_MAX_TEXT = 40_000
_MAX_METADATA = 8_000
_MAX_ATTACHMENTS = 100


@dataclass(frozen=True)
class Content:
    """What is to be said; None is what was not mentioned."""

    text: str | None
    blocks: list[dict[str, Any]] | None
    attachments: list[dict[str, Any]] | None
    metadata: dict[str, Any] | None


def content(arguments: Arguments) -> Content:
    """Return what a message is to hold, or refuse it as Slack does."""
    text, blocks, attachments, metadata = (
        parsed(arguments.get(name)) if name != "text" else arguments.get(name)
        for name in ("text", "blocks", "attachments", "metadata")
    )
    if not text and not blocks and not attachments:
        raise Refused("no_text")
    if text is not None and not isinstance(text, str):
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] must be a string"]})
    if len(text or "") > _MAX_TEXT:
        raise Refused("msg_too_long")
    _check_blocks(blocks)
    _check_attachments(attachments)
    if metadata is not None:
        _check_metadata(metadata)
    return Content(text, blocks, attachments, metadata)


def _check_blocks(blocks: Any) -> None:
    if not blocks:
        return
    if not isinstance(blocks, list) or not all(isinstance(block, dict) and block.get("type") for block in blocks):
        raise Refused("invalid_blocks_format")
    problems = problems_of_blocks(blocks, MESSAGE)
    if problems:
        raise refused_for("invalid_blocks", problems)


def _check_attachments(attachments: Any) -> None:
    if not attachments:
        return
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise Refused("invalid_attachments")
    if len(attachments) > _MAX_ATTACHMENTS:
        raise Refused("too_many_attachments")
    for n, one in enumerate(attachments):
        problems = problems_of_blocks(one.get("blocks", []), MESSAGE, f"/attachments/{n}/blocks")
        if problems:
            raise refused_for("invalid_blocks", problems)


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise Refused("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata)) > _MAX_METADATA:
        raise Refused("metadata_too_large")


def checked_thread(arguments: Arguments) -> str | None:
    """Return the thread to answer in."""
    thread_ts = arguments.get("thread_ts")
    if thread_ts and not re.fullmatch(r"\d+\.\d+", str(thread_ts)):
        raise Refused("invalid_thread_ts")
    return str(thread_ts) if thread_ts else None


def message_of(slack: Workspace, said: Content, *, thread_ts: str | None = None) -> Message:
    """Return a new message of the bot's."""
    _check_files(slack, said.blocks)
    made: Message = {
        "type": "message",
        "user": BOT,
        "text": said.text or "",
        "ts": slack.ts(),
        "bot_id": BOT_ID,
        "app_id": APP,
        "team": TEAM,
    }
    made |= {"blocks": with_ids(said.blocks)} if said.blocks else {}
    made |= {"attachments": copy.deepcopy(said.attachments)} if said.attachments else {}
    made |= {"metadata": said.metadata} if said.metadata else {}
    return made | ({"thread_ts": thread_ts} if thread_ts else {})


def _check_files(slack: Workspace, blocks: Any) -> None:
    """Refuse an image of a file that is not there, or that Slack is still taking in.

    https://github.com/slackapi/python-slack-sdk/issues/1521: a file that was just uploaded is refused for a while.
    """
    for n, block in enumerate(blocks or []):
        file = slack.files.get(str((block.get("slack_file") or {}).get("id"))) if "slack_file" in block else None
        if "slack_file" not in block or (file is not None and file["complete"] and not slack.unprocessed):
            continue
        slack.unprocessed = max(0, slack.unprocessed - 1)
        raise refused_for("invalid_blocks", [f"invalid slack file [json-pointer:/blocks/{n}/slack_file]"])


def put(slack: Workspace, channel: Channel, message: Message) -> Message:
    """Say it in a channel."""
    channel.messages.append(message)
    slack.changes.note("message", channel=channel.id, ts=message["ts"], text=message["text"][:80])
    return message


def put_for(slack: Workspace, user: str, channel: Channel, message: Message) -> Message:
    """Say it in a channel to one user alone."""
    message |= {"is_ephemeral": True, "channel": channel.id}
    slack.ephemerals.setdefault(user, []).append(message)
    slack.changes.note("ephemeral", channel=channel.id, user=user, ts=message["ts"], text=message["text"][:80])
    return message


def edit(slack: Workspace, message: Message, said: Content, *, whole: bool = False) -> Message:
    """Change a message in place; what is not mentioned stays, unless the `whole` is replaced.

    https://docs.slack.dev/reference/methods/chat.update: a text without blocks takes the blocks away, and only then
    the message is shown as edited.
    """
    _check_files(slack, said.blocks)
    whole = whole or (bool(said.text) and said.blocks is None and said.attachments is None)
    slack.versions.setdefault(message["ts"], []).append(copy.deepcopy(message))
    if said.text is not None or whole:
        message["text"] = said.text or ""
    for name, value in (("blocks", said.blocks and with_ids(said.blocks)), ("attachments", said.attachments)):
        if value:
            message[name] = value
        elif value is not None or whole:
            message.pop(name, None)
    if said.metadata is not None:
        message["metadata"] = said.metadata
    if not message.get("is_ephemeral") and "blocks" not in message:
        message["edited"] = {"user": BOT, "ts": f"{int(slack.clock.now())}.000000"}
    slack.changes.note("edited", ts=message["ts"], text=message["text"][:80])
    return message


def take_away(slack: Workspace, place: list[Message], message: Message) -> None:
    """Delete a message."""
    slack.versions.setdefault(message["ts"], []).append(copy.deepcopy(message))
    place[:] = [one for one in place if one is not message]
    slack.changes.note("deleted", ts=message["ts"], text=message["text"][:80])


def check_rate(slack: Workspace, channel: Channel) -> None:
    """Refuse a message too many: a channel at its limit, or a second one within a second where that is watched.

    https://docs.slack.dev/apis/web-api/rate-limits: one message a second in a channel.
    """
    if channel.name in slack.limits:
        raise Limited(slack.limits[channel.name])
    now = slack.clock.now()
    if slack.one_a_second and now - slack.posted_at.get(channel.id, now - 1) < 1:
        raise Limited(1)
    slack.posted_at[channel.id] = now
