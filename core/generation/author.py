"""Asking Claude for a package: one call, its answer read strictly, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from anthropic import APIError, AsyncMessageStream, transform_schema
from anthropic.types import Message
from httpx2 import TransportError
from pydantic import ValidationError

from core.config import Settings
from core.errors import Upstream
from core.generation import claude
from core.generation.draft import Draft
from core.generation.money import Heard, Usage, guessed
from core.quotas import Quotas
from core.texts import T, Text
from core.validation import reason

TIMEOUT = 600.0
"""Seconds without a word from Claude; its answer is streamed, so that each part of it begins them anew."""

Turn = dict[str, str]
"""A message of the conversation: `role` and `content`."""


@dataclass(frozen=True)
class Answer:
    """What came: a `draft`, or the `problem` with what came instead. `text`: as Claude wrote it, for the next round."""

    draft: Draft | None
    problem: Text | None
    text: str
    usage: Usage
    model: str
    refused: bool = False
    """Claude would not do it; asking again gives the same."""


async def count(settings: Settings, *, system: Sequence[dict[str, Any]], turns: Sequence[Turn]) -> int:
    """Return the tokens that a call would send, as Claude counts them; raises as `write` does."""
    async with claude.connect(settings, timeout=claude.TIMEOUT) as client:
        try:
            counted = await client.messages.count_tokens(
                model=settings.claude_model,
                system=cast(Any, list(system)),
                messages=cast(Any, list(turns)),
                output_config=_output(settings),
            )
        except APIError as error:
            raise claude.failure(error, settings) from None
    return counted.input_tokens


async def write(
    settings: Settings,
    *,
    system: Sequence[dict[str, Any]],
    turns: Sequence[Turn],
    max_tokens: int,
    heard: Heard,
    quotas: Quotas | None = None,
) -> Answer:
    """Ask for a package; raise `Upstream` (`retry_after` at a limit) or `NotConfigured`.

    `heard` is filled with what the answer costs, also where it breaks off or nobody waits for it any more; `quotas`
    with what Claude says is left of them.
    """
    async with claude.connect(settings, timeout=TIMEOUT, quotas=quotas) as client:
        try:
            async with client.messages.stream(
                model=settings.claude_model,
                max_tokens=max_tokens,
                system=cast(Any, list(system)),
                messages=cast(Any, list(turns)),
                output_config=_output(settings),
            ) as stream:
                message = await _listen(stream, heard)
        except APIError as error:
            raise claude.failure(error, settings) from None
        except TransportError:  # the library lets through what its transport raises while an answer streams in
            raise Upstream(T("Claude broke off before its answer was complete. It is asked again.")) from None
    return _read(message)


async def _listen(stream: AsyncMessageStream[None], heard: Heard) -> Message:
    message: Message | None = None
    try:
        async for event in stream:
            if message is not None or event.type == "message_start":
                message = stream.current_message_snapshot
    finally:
        if message is not None:
            heard.usage, heard.estimated = _usage(message)
    return await stream.get_final_message()


def _usage(message: Message) -> tuple[Usage, bool]:
    """Return what a message costs as far as it has come, and whether that is an estimate: Claude counts at its end."""
    counted = message.usage
    usage = Usage(
        input=counted.input_tokens,
        output=counted.output_tokens,
        cache_write=counted.cache_creation_input_tokens or 0,
        cache_read=counted.cache_read_input_tokens or 0,
    )
    if message.stop_reason is not None:
        return usage, False
    came = "".join(
        block.text if block.type == "text" else block.thinking if block.type == "thinking" else ""
        for block in message.content
    )
    return replace(usage, output=max(usage.output, guessed(came))), True


def _read(message: Message) -> Answer:
    text = "".join(block.text for block in message.content if block.type == "text")
    draft, problem = _parsed(text, message.stop_reason)
    usage, _ = _usage(message)
    return Answer(
        draft=draft,
        problem=problem,
        text=text,
        usage=usage,
        model=message.model,
        refused=message.stop_reason == "refusal",
    )


def _parsed(text: str, stop_reason: str | None) -> tuple[Draft | None, Text | None]:
    """Return the draft in an answer, or what is wrong with it."""
    if stop_reason == "refusal":
        return None, T("Claude declined to write this. Say in the request what it is for, or change it.")
    if stop_reason in ("max_tokens", "model_context_window_exceeded"):
        return None, T("The answer was cut off at its limit of tokens. Write shorter: fewer samples, a shorter README.")
    try:
        return Draft.model_validate_json(text), None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        why = T("{where}: {reason}", where=where, reason=reason(first)) if where else reason(first)
        return None, T("The answer has not the form that was asked for: {reason}", reason=why)


@cache
def _schema() -> dict[str, Any]:
    return transform_schema(Draft)


def _output(settings: Settings) -> Any:
    return {"format": {"type": "json_schema", "schema": _schema()}, "effort": settings.claude_effort}
