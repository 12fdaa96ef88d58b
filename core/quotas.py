"""What services have last said is left of their quotas: the registry that their clients fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """`remaining` of `limit` requests, until `resets_at` (seconds since the epoch)."""

    remaining: int
    limit: int
    resets_at: float


QUOTAS: dict[str, Quota] = {}
"""By the service's name; each process knows what it was told itself."""


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
