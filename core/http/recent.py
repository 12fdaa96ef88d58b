"""Lists that were answered lately, for callers who say that an older answer will do (`Cache-Control: max-age=300`)."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

MOST = 64
MOST_BYTES = 16 << 20
LARGEST = 4 << 20
"""Bytes of one answer that is kept; a larger one is always made anew."""

Key = tuple[str, str, str]
"""Whose key, which address, which language."""

_SECONDS = re.compile(r"max-age=\"?([0-9]{1,9})\"?")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given. `at`: seconds since the epoch."""

    at: float
    body: bytes
    headers: Mapping[str, str]


class Recent:
    """The answers that one node keeps; which was not asked for longest goes first."""

    def __init__(self, *, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key, *, max_age: float, now: float) -> Kept | None:
        """Return the answer under `key` if it is at most `max_age` seconds old."""
        kept = self._kept.get(key)
        if kept is None or not 0 <= now - kept.at <= max_age:
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: Key, kept: Kept) -> None:
        """Keep an answer, if it is not too large."""
        former = self._kept.pop(key, None)
        if former is not None:
            self.size -= len(former.body)
        if len(kept.body) > min(LARGEST, self._most_bytes):
            return
        self._kept[key] = kept
        self.size += len(kept.body)
        while len(self._kept) > self._most or self.size > self._most_bytes:
            self.size -= len(self._kept.popitem(last=False)[1].body)


def max_age(cache_control: str | None) -> float | None:
    """Return the age in seconds that a request accepts (RFC 9111 §5.2.1), or None when it wants a fresh answer."""
    directives = [part.strip().lower() for part in (cache_control or "").split(",")]
    if "no-cache" in directives or "no-store" in directives:
        return None
    ages = [float(found[1]) for part in directives if (found := _SECONDS.fullmatch(part))]
    return min(ages) if ages and min(ages) > 0 else None
