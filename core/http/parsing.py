"""Parsing at the edge: queries and bodies become typed values, or an error that names each field."""

from __future__ import annotations

import re
import types
from collections.abc import Sequence
from functools import cache
from typing import Any, Union, get_args, get_origin

import orjson
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from core.errors import Invalid, Malformed, TooLarge, Unsupported
from core.sources import parse_json
from core.texts import T, Text
from core.validation import reason

MAX_JSON = 1024 * 1024
"""The largest body in bytes, except for webhooks."""

_WIDE = re.compile(rb"[0-9]{19}")


class NoQuery(BaseModel, extra="forbid"):
    """A route that takes no query."""


def query(kind: type[BaseModel] | None, raw: web.Request) -> BaseModel:
    """Return the request's query; raise `Invalid` for one that is unknown, repeated or wrong."""
    kind = kind or NoQuery
    lists = _list_fields(kind)
    given: dict[str, Any] = {}
    for name in raw.query:
        values = raw.query.getall(name)
        if len(values) > 1 and name not in lists:
            raise _invalid([(name, T("is given more than once"))])
        if any("\0" in value for value in values):
            raise _invalid([(name, T("holds a NUL character"))])
        given[name] = values if name in lists else values[0]
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _wrong(error, kind) from None


async def content(raw: web.Request) -> bytes:
    """Return the bytes of the request's JSON body; raise `Unsupported` or `TooLarge`, the cheapest check first."""
    refuse_encoding(raw)
    if raw.body_exists and raw.content_type != "application/json" and not raw.content_type.endswith("+json"):
        raise Unsupported(T("Send JSON, with the header `Content-Type: application/json`."))
    if raw.charset not in (None, "utf-8", "UTF-8"):
        raise Unsupported(T("Send JSON in UTF-8."))
    return await _read(raw)


def body(kind: Any, content: bytes) -> Any:
    """Return a JSON body as a `kind`; an absent one counts as `{}` where that is enough.

    Raises `Malformed` or `Invalid`.
    """
    if content:
        given = parse_json(content)  # pydantic's own parser also takes NaN and Infinity, which RFC 8259 does not know
        if b"\\u0000" in content and not getattr(kind, "takes_nul", False) and _holds_nul(given):
            raise _invalid([("body", T("holds a NUL character"))])
        if _WIDE.search(content):
            content = _narrowed(given)
    try:
        return _adapter(kind).validate_json(content or b"{}")
    except ValidationError as error:
        if not content:
            raise Malformed(T("This needs a JSON body, and there is none.")) from None
        raise _wrong(error, kind) from None


def _narrowed(given: Any) -> bytes:
    """Return JSON as our own reader took it: a number of more than 64 bits is a float, as in deliveries.

    pydantic's reader makes an integer of any width of it, which can be neither written as JSON again nor stored.
    """
    try:
        return orjson.dumps(given)
    except TypeError:  # deeper than it writes; pydantic reads no such depth either
        raise Malformed(
            T("The body is not JSON: {reason}.", reason=T("nested too deeply")), error="Malformed JSON"
        ) from None


def _holds_nul(value: Any) -> bool:
    """Say whether a text anywhere in a JSON value holds U+0000, which PostgreSQL's text cannot hold."""
    if isinstance(value, str):
        return "\0" in value
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(_holds_nul(part) for part in parts)


def refuse_encoding(raw: web.Request) -> None:
    """Raise `Unsupported` for a compressed body: nothing is unpacked, so that small bodies stay small."""
    if raw.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unsupported(T("Send the body as it is: a compressed one is not taken."))


async def _read(raw: web.Request) -> bytes:
    if (raw.content_length or 0) > MAX_JSON:
        raise _too_large()
    content = bytearray()
    async for chunk in raw.content.iter_any():
        content += chunk
        if len(content) > MAX_JSON:
            raise _too_large()
    return bytes(content)


def _too_large() -> TooLarge:
    return TooLarge(T("The body may have at most {limit} bytes.", limit=MAX_JSON), limit=MAX_JSON)


def _wrong(error: ValidationError, kind: Any) -> Invalid | Malformed:
    problems: list[tuple[str, Text]] = []
    for found in error.errors(include_url=False, include_input=False):
        path = ".".join(map(str, found["loc"]))
        if found["type"] == "json_invalid":
            return Malformed(T("The body is not JSON: {reason}.", reason=found["msg"]), error="Malformed JSON")
        if found["type"] == "extra_forbidden" and (known := _known(kind, found["loc"])):
            problems.append((path, T("is unknown here. Known: {known}", known=known)))
        else:
            problems.append((path, reason(found)))
    return _invalid(problems)


def _invalid(problems: Sequence[tuple[str, Text]]) -> Invalid:
    """Return the error: its message is the first problem, `fields` has them all."""
    path, why = problems[0]
    message = T("{path}: {reason}.", path=path, reason=why) if path else T("The body: {reason}.", reason=why)
    return Invalid(message, path=path, fields=[{"path": path, "message": why} for path, why in problems])


def _known(kind: Any, place: Sequence[str | int]) -> str:
    """Return the names of the fields beside `place`, "" where it is in no model of its own."""
    model = _model(kind)
    for part in place[:-1]:
        if isinstance(part, int):
            continue  # one of a list, whose model it is already
        fields = model.model_fields.items() if model is not None else ()
        model = next((_model(field.annotation) for name, field in fields if part in (name, field.alias)), None)
    return ", ".join(field.alias or name for name, field in model.model_fields.items()) if model is not None else ""


def _model(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field holds: itself, a list of it, or where it may be left out."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType, list) else (annotation,)
    models = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
    return models[0] if len(models) == 1 else None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _list_fields(kind: type[BaseModel]) -> frozenset[str]:
    """Return the names of a query's fields that may be given more than once."""
    return frozenset(field.alias or name for name, field in kind.model_fields.items() if _takes_list(field.annotation))


def _takes_list(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_takes_list(part) for part in get_args(annotation))
    return get_origin(annotation) in (list, tuple, set, frozenset)
