"""What was delivered, as people may see it: without proofs, secrets hidden, cut."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from core import integrations
from core.context import Context
from core.errors import NotFound
from core.handler_event import proves, without_proofs
from core.redaction import REDACTED, Redactor
from core.texts import T
from storage import events as rows

MOST_READ = 1_000_000
"""Bytes of a body that are read for people."""
_DEEPEST = 50
_PRIVATE = re.compile(r"(api|private)_?key|credential|card_?number|cvc\b|iban\b", re.IGNORECASE)


@dataclass(frozen=True)
class Payload:
    """A delivery as it may be shown. `text`: its body, JSON indented; None where it is no text. `size`: in bytes.

    `whole`: whether `text` has all of it.
    """

    headers: Mapping[str, str]
    text: str | None
    size: int
    whole: bool


async def shown(ctx: Context, event: rows.Event) -> Payload:
    """Return what was delivered, with the integration's secrets and what names itself a secret hidden.

    Raises `NotFound` when the body is kept no longer.
    """
    kept = await ctx.db.read(rows.body, event.id)
    if kept is None:
        raise NotFound(T("What was delivered with {event} is kept no longer.", event=event.id), event=event.id)
    installed = await integrations.find(ctx, event.integration_id)
    redactor = Redactor(installed.secret_values())
    headers = {name: redactor.text(value) for name, value in without_proofs(orjson.loads(kept.headers)).items()}
    text, whole = _text(kept.body)
    return Payload(headers, redactor.text(text) if text is not None else None, len(kept.body), whole)


def hidden(value: Any, *, deep: int = 0) -> Any:
    """Return a JSON value in which whatever stands under a name such as `token` or `password` is hidden."""
    if deep > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {
            name: REDACTED if _secret(name) and _scalar(item) else hidden(item, deep=deep + 1)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [hidden(item, deep=deep + 1) for item in value]
    return value


def _secret(name: str) -> bool:
    return proves(name) or _PRIVATE.search(name) is not None


def _scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _text(body: bytes) -> tuple[str | None, bool]:
    """Return a body as text, and whether it is all of it."""
    if len(body) <= MOST_READ:
        try:
            return orjson.dumps(hidden(orjson.loads(body)), option=orjson.OPT_INDENT_2).decode(), True
        except (orjson.JSONDecodeError, TypeError):
            pass
    part = body[:MOST_READ]
    try:
        text = part.decode()
    except UnicodeDecodeError as error:
        if len(body) == len(part) or error.start < len(part) - 4:
            return None, True
        text = part[: error.start].decode()
    return (text, len(part) == len(body)) if text.isprintable() or "\x00" not in text else (None, True)
