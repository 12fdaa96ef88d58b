"""An integration's status: whether it works, and if not, what is wrong, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.integrations import Installed
from core.status.problems import Problem, problems, summary
from core.status.snapshot import Snapshot, take
from core.texts import Text

__all__ = ["Problem", "Report", "Snapshot", "report"]


@dataclass(frozen=True)
class Report:
    """How an integration is. `error_rate`: percent of the last hour's ended events, None when none ended."""

    installed: Installed
    snapshot: Snapshot
    problems: Sequence[Problem]
    summary: Text
    error_rate: float | None

    @property
    def healthy(self) -> bool:
        """Say whether it works: it is active, and nothing worse than a warning is there."""
        return self.installed.status == "active" and all(p.severity != "error" for p in self.problems)


async def report(ctx: Context, installed: Installed) -> Report:
    """Return how an integration is."""
    snapshot = await take(ctx, installed)
    found = problems(snapshot)
    return Report(installed, snapshot, found, summary(snapshot, found), error_rate(snapshot))


def error_rate(snapshot: Snapshot) -> float | None:
    """Return which part of the last hour's events failed, in percent; of events that have not ended none."""
    good = snapshot.recent.get("succeeded", 0)
    bad = snapshot.recent.get("dead", 0) + snapshot.recent.get("failed", 0)
    return round(100 * bad / (good + bad), 2) if good + bad else None
