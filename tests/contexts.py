"""A Context for tests of single services: real where it is named, absent (and loud when touched) elsewhere."""

from __future__ import annotations

from typing import Any, cast

from core.clock import Clock, SystemClock
from core.config import GivenSettings, Settings
from core.context import Context, GitHubPort, SlackPort
from core.quotas import Quotas


class _Absent:
    """Stands where a test said that nothing is used."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"this test's context has no {self._what} (asked for .{name})")


class MovableClock:
    """A clock that a test moves."""

    def __init__(self, time: float = 1_700_000_000.0) -> None:
        self.time = time

    def now(self) -> float:
        """Return the time it was moved to."""
        return self.time

    def move(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.time += seconds


def settings(**values: Any) -> Settings:
    """Return settings with these environment names set, and no others; backups are off, for each start makes one."""
    return GivenSettings(**{"CCB_BACKUPS": "off", **values})


def context(
    *,
    given: Settings | None = None,
    clock: Clock | None = None,
    github: GitHubPort | None = None,
    slack: SlackPort | None = None,
    **more: Any,
) -> Context:
    """Return a context of what is named; whatever else a service reaches for fails the test."""
    clock = clock or SystemClock()
    parts = {name: more.get(name, cast(Any, _Absent(name))) for name in ("db", "secrets", "http", "sandbox")}
    return Context(
        settings=given or settings(),
        clock=clock,
        github=github or cast(GitHubPort, _Absent("github")),
        slack=slack,
        quotas=Quotas(clock.now),
        **parts,
    )
