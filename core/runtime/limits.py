"""How much of the machine one run of a handler may take."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_monty import ResourceLimits

MAX_PRINTED = 64_000
"""Bytes of printed text that are kept; the rest is dropped, and the run goes on."""

MAX_RESULT = 1 << 20
"""Characters of JSON that the actions of one run may come to."""

MAX_DEPTH = 50
"""Levels of lists and dicts within one another that the actions may have."""

RECURSION = 200
"""Calls within one another, and levels of JSON that the sandbox reads."""

SUSPENSIONS = 20
"""Questions to the host (an unknown name is one); a handler has no reason to ask any."""

GRACE_SECONDS = 0.5
"""How far past its time a run may be before its process is killed: one long operation is not interrupted within."""

# Measured with 25 MB of JSON on 2 cores: a GitHub push takes 7 times its size of memory and 0.25 s to parse, an object
# of two million numbers 12 times and 1.5 s; a loaded machine needs some times that.
_BASE_MEMORY = 32 << 20
_MEMORY_PER_BYTE = 12
_BASE_SECONDS = 0.25
_SECONDS_PER_BYTE = 0.2 / (1 << 20)
_MAX_SECONDS = 6.0

REQUEST_SECONDS = _MAX_SECONDS + 2 * GRACE_SECONDS
"""When the host kills a process that does not answer, whatever it was told before."""


@dataclass(frozen=True)
class Limits:
    """What one run may take: `seconds` of run time, bytes of `memory`."""

    seconds: float
    memory: int

    def of_sandbox(self) -> ResourceLimits:
        """Return them, with those that are the same for every run, in the sandbox's words."""
        return {
            "max_feed_duration_secs": self.seconds,
            "max_memory": self.memory,
            "max_recursion_depth": RECURSION,
            "max_suspensions": SUSPENSIONS,
            "max_total_sleep_secs": 0,
        }


CHECK_LIMITS = Limits(seconds=2.0, memory=_BASE_MEMORY)
"""For a type check, which takes 0.03 s on a machine that is not busy."""


def limits_for(size: int) -> Limits:
    """Return the limits for an event of `size` bytes: 0.25 s and 0.2 s for each MiB, at most 6 s; 32 MiB and 12 times
    the event."""
    return Limits(
        seconds=min(_BASE_SECONDS + size * _SECONDS_PER_BYTE, _MAX_SECONDS),
        memory=_BASE_MEMORY + size * _MEMORY_PER_BYTE,
    )
