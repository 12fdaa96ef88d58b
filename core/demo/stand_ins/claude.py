"""A strict stand-in for the Claude API: models, counting tokens, messages (https://platform.claude.com/docs/en/api).

What it writes is told to it beforehand (`answers`); what the real API refuses, it refuses.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from core.demo.stand_ins.server import StandIn, hang_up, main

API_KEY = "sk-ant-stand-in"
_KNOWN = {
    "model", "max_tokens", "messages", "system", "stream", "output_config", "thinking", "tools", "tool_choice",
    "metadata", "stop_sequences", "service_tier", "temperature", "top_p", "top_k", "cache_control",
}  # fmt: skip
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_MOST_OUTPUT = 128_000
_CHARACTERS = 4
"""Characters that count as one token here."""


@dataclass
class Answer:
    """What the model writes. `pieces`: in how many events a streamed text comes; `hang_up_after`: breaks off behind
    that many of them, `failing`: with this error as an event, else without a word."""

    text: str
    stop_reason: str = "end_turn"
    thinking: str = ""
    pieces: int = 5
    hang_up_after: int | None = None
    failing: Failure | None = None
    paused: asyncio.Event | None = None
    """While there, the second half of a streamed text waits for it."""


@dataclass
class Failure:
    """An error in place of an answer."""

    status: int
    kind: str
    message: str
    retry_after: int | None = None


LIMITED = Failure(429, "rate_limit_error", "This request would exceed your organization's rate limit.")
OVERLOADED = Failure(529, "overloaded_error", "Overloaded")
Said = Answer | Failure


@dataclass
class Asked:
    """One call: its body, and the tokens of it that were in the cache."""

    body: dict[str, Any]
    cached: int = 0


@dataclass
class _Cache:
    texts: set[str] = field(default_factory=set)


class ClaudeStandIn(StandIn):
    """One key, one model, and the answers that a test has laid ready, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.models = ["claude-sonnet-5-5"]
        self.api_key = API_KEY
        self.retry_after: int | None = None
        """At its rate limit, for so many seconds."""
        self.broken = 0
        """The status of every answer as long as it is not 0."""
        self.answers: list[Said | Callable[[dict[str, Any]], Said]] = []
        """What comes next; one that can be called gets the request's body."""
        self.asked: list[Asked] = []
        self.held: asyncio.Event | None = None
        """While there, an answer waits for it."""
        self.meant: Callable[[dict[str, Any]], bool] | None = None
        """Says of a question if the answers are for it; any other is refused with `elsewise`."""
        self.elsewise = Failure(500, "api_error", "the stand-in has no answer laid ready")
        self._cache = _Cache()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/models", self._list),
            web.get("/v1/models/{id}", self._model),
            web.post("/v1/messages", self._messages),
            web.post("/v1/messages/count_tokens", self._count),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        return self._refused(request) or web.json_response(
            {"data": [_shown(name) for name in self.models], "has_more": False, "first_id": None, "last_id": None}
        )

    async def _model(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        name = request.match_info["id"]
        if name not in self.models:
            return _error(404, "not_found_error", f"model: {name}")
        return web.json_response(_shown(name))

    async def _count(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        body = await request.json()
        problem = self._problem({**body, "max_tokens": 1})
        return problem or web.json_response(
            {"input_tokens": sum(_tokens(block["text"]) for block in _blocks(body)) + _tokens(body["messages"])}
        )

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        refused = self._refused(request)
        if refused is not None:
            return refused
        body = await request.json()
        problem = self._problem(body)
        if problem is not None:
            return problem
        if not self.answers or (self.meant is not None and not self.meant(body)):
            return _error(self.elsewise.status, self.elsewise.kind, self.elsewise.message)
        said = self.answers.pop(0)
        said = said(body) if callable(said) else said
        asked = Asked(body)
        self.asked.append(asked)
        if self.held is not None:
            await self.held.wait()
        if isinstance(said, Failure):
            failed = _error(said.status, said.kind, said.message)
            if said.retry_after is not None:
                failed.headers["Retry-After"] = str(said.retry_after)
            return failed
        usage = self._usage(asked, said)
        message = _message(body["model"], said, usage)
        if not body.get("stream"):
            return web.json_response(message, headers={"request-id": "req_stand_in"})
        return await _streamed(request, message, said)

    def _usage(self, asked: Asked, said: Answer) -> dict[str, int]:
        """Count as the API does: what a cache_control ends is written once and read from then on."""
        written = read = plain = 0
        prefix = ""
        for block in _blocks(asked.body):
            prefix += block["text"]
            tokens = _tokens(block["text"])
            if "cache_control" not in block:
                plain += tokens
            elif prefix in self._cache.texts:
                read += tokens
            else:
                self._cache.texts.add(prefix)
                written += tokens
        asked.cached = read
        return {
            "input_tokens": plain + _tokens(asked.body["messages"]),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "output_tokens": _tokens(said.text) + _tokens(said.thinking),
        }

    def _problem(self, body: Any) -> web.Response | None:
        for wrong in (_wrong_members(body), _wrong_messages(body), _wrong_output(body)):
            if wrong is not None:
                return _error(400, "invalid_request_error", wrong)
        if body["model"] not in self.models:
            return _error(404, "not_found_error", f"model: {body['model']}")
        return None

    def _refused(self, request: web.Request) -> web.Response | None:
        if self.broken:
            return _error(self.broken, "api_error", "Internal server error")
        # As a bearer token (platform.claude.com/docs/en/manage-claude/authentication); older clients use x-api-key.
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = request.headers.get("x-api-key") or bearer
        if not key:
            return _error(401, "authentication_error", "Authorization or x-api-key header is required")
        if key != self.api_key:
            return _error(401, "authentication_error", "invalid API key")
        if "anthropic-version" not in request.headers:
            return _error(400, "invalid_request_error", "anthropic-version: header is required")
        if self.retry_after is not None:
            refused = _error(429, LIMITED.kind, LIMITED.message)
            refused.headers["Retry-After"] = str(self.retry_after)
            return refused
        return None


def _wrong_members(body: Any) -> str | None:
    if not isinstance(body, dict):
        return "body: Input should be an object"
    unknown = sorted(body.keys() - _KNOWN)
    if unknown:
        return f"{unknown[0]}: Extra inputs are not permitted"
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            return f"{name}: Field required"
    if any(name in body for name in ("temperature", "top_p", "top_k")):
        return "sampling parameters cannot be set for this model"
    if not isinstance(body["max_tokens"], int) or not 1 <= body["max_tokens"] <= _MOST_OUTPUT:
        return f"max_tokens: must be between 1 and {_MOST_OUTPUT}"
    return None


def _wrong_messages(body: dict[str, Any]) -> str | None:
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        return "messages: at least one message is required"
    if messages[0].get("role") != "user":
        return 'messages: first message must use the "user" role'
    if messages[-1].get("role") != "user":
        return "messages: this model does not support prefill. The conversation must end with a user message."
    for number, message in enumerate(messages):
        if message.get("role") not in ("user", "assistant"):
            return f"messages.{number}.role: Input should be 'user' or 'assistant'"
        content = message.get("content")
        texts = [content] if isinstance(content, str) else [block.get("text") for block in content or []]
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            return f"messages.{number}: text content blocks must be non-empty"
    system = body.get("system") or []
    if isinstance(system, list) and sum("cache_control" in block for block in system) > 4:
        return "A maximum of 4 blocks with cache_control may be provided."
    return None


def _wrong_output(body: dict[str, Any]) -> str | None:
    output = body.get("output_config") or {}
    if output.keys() - {"format", "effort"}:
        return "output_config: Extra inputs are not permitted"
    if output.get("effort", "high") not in _EFFORTS:
        return f"output_config.effort: Input should be {', '.join(_EFFORTS)}"
    form = output.get("format")
    if form is None:
        return None
    if form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
        return "output_config.format: Input should be a json_schema with a schema"
    schema = form["schema"]
    for part in [schema, *schema.get("$defs", {}).values()]:
        if part.get("type") == "object" and part.get("additionalProperties") is not False:
            return (
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
            )
    return None


def _blocks(body: dict[str, Any]) -> list[dict[str, Any]]:
    system = body.get("system") or []
    return [{"type": "text", "text": system}] if isinstance(system, str) else system


def _tokens(value: Any) -> int:
    if not value:
        return 0
    return -(-len(value if isinstance(value, str) else json.dumps(value)) // _CHARACTERS)


def _message(model: str, said: Answer, usage: dict[str, int]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": said.text}]
    if said.thinking:
        content.insert(0, {"type": "thinking", "thinking": said.thinking, "signature": "stand-in"})
    return {
        "id": "msg_stand_in",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": said.stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


async def _streamed(request: web.Request, message: dict[str, Any], said: Answer) -> web.StreamResponse:
    """Send the message as server-sent events, as the API does."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "request-id": "req_stand_in"})
    await response.prepare(request)

    async def send(kind: str, **more: Any) -> None:
        await response.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode())

    start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    await send("message_start", message=start)
    await send("ping")
    for index, block in enumerate(message["content"]):
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "thinking": "", "signature": ""}
        await send("content_block_start", index=index, content_block=empty)
        if block["type"] == "thinking":
            await send("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": said.thinking})
            await send("content_block_delta", index=index, delta={"type": "signature_delta", "signature": "stand-in"})
        else:
            for number, piece in enumerate(_pieces(said.text, said.pieces)):
                if said.paused is not None and number >= said.pieces // 2:
                    await said.paused.wait()
                if said.hang_up_after is not None and number >= said.hang_up_after:
                    if said.failing is None:
                        return hang_up(request)
                    await send("error", error={"type": said.failing.kind, "message": said.failing.message})
                    return response
                await send("content_block_delta", index=index, delta={"type": "text_delta", "text": piece})
        await send("content_block_stop", index=index)
    delta = {"stop_reason": said.stop_reason, "stop_sequence": None}
    await send("message_delta", delta=delta, usage={"output_tokens": message["usage"]["output_tokens"]})
    await send("message_stop")
    return response


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // max(1, count)))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _shown(name: str) -> dict[str, Any]:
    created = "2026-01-01T00:00:00Z"
    return {"type": "model", "id": name, "display_name": name, "created_at": created, "lifecycle": "active"}


def _error(status: int, kind: str, message: str) -> web.Response:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_stand_in"}
    return web.json_response(body, status=status, headers={"request-id": "req_stand_in"})


if __name__ == "__main__":
    main(ClaudeStandIn())
