"""The time, as something that can be handed in and moved."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the engine reads the time from. All times are seconds since the Unix epoch, UTC."""

    def now(self) -> float:
        """Return the present."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the present."""
        return time.time()
