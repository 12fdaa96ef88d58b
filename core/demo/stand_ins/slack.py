"""A strict stand-in for Slack's Web API (https://docs.slack.dev/apis/web-api).

Reading methods take query or form arguments only, writing ones JSON too; refusals come with 200 and `ok: false`, rate
limits with 429. What the real service refuses, this one refuses with the same code. Incoming webhooks answer in plain
text (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from core.demo.stand_ins.server import StandIn, hang_up, main

BOT_TOKEN = "xoxb-stand-in"
APP_TOKEN = "xapp-stand-in"
WEBHOOK = "T0ACME/B0CCB/stand-in"
SCOPES = ("chat:write", "channels:read", "channels:history", "groups:read", "groups:history")
_MAX_TEXT = 40_000
_MAX_METADATA = 8_000

Arguments = dict[str, Any]
Method = Callable[[Arguments, str], Awaitable[dict[str, Any]]]


class Refused(Exception):
    """`ok: false` with Slack's code."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer = {"ok": False, "error": code, **more}


class Limited(Exception):
    """429 with Retry-After."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class HungUp(Exception):
    """Done, but the connection breaks before the answer."""


@dataclass
class Channel:
    """A conversation, and what was said in it (oldest first)."""

    id: str
    name: str
    is_member: bool = True
    is_private: bool = False
    is_archived: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)


class SlackStandIn(StandIn):
    """A workspace `Acme` with the bot `ccb`, in #general and #deploys, not in #random."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {BOT_TOKEN: "ccb", "xoxb-own": "own-bot"}
        self.app_token = APP_TOKEN
        self.scopes: tuple[str, ...] = SCOPES
        self.channels = [
            Channel("C0GENERAL", "general"),
            Channel("C0DEPLOYS", "deploys"),
            Channel("C0RANDOM1", "random", is_member=False),
            Channel("C0ARCHIVE", "old-news", is_archived=True),
            Channel("C0PRIVATE", "secret-plans", is_member=False, is_private=True),
        ]
        self.limits: dict[str, int] = {}
        """Channels (by name) at their rate limit, and the Retry-After in seconds."""
        self.hang_up_after_posting = 0
        """How many of the next messages are posted without the caller learning of it."""
        self.page_size = 200
        self.broken = 0
        """The status of every answer (500, 503, …) as long as it is not 0."""
        self.webhooks = {WEBHOOK: "deploys"}
        """Incoming webhooks: the path after /services/, and the channel's name."""
        self._said = 0

    def address(self, base: str) -> str:
        return base + "/api/"

    def routes(self) -> list[web.RouteDef]:
        reads: dict[str, Method] = {
            "conversations.list": self._list,
            "users.conversations": self._own,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
        }
        writes: dict[str, Method] = {
            "auth.test": self._test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
        }
        found = [
            web.route("*", f"/api/{name}", self._handler(method, takes_json=False)) for name, method in reads.items()
        ]
        found += [web.post(f"/api/{name}", self._handler(method, takes_json=True)) for name, method in writes.items()]
        found += [
            web.post("/api/apps.connections.open", self._handler(self._open, takes_json=True, app=True)),
            # What Slack has retired is unknown too, such as apps.permissions.info: it went with workspace apps in 2021
            # (https://api.slack.com/methods/apps.permissions.request), and the reference lists it no more.
            web.route("*", "/api/{method}", _unknown_method),
            web.post("/services/{path:.*}", self._incoming),
        ]
        return found

    def channel(self, name: str) -> Channel:
        """Return the channel called `name`."""
        return next(channel for channel in self.channels if channel.name == name)

    @property
    def texts(self) -> list[str]:
        """Everything posted, channel by channel."""
        return [message["text"] for channel in self.channels for message in channel.messages]

    def _handler(
        self, method: Method, *, takes_json: bool, app: bool = False
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if self.broken:
                return web.Response(status=self.broken, text="<html>Slack is down</html>", content_type="text/html")
            try:
                arguments, warning = await _arguments(request, takes_json=takes_json)
                token = self._authenticated(request, arguments, app=app)
                answer = {"ok": True, **await method(arguments, token), **warning}
            except Refused as refused:
                answer = refused.answer
            except Limited as limited:
                return web.json_response(
                    {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(limited.retry_after)}
                )
            except HungUp:
                return hang_up(request)
            return web.json_response(answer, headers={"X-OAuth-Scopes": ",".join(self.scopes)})

        return handle

    def _authenticated(self, request: web.Request, arguments: Arguments, *, app: bool) -> str:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            # A token among the arguments is taken from forms alone.
            token = arguments.get("token", "") if request.content_type != "application/json" else ""
        if not token:
            raise Refused("not_authed")
        if app:
            if token in self.tokens:
                raise Refused("not_allowed_token_type")
            if token != self.app_token:
                raise Refused("invalid_auth")
        elif token not in self.tokens:
            raise Refused("not_allowed_token_type" if token == self.app_token else "invalid_auth")
        return str(token)

    def _needs(self, *scopes: str) -> None:
        for scope in scopes:
            if scope not in self.scopes:
                raise Refused("missing_scope", needed=scope, provided=",".join(self.scopes))

    async def _test(self, arguments: Arguments, token: str) -> dict[str, Any]:
        url = "https://acme.slack.example/"
        return {"url": url, "team": "Acme", "user": self.tokens[token], "team_id": "T0ACME", "user_id": "U0CCB"}

    async def _open(self, arguments: Arguments, token: str) -> dict[str, Any]:
        return {"url": "wss://127.0.0.1/link/?ticket=stand-in"}

    async def _post(self, arguments: Arguments, token: str) -> dict[str, Any]:
        self._needs("chat:write")
        channel = self._postable(str(arguments.get("channel", "")))
        if channel.name in self.limits:
            raise Limited(self.limits[channel.name])
        text, blocks, metadata = _content(arguments)
        thread_ts = arguments.get("thread_ts")
        self._said += 1
        message: dict[str, Any] = {
            "type": "message",
            "user": "U0CCB",
            "text": text,
            "ts": f"1700000000.{self._said:06d}",
        }
        message |= {"blocks": blocks} if blocks else {}
        message |= {"metadata": metadata} if metadata else {}
        message |= {"thread_ts": thread_ts} if thread_ts else {}
        message |= {"subtype": "thread_broadcast"} if thread_ts and _true(arguments.get("reply_broadcast")) else {}
        channel.messages.append(message)
        if self.hang_up_after_posting:
            self.hang_up_after_posting -= 1
            raise HungUp
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    async def _update(self, arguments: Arguments, token: str) -> dict[str, Any]:
        """Edit one of the bot's own messages, by the channel's id alone (https://docs.slack.dev/reference/methods/chat.update)."""
        self._needs("chat:write")
        channel = next((c for c in self.channels if c.id == arguments.get("channel")), None)
        if channel is None:
            raise Refused("channel_not_found")
        if channel.name in self.limits:
            raise Limited(self.limits[channel.name])
        message = next((m for m in channel.messages if m["ts"] == arguments.get("ts")), None)
        if message is None:
            raise Refused("message_not_found")
        text, blocks, metadata = _content(arguments)
        message["text"], message["edited"] = text, {"user": "U0CCB"}
        message |= {"blocks": blocks} if blocks else {}
        message |= {"metadata": metadata} if metadata else {}
        return {"channel": channel.id, "ts": message["ts"], "text": text, "message": message}

    def _postable(self, wanted: str) -> Channel:
        name = wanted.removeprefix("#")
        channel = next((c for c in self.channels if c.id == wanted or c.name == name), None)
        if channel is None or (channel.is_private and not channel.is_member):
            raise Refused("channel_not_found")
        if channel.is_archived:
            raise Refused("is_archived")
        if not channel.is_member:
            raise Refused("not_in_channel")
        return channel

    async def _incoming(self, request: web.Request) -> web.Response:
        name = self.webhooks.get(request.match_info["path"])
        if name is None:
            return web.Response(status=404, text="no_service")
        channel = self.channel(name)
        if name in self.limits:
            headers = {"Retry-After": str(self.limits[name])}
            return web.Response(status=429, text="rate_limited", headers=headers)
        if channel.is_archived:
            return web.Response(status=410, text="channel_is_archived")
        is_json = request.content_type == "application/json"
        raw = await request.text() if is_json else str((await request.post()).get("payload", ""))
        try:
            text, blocks, _ = _content(json.loads(raw))
        except (ValueError, AttributeError):
            return web.Response(status=400, text="invalid_payload")
        except Refused as refused:
            return web.Response(status=400, text=str(refused))
        self._said += 1
        said = {"type": "message", "text": text, "ts": f"1700000000.{self._said:06d}"}
        channel.messages.append({**said, **({"blocks": blocks} if blocks else {})})
        return web.Response(text="ok")

    async def _list(self, arguments: Arguments, token: str) -> dict[str, Any]:
        return self._page(arguments, self.channels)

    async def _own(self, arguments: Arguments, token: str) -> dict[str, Any]:
        return self._page(arguments, [channel for channel in self.channels if channel.is_member])

    def _page(self, arguments: Arguments, channels: list[Channel]) -> dict[str, Any]:
        types = str(arguments.get("types", "public_channel")).split(",")
        needed = {"public_channel": "channels:read", "private_channel": "groups:read"}
        if not set(types) <= set(needed):
            raise Refused("invalid_types")
        self._needs(*(needed[kind] for kind in types))
        hide_archived = _true(arguments.get("exclude_archived"))
        fitting = [
            {"id": c.id, "name": c.name, "is_private": c.is_private, "is_archived": c.is_archived}
            for c in channels
            if ("private_channel" if c.is_private else "public_channel") in types
            and not (hide_archived and c.is_archived)
        ]
        start = _cursor(arguments.get("cursor"))
        end = start + min(_limit(arguments, 1000), self.page_size)
        cursor = str(end) if end < len(fitting) else ""
        return {"channels": fitting[start:end], "response_metadata": {"next_cursor": cursor}}

    async def _history(self, arguments: Arguments, token: str) -> dict[str, Any]:
        messages = [m for m in self._readable(arguments).messages if "thread_ts" not in m]
        newest = messages[::-1][: _limit(arguments, 999)]
        return {"messages": _shown(newest, arguments), "has_more": len(messages) > len(newest)}

    async def _replies(self, arguments: Arguments, token: str) -> dict[str, Any]:
        ts = arguments.get("ts")
        thread = [m for m in self._readable(arguments).messages if ts in (m["ts"], m.get("thread_ts"))]
        if not thread:
            raise Refused("thread_not_found")
        return {"messages": _shown(thread[: _limit(arguments, 1000)], arguments), "has_more": False}

    def _readable(self, arguments: Arguments) -> Channel:
        # By id alone: a name is no channel here.
        channel = next((c for c in self.channels if c.id == arguments.get("channel")), None)
        if channel is None:
            raise Refused("channel_not_found")
        self._needs("groups:history" if channel.is_private else "channels:history")
        if not channel.is_member:
            raise Refused("not_in_channel")
        return channel


async def _arguments(request: web.Request, *, takes_json: bool) -> tuple[Arguments, dict[str, Any]]:
    """Return the method's arguments, and the warning that goes with JSON of no charset."""
    if request.content_type == "application/json" and request.method == "POST":
        try:
            body = json.loads(await request.text())
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        warning = {} if request.charset else {"warning": "missing_charset"}
        return (body if takes_json else {}), warning
    forms = ("application/x-www-form-urlencoded", "multipart/form-data")
    if request.method == "POST" and request.can_read_body and request.content_type not in forms:
        raise Refused("invalid_post_type")
    return {**request.query, **(await request.post() if request.method == "POST" else {})}, {}


def _content(arguments: Arguments) -> tuple[str, list[dict[str, Any]], dict[str, Any] | None]:
    text, blocks, metadata = (_parsed(arguments.get(name)) for name in ("text", "blocks", "metadata"))
    if not text and not blocks:
        raise Refused("no_text")
    if len(str(text or "")) > _MAX_TEXT:
        raise Refused("msg_too_long")
    if blocks and (not isinstance(blocks, list) or not all(isinstance(b, dict) and b.get("type") for b in blocks)):
        raise Refused("invalid_blocks_format")
    if blocks and len(blocks) > 50:
        problem = "no more than 50 items allowed [json-pointer:/blocks]"
        raise Refused("invalid_blocks", errors=[problem], response_metadata={"messages": [f"[ERROR] {problem}"]})
    if metadata is not None:
        _check_metadata(metadata)
    thread_ts = arguments.get("thread_ts")
    if thread_ts is not None and not re.fullmatch(r"\d+\.\d+", str(thread_ts)):
        raise Refused("invalid_thread_ts")
    return str(text or ""), blocks or [], metadata


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise Refused("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata)) > _MAX_METADATA:
        raise Refused("metadata_too_large")


def _parsed(value: Any) -> Any:
    """Return a form's argument that is JSON as what it says."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _shown(messages: list[dict[str, Any]], arguments: Arguments) -> list[dict[str, Any]]:
    if _true(arguments.get("include_all_metadata")):
        return messages
    return [{key: value for key, value in message.items() if key != "metadata"} for message in messages]


def _true(value: Any) -> bool:
    return value in (True, "1", "true", "True")


def _limit(arguments: Arguments, most: int) -> int:
    try:
        limit = int(arguments.get("limit", 100))
    except ValueError:
        raise Refused("invalid_limit") from None
    if not 1 <= limit <= most:
        raise Refused("invalid_limit")
    return limit


def _cursor(value: Any) -> int:
    if not value:
        return 0
    if not str(value).isdecimal():
        raise Refused("invalid_cursor")
    return int(value)


async def _unknown_method(request: web.Request) -> web.Response:
    return web.json_response({"ok": False, "error": "unknown_method", "req_method": request.match_info["method"]})


if __name__ == "__main__":
    main(SlackStandIn())
