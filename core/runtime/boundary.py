"""What crosses the sandbox's border: JSON text, in both directions, and nothing else.

Text takes no more time than values, and half the memory; it carries 25 MB of numbers, which values do not; and it
cannot carry a function, a set, a cycle or a shared list that unfolds into gigabytes.
The handler can forge the text it returns, as it can return anything: the host believes only what it parsed itself.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson

from core.handler import HandlerError
from core.runtime.limits import MAX_DEPTH, MAX_PRINTED, MAX_RESULT, RECURSION
from core.texts import T, Text

INPUT = "_ccb_input"

# A result that comes back from JSON as it was is marked "="; "?" is one with tuples (fine) or with keys that are not
# text (not fine), which JSON hides; "!" is one too large.
CALL = f"""
import json as _ccb_json
_ccb_result = handle(*_ccb_json.loads({INPUT}))
_ccb_text = _ccb_json.dumps(_ccb_result, allow_nan=False, ensure_ascii=False)
f"{{'=' if _ccb_json.loads(_ccb_text) == _ccb_result else '?'}}{{_ccb_text}}" if len(_ccb_text) <= {MAX_RESULT} else "!"
"""
"""Appended to handler.py: calls it and gives its result as text behind a mark."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")

DUMP_LINE = 3
"""The line of `CALL`, counted from the end of handler.py, in which what is not JSON raises."""

EXPLAIN = f"""
def _ccb_wrong(value, depth):
    if value is None or isinstance(value, (str, int)):
        return None
    if isinstance(value, float):
        return None if value - value == 0 else ("float", str(value), "")
    if depth >= {MAX_DEPTH}:
        return "deep", "", ""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return "key", type(key).__name__, ""
            found = _ccb_wrong(item, depth + 1)
            if found:
                return found[0], found[1], "." + key + found[2]
        return None
    if type(value) is list or type(value) is tuple:
        for index, item in enumerate(value):
            found = _ccb_wrong(item, depth + 1)
            if found:
                return found[0], found[1], f"[{{index}}]" + found[2]
        return None
    return "type", type(value).__name__, ""
f"{{'|'.join(_ccb_wrong(_ccb_result, 0) or ())}}"
"""
"""Run after `CALL` where something is wrong with the result: gives what, a detail and where; or nothing."""


class Printed:
    """Takes what a handler prints, up to a limit; the sandbox calls it from a thread of its own."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = MAX_PRINTED

    def __call__(self, stream: str, text: str) -> None:
        if self._left <= 0:
            return
        raw = text.encode()
        self._parts.append(raw[: self._left].decode(errors="ignore"))
        self._left -= len(raw)

    def __str__(self) -> str:
        return "".join(self._parts)


def pack(event: Any, config: Any) -> tuple[str, int]:
    """Return the handler's two arguments as one JSON text, and its size in bytes."""
    try:
        packed = orjson.dumps([event, config])
    except TypeError:  # Integers of more than 64 bits, half surrogate pairs, more than 254 levels: not for orjson.
        try:
            packed = json.dumps([event, config], ensure_ascii=False).encode(errors="replace")
        except RecursionError:
            raise too_deep() from None
    return packed.decode(), len(packed)


def too_deep() -> HandlerError:
    """Return the error for an event that the sandbox cannot read."""
    return HandlerError(
        T("The event is nested deeper than the {limit} levels that a handler can be given.", limit=RECURSION),
        kind="raised",
    )


def unpack(text: str) -> Any:
    """Return the actions in `text`, plain JSON values; raises `HandlerError` of the kind rubbish."""
    if len(text) > MAX_RESULT:
        raise too_large()
    try:
        actions = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise not_json("what came back cannot be read") from None
    if fault := _fault(actions, 0):
        raise _wrong(fault)
    return actions


def explained(found: str) -> HandlerError:
    """Return the error for what `EXPLAIN` found."""
    what, _, rest = found.partition("|")
    detail, _, path = rest.partition("|")
    return _wrong((what, detail, path))


def rubbish(reason: Text) -> HandlerError:
    """Return the error for a result that is not plain JSON."""
    return HandlerError(reason, kind="rubbish")


def not_json(reason: str) -> HandlerError:
    """Return the error for a result of which no more is known than `reason`."""
    return rubbish(T("handle() must return a list of dicts that is plain JSON: {reason}", reason=_cut(reason)))


def too_large() -> HandlerError:
    """Return the error for a result over `MAX_RESULT`."""
    return rubbish(T("handle() returned more than {limit} characters of JSON; return less.", limit=MAX_RESULT))


Fault = tuple[str, str, str]
"""What is wrong with a value, a detail, and where it stands in the actions."""


def _wrong(fault: Fault) -> HandlerError:
    what, detail, place = fault
    path = f"actions{_cut(place)}"
    match what:
        case "float":
            reason = T("{path} is {detail}, which JSON does not have.", path=path, detail=detail)
        case "deep":
            start = f"actions{_cut(place, 40)}"
            reason = T("{path} is nested deeper than {limit} levels, or contains itself.", path=start, limit=MAX_DEPTH)
        case "key":
            reason = T("{path} has a key of type {kind}; keys must be str.", path=path, kind=_cut(detail))
        case "integer":
            reason = T("{path} is an integer of more than 64 bits; return it as a str.", path=path)
        case "text":
            reason = T("{path} holds half of a surrogate pair, which is not text.", path=path)
        case _:
            reason = T(
                "{path} is of type {kind}; only dict, list, str, int, float, bool and None can be returned.",
                path=path,
                kind=_cut(detail),
            )
    return rubbish(reason)


def _cut(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _fault(value: Any, depth: int) -> Fault | None:
    if not isinstance(value, dict | list):
        return _scalar_fault(value)
    if depth >= MAX_DEPTH:
        return "deep", "", ""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if found := _fault(item, depth + 1):
                return found[0], found[1], f"[{index}]{found[2]}"
        return None
    for key, item in value.items():
        if found := _scalar_fault(key):
            return found
        if found := _fault(item, depth + 1):
            return found[0], found[1], f".{key}{found[2]}"
    return None


def _scalar_fault(value: Any) -> Fault | None:
    if isinstance(value, str):
        return ("text", "", "") if not value.isascii() and _HALF_PAIR.search(value) else None
    if isinstance(value, float):
        return None if math.isfinite(value) else ("float", str(value), "")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return "integer", "", ""
    return None
