"""How an event and a delivery get their names: dotted paths into a payload, headers, and the limits of both."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from core.errors import Malformed
from core.sources import Delivery, Identity, SourceParams
from core.texts import T, Text

MAX_TYPE = 100
"""Characters of an event type."""
MAX_DELIVERY_ID = 255
"""Characters of a delivery id."""
UNNAMED = "event"
"""The type of an event that nothing names."""

MAX_NUMBER = 10**18 - 1
"""The largest number of a sequence: what a database's 64 bits hold with room to count on."""

_INDEX_DIGITS = 9
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_TYPE = T("event type")
_DELIVERY_ID = T("delivery id")


class NamedParams(SourceParams):
    """Where a sender without a convention of its own puts the event's type and the delivery's id."""

    event_type_header: str | None = Field(
        None, min_length=1, description="Header with the event type; with a path as well, both joined by a dot."
    )
    event_type_path: str | None = Field(
        None, min_length=1, description="Dotted path to the event type in the payload, such as data.kind or items.0.id."
    )
    delivery_id_header: str | None = Field(None, min_length=1, description="Header with the delivery's own id.")
    delivery_id_path: str | None = Field(
        None, min_length=1, description="Dotted path to the delivery's id, where the header has none."
    )


def lookup(payload: Any, path: str) -> Any:
    """Return what stands at a dotted path (`data.items.0.id`; a number indexes a list), or None. Never raises."""
    for part in path.split("."):
        if isinstance(payload, dict):
            payload = payload.get(part)
        elif isinstance(payload, list) and _is_index(part) and int(part) < len(payload):
            payload = payload[int(part)]
        else:
            return None
    return payload


def placed(payload: Any, path: str, value: Any) -> Any:
    """Return a copy of `payload` with `value` at `path`; missing objects are made, what has no such place is left."""
    head, _, rest = path.partition(".")
    if isinstance(payload, dict):
        return {**payload, head: placed(payload.get(head, {}), rest, value) if rest else value}
    if isinstance(payload, list) and _is_index(head) and int(head) < len(payload):
        index = int(head)
        inner = placed(payload[index], rest, value) if rest else value
        return [*payload[:index], inner, *payload[index + 1 :]]
    return payload


def text_at(payload: Any, path: str) -> str | None:
    """Return the text or whole number at `path` as text, or None: a name is nothing else."""
    value = lookup(payload, path)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def number_at(payload: Any, path: str) -> int | None:
    """Return the whole number at `path`, also one that is written as text; None for anything else."""
    value = lookup(payload, path)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and abs(value) <= MAX_NUMBER else None


def identity(event_type: str | None, delivery_id: str | None) -> Identity:
    """Return the names if they can be stored and shown; raise `Malformed` otherwise. An empty one counts as none."""
    return Identity(
        _checked(event_type or UNNAMED, _TYPE, MAX_TYPE),
        _checked(delivery_id, _DELIVERY_ID, MAX_DELIVERY_ID) if delivery_id else None,
    )


def named(params: NamedParams, delivery: Delivery, payload: Any) -> Identity:
    """Name an event as `params` say: type from header and path, joined by a dot; id from the header, else the path."""
    parts = [
        _header(delivery, params.event_type_header),
        text_at(payload, params.event_type_path) if params.event_type_path else None,
    ]
    delivery_id = _header(delivery, params.delivery_id_header)
    if not delivery_id and params.delivery_id_path:
        delivery_id = text_at(payload, params.delivery_id_path)
    return identity(".".join(part for part in parts if part), delivery_id)


def name_request(params: NamedParams, *, event_type: str, delivery_id: str, payload: Any) -> tuple[dict[str, str], Any]:
    """Return the headers and the payload that `named` reads these names from: its way back."""
    headers: dict[str, str] = {}
    rest = event_type
    if params.event_type_header:
        head, _, rest = event_type.partition(".") if params.event_type_path else (event_type, "", "")
        headers[params.event_type_header] = head
    if params.event_type_path and rest:
        payload = placed(payload, params.event_type_path, rest)
    if params.delivery_id_header:
        headers[params.delivery_id_header] = delivery_id
    elif params.delivery_id_path:
        payload = placed(payload, params.delivery_id_path, delivery_id)
    return headers, payload


def _header(delivery: Delivery, name: str | None) -> str | None:
    return delivery.headers.get(name.lower()) if name else None


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _INDEX_DIGITS


def _checked(value: str, what: Text, limit: int) -> str:
    if len(value) > limit:
        raise Malformed(
            T(
                "The {what} has {length} characters; at most {limit} are taken. Shorten it at the sender.",
                what=what,
                length=len(value),
                limit=limit,
            )
        )
    # No database column and no terminal takes NUL, other controls, or the lone surrogates of a header that is not UTF-8
    if not value.isprintable():
        raise Malformed(
            T("The {what} holds characters that cannot be printed. Send plain text (UTF-8) there.", what=what)
        )
    return value
