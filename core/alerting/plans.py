"""What is planned to be said of an alert: to whom, in which message, in which words for its thread. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from core.alerting.engine_words import spoken
from core.alerting.subjects import ENGINE
from core.alerting.words import span
from core.alerts.policy import Firing, Silence, decide
from core.alerts.states import STEADY_SECONDS
from core.channels import CHANNELS, apart
from core.clock import moment
from core.config import Settings
from core.ids import new_id
from core.texts import T, Text
from storage.alert_outbox import Plan
from storage.alerts import Alert

STORM = 10
"""Integrations of which more alert at one look, in one channel and of one severity, become one message."""
GROUP_WAIT = 10.0
"""Seconds in which alerts of one integration and severity become one message in a channel."""


@dataclass(frozen=True)
class Telling:
    """What one look plans for an alert that fires."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    plans: Sequence[Plan] = ()


def telling(
    settings: Settings, alert: Alert, silences: Sequence[Silence], now: float, *, reached: Sequence[str],
    damped: bool, paused: bool,
) -> Telling:  # fmt: skip
    """Return what is to be said of a firing alert now, or why nothing is.

    `reached`: the channels that it is told in. `damped`: where it flaps, it is told only when it has lasted. `paused`:
    its integration rests.
    """
    if damped and alert.flapping and alert.told_at is None and 0 <= now - (alert.fired_at or now) < STEADY_SECONDS:
        return Telling()
    paused = paused and alert.metric != "status"  # that it was paused may be what is to be told
    decision = decide(_firing(alert, paused=paused), silences, now)
    if decision.silence is not None:
        silence = decision.silence
        if alert.silenced_by == silence.id:
            return Telling()
        line = noted(alert, now, "silenced", silence=silence.id, comment=silence.comment, until=moment(silence.at_to))
        return Telling({"silenced_by": silence.id}, [line])
    columns: dict[str, Any] = {}
    history: list[Mapping[str, Any]] = []
    if alert.silenced_by is not None:
        columns["silenced_by"] = None
        history.append(noted(alert, now, "silence_over", silence=alert.silenced_by))
    if decision.quiet:
        return Telling(columns, history)
    if decision.say is not None:
        columns["told_at"] = now
        if alert.snoozed_until is not None:  # else somebody may be snoozing it while this look is under way
            columns["snoozed_until"] = None
    plans: list[Plan] = []
    if decision.say == "repeat":
        story = T("Still firing after {span}.", span=span(now - (alert.fired_at or now)))
        history.append(noted(alert, now, "repeat"))
        plans.append(everywhere(alert, "repeat", story))
    # The rule, or the settings, may name others meanwhile; and one that was given up may have come back.
    channels = [channel for channel in channels_of(settings, alert) if channel not in reached]
    if channels or decision.say == "fired":
        history.append(noted(alert, now, "planned", channels=channels))
    return Telling(columns, history, [*plans, *(_first(alert, channel) for channel in channels)])


def channels_of(settings: Settings, alert: Alert) -> list[str]:
    """Return the addresses that an alert goes to, each place once: its own, or the default ones."""
    own: list[str] = orjson.loads(alert.channels)
    return apart(settings, own or default_channels(settings))


def default_channels(settings: Settings) -> list[str]:
    """Return the channels whose settings name a place."""
    return [channel.name for channel in CHANNELS if channel.default(settings) is not None]


def everywhere(alert: Alert, kind: str, story: Text) -> Plan:
    """Return the plan to say something in every message about an alert."""
    return Plan(alert.id, kind, story=_story(alert, story))


def ending(alert: Alert, now: float) -> Plan:
    """Return the plan to say that an alert has ended."""
    lasted = span(now - (alert.fired_at or alert.started_at))
    stories = {
        "resolved": T("Resolved after {span}.", span=lasted),
        "removed": T("Its rule was removed; it had fired for {span}.", span=lasted),
        "ended_without_data": T(
            "There has been no data for a day, so nobody can tell whether it is well again. It is not told any more."
        ),
    }
    return everywhere(alert, "ended", stories[alert.status])


def noted(alert: Alert, at: float, kind: str, **data: Any) -> dict[str, Any]:
    """Return a line of an alert's history."""
    return {"alert_id": alert.id, "at": at, "kind": kind, "data": orjson.dumps(data).decode()}


def _first(alert: Alert, channel: str) -> Plan:
    group = f"{channel} {alert.integration_id} {alert.severity}"
    return Plan(alert.id, "fired", channel, new_id("alm"), group, GROUP_WAIT)


def gathered(plans: Sequence[Plan], alerts: Mapping[str, Alert]) -> list[Plan]:
    """Return the plans with those of a storm together: one message for many integrations in a channel."""
    hit: dict[tuple[str | None, str], set[str]] = {}
    for plan in plans:
        if plan.kind == "fired":
            alert = alerts[plan.alert_id]
            hit.setdefault((plan.channel, alert.severity), set()).add(alert.integration_id)
    return [
        replace(plan, group_key=f"{plan.channel} * {severity}")
        if plan.kind == "fired"
        and len(hit[plan.channel, (severity := alerts[plan.alert_id].severity)] - {ENGINE}) > STORM
        else plan
        for plan in plans
    ]


def _story(alert: Alert, story: Text) -> str:
    name = spoken(alert.name) if alert.integration_id == ENGINE else alert.name
    return T("{name}: {story}", name=name, story=story).dump()


def _firing(alert: Alert, *, paused: bool) -> Firing:
    return Firing(
        alert.integration_id,
        alert.name,
        alert.severity,
        alert.told_at,
        alert.acknowledged_at is not None,
        alert.snoozed_until,
        alert.repeat_seconds,
        paused,
    )
