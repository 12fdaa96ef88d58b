"""The time, as something that can be handed in and moved."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the engine reads the time from. All times are seconds since the Unix epoch, UTC."""

    def now(self) -> float:
        """Return the present."""
        ...


def moment(seconds: float) -> str:
    """Return a time as RFC 3339 in UTC, to the millisecond: how it is written wherever people or programs read it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the present."""
        return time.time()
