"""Redaction: no secret's value in what is stored, logged or shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

REDACTED = "•••"
SHORTEST = 4
"""Characters; a shorter value is found in any text, and hiding it would hide the text."""
_MASK = "••••"
_SHORTEST_CORE = 8
"""Characters of base64 that are taken for a part of a secret; fewer occur by chance."""


class Redactor:
    """Hides the values it is made with, also as base64, URL-quoted and JSON-escaped."""

    def __init__(self, values: Iterable[str]) -> None:
        """`values`: the secrets' own; those shorter than `SHORTEST` are left alone."""
        forms = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return `text` with each occurrence replaced by `•••`; those that overlap or touch become one."""
        spans = sorted(span for form in self._forms if form in text for span in _spans(form, text))
        if not spans:
            return text
        parts: list[str] = []
        done = 0
        for start, end in spans:
            if start > done or not parts:
                parts += [text[done:start], REDACTED]
            done = max(done, end)
        return "".join([*parts, text[done:]])

    def json(self, value: Any) -> Any:
        """Return a JSON value with its strings, keys and numbers redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        if isinstance(value, int | float) and self.text(str(value)) != str(value):
            return REDACTED
        return value


def mask(value: str) -> str:
    """Return what stands for a secret in a configuration that is shown: its last four characters where it is long."""
    return _MASK + (value[-4:] if len(value) >= 12 else "••••")


def is_mask(value: Any) -> bool:
    """Say whether `value` is what `mask` gives, not a secret."""
    return isinstance(value, str) and value.startswith(_MASK) and len(value) == len(_MASK) + 4


def _spans(form: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(form)
    while at >= 0:
        yield at, at + len(form)
        at = text.find(form, at + 1)


@lru_cache(maxsize=1024)  # a redactor is made for every event, of the same few values
def _forms(value: str) -> frozenset[str]:
    raw = value.encode("utf-8", "surrogatepass")
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    quoted = {quote(raw), quote(raw, safe=""), quote_plus(raw)}
    return frozenset(
        {value, _base64(raw), *_cores(raw)}
        | {_url_safe(_base64(raw)), *map(_url_safe, _cores(raw))}
        | escaped
        | {form.replace("/", "\\/") for form in escaped}  # as PHP writes it
        | quoted
        | {_lower_hex(form) for form in quoted}
    )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _cores(raw: bytes) -> list[str]:
    """Return what base64 of any text around `raw` contains (`user:password` of RFC 7617): it depends on the alignment.

    Three bytes are four characters; a character that shares bits with a neighbour of `raw` is left out.
    """
    cores = []
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        core = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(core) >= _SHORTEST_CORE:
            cores.append(core)
    return cores


def _url_safe(form: str) -> str:
    return form.replace("+", "-").replace("/", "_")


def _lower_hex(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])
