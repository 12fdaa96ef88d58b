"""From an alert's row to what its message says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from core.alert_message import Action, AlertMessage, AlertPart, AlertStatus
from core.alerting import facts
from core.alerting.engine_words import spoken
from core.alerting.plans import STORM
from core.alerting.subjects import ENGINE
from core.alerting.words import measured, rule_of, span
from core.clock import moment
from core.metrics import METRICS
from core.texts import TN, T, Text, revive_text
from storage.alerts import Alert


def message(message_id: str, alerts: Sequence[Alert], *, now: float) -> AlertMessage:
    """Return the message about `alerts` as they are now."""
    scattered = len({alert.integration_id for alert in alerts}) > 1
    parts = [part(alert, now=now) for alert in alerts]
    if len(parts) > STORM:  # a text shows only the first of many
        parts.sort(key=lambda one: one.ended is not None)
    if scattered:
        parts = [
            replace(one, name=T("{integration}: {name}", integration=one.integration, name=one.name)) for one in parts
        ]
    return AlertMessage(message_id, parts, actions(alerts))


def actions(alerts: Sequence[Alert]) -> tuple[Action, ...]:
    """Return what somebody may do about alerts."""
    if all(alert.ended_at is not None for alert in alerts):
        return ()
    found: list[Action] = []
    if any(alert.acknowledged_at is None for alert in alerts):
        found.append("acknowledge")
    found += ["snooze_1h", "snooze_tomorrow"]
    # What the others do is about one integration.
    if {alert.integration_id for alert in alerts} - {ENGINE} and len({alert.integration_id for alert in alerts}) == 1:
        if any("example" in orjson.loads(alert.facts) for alert in alerts):
            found += ["trace", "replay_failed"]
        found += ["graph", "doctor"]
    return tuple(found)


def part(alert: Alert, *, now: float) -> AlertPart:
    """Return one alert as a message shows it."""
    known = _newest(alert)
    since = alert.started_at
    return AlertPart(
        id=alert.id,
        name=name(alert),
        severity=alert.severity,
        status=status(alert, now),
        integration=alert.integration,
        integration_id=alert.integration_id,
        condition=alert.condition,
        measured=said(alert),
        what=what(alert),
        since=since,
        ended=alert.ended_at,
        value=alert.value,
        threshold=alert.threshold,
        counts=facts.counts(known, alert),
        cause=revive_text(known["cause"]) if "cause" in known else None,
        changes=[
            T("{span} before: {change}", span=span(since - at), change=revive_text(text))
            for at, text in known.get("changes", [])
        ],
        notes=notes(alert, now),
        description=spoken(alert.description) if alert.description else "",
        example=known.get("example"),
        failures=known.get("failures", 0),
    )


def name(alert: Alert) -> Text:
    """Return the name of an alert's rule: the engine's own in any language, another as it was given."""
    return spoken(alert.name) if alert.integration_id == ENGINE else T("{text}", text=alert.name)


def status(alert: Alert, now: float) -> AlertStatus:
    """Return how an alert is shown."""
    if alert.status in ("resolved", "ended_without_data", "removed"):
        return alert.status  # type: ignore[return-value]  # one of these
    if alert.snoozed_until is not None and now < alert.snoozed_until:
        return "snoozed"
    return "acknowledged" if alert.acknowledged_at is not None else "firing"


def said(alert: Alert) -> Text:
    """Return what is wrong and since when."""
    since = moment(alert.started_at)
    if alert.detail is not None:
        return T("{detail} Since {since}.", detail=revive_text(alert.detail), since=since)
    value = measured(alert.metric, alert.value)
    if alert.metric == "no_events":
        return T("Nothing has come in for {value} (rule: {rule}), since {since}", value=value, rule=alert.condition,
                 since=since)  # fmt: skip
    told = {"metric": alert.metric, "value": value, "rule": rule_of(alert.condition, alert.metric), "since": since}
    if alert.ended_at is not None:
        return T("{metric} was {value} (rule: {rule}), since {since}", **told)
    return T("{metric} is {value} (rule: {rule}), since {since}", **told)


def what(alert: Alert) -> Text:
    """Return what is wrong alone."""
    if alert.detail is not None:
        return revive_text(alert.detail)
    value = measured(alert.metric, alert.value)
    if alert.metric == "no_events":
        return T("Nothing has come in for {value} (rule: {rule})", value=value, rule=alert.condition)
    rule = rule_of(alert.condition, alert.metric)
    if alert.ended_at is not None:
        return T("{metric} was {value} (rule: {rule})", metric=alert.metric, value=value, rule=rule)
    return T("{metric} is {value} (rule: {rule})", metric=alert.metric, value=value, rule=rule)


def _newest(alert: Alert) -> dict[str, Any]:
    """Return what is known of an alert, with how much as of the look whose value it shows."""
    known: dict[str, Any] = orjson.loads(alert.facts)
    metric = METRICS.get(alert.metric or "")
    if metric is not None and metric.kind == "ratio" and alert.value is not None and alert.samples:
        known |= {"failed": round(alert.value * alert.samples / 100), "of": alert.samples}
    return known


def notes(alert: Alert, now: float) -> list[Text]:
    """Return what has been done about it, and what is to be known."""
    found: list[Text] = []
    if alert.acknowledged_by is not None:
        found.append(
            T("Acknowledged by {who}: {comment}", who=alert.acknowledged_by, comment=alert.comment)
            if alert.comment
            else T("Acknowledged by {who}", who=alert.acknowledged_by)
        )
    if alert.snoozed_until is not None and now < alert.snoozed_until:
        found.append(
            T("Snoozed until {until} by {who}", until=moment(alert.snoozed_until), who=alert.snoozed_by or "–")
        )
    replayed = orjson.loads(alert.facts).get("replayed")
    if replayed is not None:
        found.append(
            TN("{count} event is replayed, says {who}", "{count} events are replayed, says {who}", replayed["count"],
               who=replayed["by"])
        )  # fmt: skip
    if alert.without_data and alert.ended_at is None:
        found.append(T("There is no data now: it is not known whether it goes on."))
    if alert.flapping:
        found.append(T("It comes and goes: it fired more than three times within an hour, and is told less often."))
    if alert.ended_at is not None and alert.status == "resolved":
        found.append(T("Resolved after {span}", span=span(alert.ended_at - (alert.fired_at or alert.started_at))))
    return found
