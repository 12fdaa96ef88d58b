"""What services say is left of their quotas, as their clients read it in each answer."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["requests", "tokens"]


@dataclass(frozen=True)
class Quota:
    """`remaining` of `limit` requests (or tokens), until `resets_at` (seconds since the epoch)."""

    remaining: int
    limit: int
    resets_at: float
    kind: Kind = "requests"


@dataclass(frozen=True)
class Heard:
    """What a service said of a credential's quota, and when."""

    service: str
    credential: str
    quota: Quota
    at: float


class Quotas:
    """What this process was told last, until it is written for all nodes (`core.shared_quotas`)."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._news: dict[tuple[str, str], Heard] = {}

    def hear(self, service: str, credential: str, quota: Quota) -> None:
        """Remember it in place of what was said before."""
        self._news[service, credential] = Heard(service, credential, quota, self._now())

    def news(self) -> list[Heard]:
        """Return what is not written yet."""
        return list(self._news.values())

    def told(self, heard: Iterable[Heard]) -> None:
        """Forget what is written, but for what was said since."""
        for one in heard:
            if self._news.get((one.service, one.credential)) is one:
                del self._news[one.service, one.credential]


def fingerprint(secret: str) -> str:
    """Return what tells one secret from another and does not say it."""
    return hashlib.blake2b(secret.encode(), digest_size=6, person=b"quotas").hexdigest()


def of_github(headers: Mapping[str, str]) -> Quota | None:
    """Return the quota in an answer of GitHub's (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api)."""
    try:
        return Quota(
            int(headers["x-ratelimit-remaining"]),
            int(headers["x-ratelimit-limit"]),
            float(headers["x-ratelimit-reset"]),
        )
    except (KeyError, ValueError):
        return None


_OF_CLAUDE: tuple[tuple[str, Kind], ...] = (
    ("requests", "requests"),
    ("tokens", "tokens"),
    ("input-tokens", "tokens"),
    ("output-tokens", "tokens"),
)


def of_claude(headers: Mapping[str, str]) -> Quota | None:
    """Return the quota of which the least is left in an answer of Claude's (https://platform.claude.com/docs/en/api/rate-limits)."""
    found = [quota for name, kind in _OF_CLAUDE if (quota := _of_claude(headers, name, kind)) is not None]
    return min(found, key=lambda quota: quota.remaining / quota.limit, default=None)


def _of_claude(headers: Mapping[str, str], name: str, kind: Kind) -> Quota | None:
    begin = f"anthropic-ratelimit-{name}"
    try:
        remaining, limit = int(headers[f"{begin}-remaining"]), int(headers[f"{begin}-limit"])
        resets_at = datetime.fromisoformat(headers[f"{begin}-reset"]).timestamp()
    except (KeyError, ValueError):
        return None
    return Quota(remaining, limit, resets_at, kind) if limit > 0 else None
