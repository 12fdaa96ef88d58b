"""How many requests a key may send, and how often an address may show a wrong one.

Each key has a bucket of tokens (https://en.wikipedia.org/wiki/Token_bucket) in the memory of each node: a request takes
one, and they come back evenly, `per_minute` in a minute. The bucket holds a minute's worth, so that a script may send
that many at once and then goes on at the even pace. The headers are those of draft-ietf-httpapi-ratelimit-headers-11.

An address that shows wrong keys (or none) has a bucket of its own, of a tenth. When it is empty, a key is not even
looked at, unless this node has seen it good before: behind a proxy everybody has the same address, and one who guesses
must not shut the others out.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import TooMany
from core.texts import T

MOST = 10_000
"""Buckets, and keys that were seen good, kept on a node. Which was not asked for longest is forgotten, that is full."""
WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a bucket said. `wait`: seconds until there is a token again; `reset`: until it is full."""

    allowed: bool
    remaining: int
    wait: float
    reset: float


class Buckets:
    """Token buckets of one size, by whom they belong to."""

    def __init__(self, per_minute: int, *, most: int = MOST) -> None:
        self.size = per_minute
        self._rate = per_minute / WINDOW_SECONDS
        self._most = most
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, owner: str, now: float) -> Verdict:
        """Take a token, if there is one."""
        tokens = self._tokens(owner, now)
        allowed = tokens >= 1
        left = tokens - 1 if allowed else tokens
        self._kept[owner] = (left, now)
        self._kept.move_to_end(owner)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return Verdict(allowed, int(left), max(0.0, (1 - left) / self._rate), (self.size - left) / self._rate)

    def wait(self, owner: str, now: float) -> float:
        """Return the seconds until there is a token, 0 when there is one; takes none."""
        return max(0.0, (1 - self._tokens(owner, now)) / self._rate)

    def _tokens(self, owner: str, now: float) -> float:
        kept = self._kept.get(owner)
        if kept is None:
            return float(self.size)
        tokens, at = kept
        # What a sum of many small refills loses must not keep a whole token back.
        return min(float(self.size), tokens + max(0.0, now - at) * self._rate + 1e-9)


class Limits:
    """The limits of one node. `per_minute` 0: there are none."""

    def __init__(self, per_minute: int) -> None:
        self._keys = Buckets(per_minute) if per_minute else None
        self._strangers = Buckets(max(1, per_minute // 10)) if per_minute else None
        self._seen_good: OrderedDict[bytes, None] = OrderedDict()
        self._policy = f'"key";q={per_minute};w={WINDOW_SECONDS}'

    def take(self, key_id: str, now: float, headers: dict[str, str]) -> None:
        """Count a request of a key, and put what is left into `headers`; raise `TooMany`."""
        if self._keys is None:
            return
        verdict = self._keys.take(key_id, now)
        headers["RateLimit-Policy"] = self._policy
        headers["RateLimit"] = f'"key";r={verdict.remaining};t={math.ceil(verdict.reset)}'
        if not verdict.allowed:
            raise TooMany(
                T(
                    "This key has sent its {limit} requests a minute. Wait {seconds} s, as Retry-After says.",
                    limit=self._keys.size,
                    seconds=math.ceil(verdict.wait),
                ),
                retry_after=verdict.wait,
                limit=self._keys.size,
            )

    def refuse_guessing(self, address: str | None, header: str | None, now: float) -> None:
        """Raise `TooMany` when too many wrong keys came from an address, unless this one was seen good before."""
        if self._strangers is None or not address:
            return
        wait = self._strangers.wait(_network(address), now)
        if wait > 0 and (header is None or _digest(header) not in self._seen_good):
            raise TooMany(
                T(
                    "Too many requests without a valid API key came from this address. Wait {seconds} s.",
                    seconds=math.ceil(wait),
                ),
                retry_after=wait,
                limit=self._strangers.size,
            )

    def wrong(self, address: str | None, header: str | None, now: float) -> None:
        """Count a key that was wrong, or missing."""
        if header is not None:
            self._seen_good.pop(_digest(header), None)
        if self._strangers is not None and address:
            self._strangers.take(_network(address), now)

    def right(self, header: str | None) -> None:
        """Remember a key that was good."""
        if self._strangers is None or header is None:
            return
        digest = _digest(header)
        self._seen_good[digest] = None
        self._seen_good.move_to_end(digest)
        if len(self._seen_good) > MOST:
            self._seen_good.popitem(last=False)


HEADERS: Mapping[str, str] = {
    "RateLimit-Policy": "The key's limit: `q` requests in `w` seconds.",
    "RateLimit": "What is left of it: `r` requests; in `t` seconds all of them.",
}
"""The headers, and what they mean."""


def _digest(header: str) -> bytes:
    return hashlib.blake2b(header.encode(errors="surrogateescape"), digest_size=16).digest()


def _network(address: str) -> str:
    """Return whom an address belongs to: with IPv6 that is its /64, of which everybody has all."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
