"""When a failed attempt is tried again. Pure: the dice are handed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Backoff = Literal["exponential", "linear", "fixed"]

GROWTH = 5
"""Exponential: each delay's bound is five times the one before (2 s, 10 s, 50 s, 4 min, 21 min … of a base of 2 s)."""
STEADY_FACTOR = 5
"""Linear and fixed delays are counted in five bases (10 s of a base of 2 s)."""
LONGEST = 6 * 3600.0
"""No delay of our own is longer, in seconds."""
LONGEST_ASKED = 24 * 3600.0
"""A Retry-After beyond this is cut: a receiver must not be able to park an event for ever."""


def delay(
    backoff: Backoff, *, attempt: int, base: float, retry_after: float | None, dice: Callable[[], float]
) -> float:
    """Return the seconds to wait after failed attempt number `attempt` (1 is the first).

    Exponential takes full jitter: anywhere between 0 and the bound
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/); linear and fixed spread by a tenth.
    `retry_after`: what the receiver asked for, honoured as the least. `dice` returns a number in [0, 1).
    """
    if backoff == "exponential":
        own = dice() * min(LONGEST, base * float(GROWTH ** min(attempt - 1, 20)))
    else:
        steps = attempt if backoff == "linear" else 1
        own = min(LONGEST, base * STEADY_FACTOR * steps) * (0.95 + dice() / 10)
    return max(own, min(retry_after or 0.0, LONGEST_ASKED))
