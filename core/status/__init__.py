"""An integration's status: whether it works, and if not, what is wrong, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core import health, webhook_log
from core.context import Context
from core.grants import legible
from core.integrations import Installed
from core.status.problems import LATE, Problem, problems, summary
from core.status.snapshot import HOUR, Snapshot, take
from core.texts import Text
from storage import integration_status as rows

__all__ = ["Problem", "Report", "Snapshot", "report", "worst"]


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


async def worst(ctx: Context, installed: Sequence[Installed]) -> dict[str, Text]:
    """Return what is worst with each that does not work as it should, by its id.

    Whether there may be anything is asked of all of them at once; a whole report is made of the others alone.
    """
    now, suspects = ctx.clock.now(), {one.id for one in installed}
    await webhook_log.flush(ctx)
    if (await health.one(ctx, "scheduler")).status != "down":
        seen = await ctx.db.read(rows.in_trouble, sorted(suspects), hour_ago=now - HOUR, late=now - LATE)
        well = {one.id for one in installed if one.status == "active" and legible(one.manifest, one.config)[1] is None}
        suspects = suspects - well | seen
    found: dict[str, Text] = {}
    for one in installed:
        if one.id in suspects:
            problem = next((p for p in (await report(ctx, one)).problems if p.severity == "error"), None)
            if problem is not None:
                found[one.id] = problem.message
    return found


def error_rate(snapshot: Snapshot) -> float | None:
    """Return which part of the last hour's events failed, in percent; of events that have not ended none."""
    good = snapshot.recent.get("succeeded", 0)
    bad = snapshot.recent.get("dead", 0) + snapshot.recent.get("failed", 0)
    return round(100 * bad / (good + bad), 2) if good + bad else None
