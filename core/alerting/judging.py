"""Whether a rule holds at a look: the present and the past are judged by the same. Pure."""

from __future__ import annotations

from dataclasses import replace

from core.alerting.values import LONG_WINDOW, Of
from core.alerts.evaluation import Verdict, evaluate
from core.alerts.rule import Rule
from core.alerts.states import Standing


def judged(
    rule: Rule, samples: Of, before: Standing, *, now: float, fewest: int | None, resolved_at: float | None
) -> Verdict:
    """Return what a look finds. `resolved_at`: when the rule's last alert was resolved.

    Where few events come, the last hour is looked at, and may hold the trouble that is over. So within an hour of its
    end nothing begins anew unless what came since then holds too, however few that are.
    """
    passed = before.passed(now)
    verdict = evaluate(rule, samples, lasted=before.lasted, passed=passed, fewest=fewest)
    over = resolved_at is not None and 0 <= now - resolved_at < LONG_WINDOW and before.state in ("ok", "no_data")
    if not over or not verdict.would:
        return verdict
    newest = evaluate(rule, replace(samples, newest=True), lasted=before.lasted, passed=passed, fewest=fewest)
    return verdict if newest.would else newest
