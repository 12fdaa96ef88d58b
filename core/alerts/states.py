"""From one look at a rule to the next: its state, and what has happened. Pure.

ok → pending (a `for` has begun) → firing → resolved, which is ok again. Missing data is a state of its own, `no_data`,
and never counts as ok: a firing alert stays firing without data, for `NO_DATA_ENDS`; a pending one waits, for
`NO_DATA_WAITS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from core.alerts.evaluation import LONGEST_LOOK, Truth, Verdict

CLEAR_SECONDS = 120.0
"""How long a firing alert's condition must not hold, without a break, before it is resolved."""
NO_DATA_WAITS = 900.0
"""How long a pending alert waits for data."""
NO_DATA_ENDS = 86_400.0
"""How long a firing alert stays so without data."""
FLAPS = 3
FLAP_SECONDS = 3600.0
"""An alert that fires for more than the third time within an hour flaps: it is told when it has lasted `STEADY`, or
once an hour."""
STEADY_SECONDS = 900.0

State = Literal["ok", "pending", "firing", "no_data"]
Change = Literal["pending", "withdrawn", "firing", "resolved", "ended_without_data", "no_data", "data_again"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands; what the next look goes on from. Times are seconds since the epoch."""

    state: State = "ok"
    since: float = 0.0
    looked_at: float | None = None
    lasted: Mapping[str, float] = field(default_factory=dict)
    resolve_lasted: Mapping[str, float] = field(default_factory=dict)
    clear_for: float | None = None
    """For how long a firing alert's condition has not held."""
    missing_for: float | None = None
    """For how long there has been no data."""
    fired: tuple[float, ...] = ()
    """When it fired within the last hour."""
    blind_until: float | None = None
    """When looks began again after the last time in which there were none."""
    loud: float | None = None
    """When it last fired and was not damped."""

    def woken(self, now: float) -> Standing:
        """Return it as a look takes it: after a time in which nobody looked, nobody can have heard anything either."""
        blind = self.looked_at is not None and abs(now - self.looked_at) > LONGEST_LOOK
        return replace(self, blind_until=now) if blind else self

    def passed(self, now: float) -> float:
        """Return the seconds since the last look, as far as they count."""
        return 0.0 if self.looked_at is None else min(max(now - self.looked_at, 0.0), LONGEST_LOOK)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it stands now, and what has changed with that, in order."""

    standing: Standing
    changes: tuple[Change, ...] = ()

    @property
    def flapping(self) -> bool:
        """Whether it has fired too often to be told each time."""
        return len(self.standing.fired) > FLAPS

    @property
    def damped(self) -> bool:
        """Whether it is not told this time until it has lasted."""
        return self.flapping and self.standing.loud != self.standing.fired[-1]


def advance(before: Standing, verdict: Verdict, resolve: Verdict | None, *, now: float) -> Outcome:
    """Return what a look makes of how it stood. `resolve`: of the condition for the end, where the rule has one."""
    passed = before.passed(now)
    fired = tuple(at for at in before.fired if now - FLAP_SECONDS < at <= now)
    looked = replace(
        before,
        looked_at=now,
        lasted=dict(verdict.lasted),
        resolve_lasted=dict(resolve.lasted) if resolve is not None else {},
        fired=fired,
    )
    if before.state == "firing":
        return _firing(looked, verdict, resolve, passed, now)
    if verdict.holds:
        changes: tuple[Change, ...] = ("firing",) if before.state == "pending" else ("pending", "firing")
        looked = replace(looked, loud=_loud(before.loud, fired, now))
        return Outcome(_into(looked, "firing", now, fired=(*fired, now)), changes)
    if verdict.holds is None and not verdict.would:
        return _missing(looked, passed, now)
    if verdict.would:
        changes = () if before.state == "pending" else ("pending",)
        return Outcome(_into(looked, "pending", now), changes)
    return Outcome(_into(looked, "ok", now), ("withdrawn",) if before.state == "pending" else ())


def _loud(before: float | None, fired: tuple[float, ...], now: float) -> float | None:
    quiet = len(fired) >= FLAPS and before is not None and now - FLAP_SECONDS < before <= now
    return before if quiet else now


def _firing(looked: Standing, verdict: Verdict, resolve: Verdict | None, passed: float, now: float) -> Outcome:
    clear = _clear(verdict, resolve)
    if clear is None:
        missing = _longer(looked.missing_for, passed)
        if missing >= NO_DATA_ENDS:
            return Outcome(_into(looked, "no_data", now), ("ended_without_data",))
        return Outcome(replace(looked, missing_for=missing), ("no_data",) if looked.missing_for is None else ())
    back: tuple[Change, ...] = ("data_again",) if looked.missing_for is not None else ()
    if not clear:
        return Outcome(replace(looked, clear_for=None, missing_for=None), back)
    clear_for = _longer(looked.clear_for, passed)
    if clear_for < CLEAR_SECONDS:
        return Outcome(replace(looked, clear_for=clear_for, missing_for=None), back)
    return Outcome(_into(looked, "ok", now), (*back, "resolved"))


def _clear(verdict: Verdict, resolve: Verdict | None) -> Truth:
    if verdict.holds is None or (resolve is not None and resolve.holds is None):
        return None
    return not verdict.holds and (resolve is None or bool(resolve.holds))


def _missing(looked: Standing, passed: float, now: float) -> Outcome:
    missing = _longer(looked.missing_for, passed)
    if looked.state == "pending":
        if missing < NO_DATA_WAITS:
            return Outcome(replace(looked, missing_for=missing))
        return Outcome(_into(replace(looked, missing_for=missing), "no_data", now), ("withdrawn",))
    return Outcome(_into(replace(looked, missing_for=missing), "no_data", now))


def _longer(seconds: float | None, passed: float) -> float:
    return 0.0 if seconds is None else seconds + passed


def _into(standing: Standing, state: State, now: float, fired: tuple[float, ...] | None = None) -> Standing:
    """Return the standing in a state; one that it is in already keeps its `since`."""
    since = standing.since if standing.state == state and standing.since else now
    missing = standing.missing_for if state == "no_data" else None
    return replace(
        standing,
        state=state,
        since=since,
        clear_for=None,
        missing_for=missing,
        fired=standing.fired if fired is None else fired,
    )
