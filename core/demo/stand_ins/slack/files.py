"""Uploads in their three steps (https://docs.slack.dev/messaging/working-with-files#upload)."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from core.demo.stand_ins.slack.answers import Answer, Refused, parsed, refused_for
from core.demo.stand_ins.slack.conversations import postable
from core.demo.stand_ins.slack.posting import Content, checked_thread, message_of, put
from core.demo.stand_ins.slack.registry import Call, method
from core.demo.stand_ins.slack.workspace import Workspace

_LARGEST = 2**30


@method("files.getUploadURLExternal")
def begin(slack: Workspace, call: Call) -> Answer:
    """Give an address to send a file of a known length to."""
    name, length = call.arguments.get("filename"), str(call.arguments.get("length") or "")
    if not name or not length.isdecimal() or not int(length):
        raise refused_for("invalid_arguments", ["missing required field: filename, length"])
    if int(length) > _LARGEST:
        raise Refused("file_upload_size_restricted")
    file_id = f"F{slack.number():010d}"
    slack.files[file_id] = {
        "id": file_id,
        "name": str(name),
        "title": str(name),
        "size": int(length),
        "alt_txt": call.arguments.get("alt_txt") or "",
        "ticket": secrets.token_urlsafe(16),
        "data": None,
        "complete": False,
    }
    return {"upload_url": f"{call.base}/upload/v1/{slack.files[file_id]['ticket']}", "file_id": file_id}


async def take(slack: Workspace, request: web.Request) -> web.Response:
    """Take the file's bytes, as a body or as a form's part."""
    found = [file for file in slack.files.values() if file["ticket"] == request.match_info["ticket"]]
    if not found or found[0]["data"] is not None:
        return web.Response(status=404, text="no such upload")
    if request.content_type == "multipart/form-data":
        part = next(iter((await request.post()).values()), None)
        data = part.file.read() if isinstance(part, web.FileField) else b""
    else:
        data = await request.read()
    if len(data) != found[0]["size"]:
        return web.Response(status=400, text=f"expected {found[0]['size']} bytes, got {len(data)}")
    found[0]["data"] = data
    return web.Response(text=f"OK - {len(data)}")


@method("files.completeUploadExternal")
def complete(slack: Workspace, call: Call) -> Answer:
    """Finish uploads, and share them in a channel if one is named (by id)."""
    wanted = parsed(call.arguments.get("files"))
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
        raise refused_for("invalid_arguments", ["missing required field: files"])
    files = [_uploaded(slack, one) for one in wanted]
    channel_id, channel = call.arguments.get("channel_id"), None
    if channel_id:
        if not any(channel.id == channel_id for channel in slack.channels):
            raise Refused("channel_not_found")
        channel = postable(slack, str(channel_id))
    for file, one in zip(files, wanted, strict=True):
        file |= {"complete": True, "title": one.get("title") or file["title"]}
    if channel is not None:
        said = Content(str(call.arguments.get("initial_comment") or ""), None, None, None)
        message = message_of(slack, said, thread_ts=checked_thread(call.arguments))
        put(slack, channel, {**message, "files": [_shown(file) for file in files]})
    slack.changes.note("files", ids=[file["id"] for file in files])
    return {"files": [_shown(file) for file in files]}


def _uploaded(slack: Workspace, wanted: dict[str, Any]) -> dict[str, Any]:
    file = slack.files.get(str(wanted.get("id")))
    if file is None or file["complete"]:
        raise Refused("file_not_found")
    if file["data"] is None:
        raise Refused("file_update_failed")
    return file


def _shown(file: dict[str, Any]) -> dict[str, Any]:
    private = f"https://files.slack.example/{file['id']}/{file['name']}"
    shown = {key: file[key] for key in ("id", "name", "title", "size", "alt_txt")}
    return {**shown, "url_private": private, "permalink": private}
