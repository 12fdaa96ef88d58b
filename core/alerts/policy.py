"""Who is told of a firing alert, and when: silences, acknowledgement, snoozing, repeats. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

REPEAT_SECONDS = 4 * 3600.0
"""After how long an alert that still fires, and that nobody has acknowledged, is told again."""

PAUSED = "paused"
"""In place of a silence's id: an integration that rests is like one under maintenance."""

Say = Literal["fired", "repeat"]
Quiet = Literal["silenced", "snoozed", "acknowledged", ""]


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which alerts that fit are not told. None fits all."""

    id: str
    at_from: float
    at_to: float
    integration_id: str | None = None
    rule: str | None = None
    severity: str | None = None
    comment: str = ""

    def covers(self, alert: Firing, now: float) -> bool:
        """Say whether it keeps `alert` quiet at this time."""
        wanted = (self.integration_id, self.rule, self.severity)
        given = (alert.integration_id, alert.rule, alert.severity)
        fits = all(want is None or want == have for want, have in zip(wanted, given, strict=True))
        return fits and self.at_from <= now < self.at_to


@dataclass(frozen=True, slots=True)
class Firing:
    """What telling depends on. Times are seconds since the epoch."""

    integration_id: str
    rule: str
    severity: str
    told_at: float | None = None
    acknowledged: bool = False
    snoozed_until: float | None = None
    repeat_seconds: float | None = None
    paused: bool = False
    """Somebody lets its integration rest, and knows."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be said now, or why nothing is."""

    say: Say | None
    quiet: Quiet = ""
    silence: Silence | None = None


def decide(alert: Firing, silences: Iterable[Silence], now: float) -> Decision:
    """Return what to tell of a firing alert at this look."""
    silence = next((one for one in silences if one.covers(alert, now)), None)
    if silence is None and alert.paused:
        silence = Silence(PAUSED, now, now)
    if silence is not None:
        return Decision(None, "silenced", silence)
    if alert.snoozed_until is not None:
        if now < alert.snoozed_until:
            return Decision(None, "snoozed")
        return Decision("repeat" if alert.told_at is not None else "fired")
    if alert.told_at is None:
        return Decision("fired")
    if alert.acknowledged:
        return Decision(None, "acknowledged")
    repeat = REPEAT_SECONDS if alert.repeat_seconds is None else alert.repeat_seconds
    # Either way: where the clock was put back, `told_at` may be far ahead.
    return Decision("repeat" if abs(now - alert.told_at) >= repeat else None)
