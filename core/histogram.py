"""Latency histograms: logarithmic buckets, as plain counts that add up over minutes, routes and nodes.

A value of `ms` milliseconds falls into the bucket `ceil(log(ms) / log(GAMMA))`, that is, bucket b holds
(GAMMA**(b-1), GAMMA**b]. Each bucket stands for the value that is at most `ERROR` away from all that it holds, so that
a percentile is that close to the exact one: DDSketch's buckets (https://arxiv.org/abs/1908.10693, §2.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

GAMMA = 2 ** (1 / 8)
"""How far apart the buckets' bounds are: eight buckets from one value to its double."""
ERROR = (GAMMA - 1) / (GAMMA + 1)
"""The largest relative error of a percentile within `SMALLEST_MS` and `LARGEST_MS`: about 4.3 %."""
SMALLEST_MS = 2**-10
"""What is shorter (about a microsecond) is counted as this long."""
LARGEST_MS = 2**30
"""What is longer (about twelve days) is counted as this long."""

_LOWEST = -80
_HIGHEST = 240
_MIDDLE = 2 / (1 + GAMMA)  # from a bucket's upper bound to the value that has the same relative distance to both bounds


def bucket_of(ms: float) -> int:
    """Return the bucket of a duration in milliseconds; zero and less, and NaN, go into the lowest one."""
    if not ms > SMALLEST_MS:
        return _LOWEST
    if ms >= LARGEST_MS:
        return _HIGHEST
    return math.ceil(math.log2(ms) * 8)


def value_of(bucket: int) -> float:
    """Return the duration in milliseconds that a bucket stands for."""
    return float(GAMMA**bucket * _MIDDLE)


def percentile(counts: Mapping[int, float], q: float) -> float | None:
    """Return the duration in milliseconds that a share `q` (0 to 1) does not exceed, or None where nothing is counted.

    The rank is the nearest one (the least value with at least q·n values at or below it). Counts may be fractions.
    """
    total = math.fsum(counts.values())
    if total <= 0:
        return None
    wanted, seen, found = min(max(q, 0.0), 1.0) * total, 0.0, 0
    for bucket in sorted(counts):
        if counts[bucket] <= 0:
            continue
        seen, found = seen + counts[bucket], bucket
        if seen >= wanted * (1 - 1e-12):  # what binary fractions lose
            break
    return value_of(found)
