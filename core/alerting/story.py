"""An alert's history in words: why somebody was told, or was not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from core.alerting.words import measured
from core.alerts.policy import PAUSED
from core.texts import TN, T, Text, revive_text

Data = Mapping[str, Any]


def told(kind: str, data: Data) -> Text:
    """Return what a line of the history says."""
    return _WORDS[kind](data) if kind in _WORDS else T("{reason}", reason=kind)


def _measured(head: Text) -> Callable[[Data], Text]:
    def say(data: Data) -> Text:
        if data.get("detail") is not None:
            detail = revive_text(orjson.dumps(data["detail"]).decode())
            return T("{head}: {answer}", head=head, answer=detail)
        if data.get("value") is None:
            return head
        metric, value = data["metric"], data["value"]
        return T("{head} ({metric} {value}, threshold {threshold})", head=head, metric=metric,
                 value=measured(metric, value), threshold=measured(metric, data["threshold"]))  # fmt: skip

    return say


def _planned(data: Data) -> Text:
    channels = data["channels"]
    if not channels:
        return T(
            "Nobody is told: the rule names no channel, and neither CCB_ALERT_SLACK_CHANNEL nor CCB_ALERT_EMAIL is set."
        )
    return T("To be told in {channels}.", channels=", ".join(channels))


def _attempt(head: str) -> Callable[[Data], Text]:
    def say(data: Data) -> Text:
        heads = {
            "delivered": T("Told in {channel}, attempt {attempt}", channel=data["channel"], attempt=data["attempt"]),
            "attempt_failed": T(
                "{channel} did not take it, attempt {attempt}", channel=data["channel"], attempt=data["attempt"]
            ),
            "dead": T("Given up for {channel} after attempt {attempt}", channel=data["channel"],
                      attempt=data["attempt"]),
            "skipped": T("Not told in {channel}", channel=data["channel"]),
        }  # fmt: skip
        answer = revive_text(orjson.dumps(data["answer"]).decode())
        said = T("{head}: {answer}", head=heads[head], answer=answer)
        count = data.get("count", len(data["group"]))
        if count > 1:
            return TN("{said} (one message for {count} alert)", "{said} (one message for {count} alerts)", count,
                      said=said)  # fmt: skip
        return said

    return say


def _silenced(data: Data) -> Text:
    if data["silence"] == PAUSED:
        return T("Nobody is told: the integration is paused.")
    if not data.get("comment"):
        return T("Nobody is told: the silence {silence} covers it.", silence=data["silence"])
    return T("Nobody is told until {until}: {comment} (silence {silence}).", until=data["until"],
             comment=data["comment"], silence=data["silence"])  # fmt: skip


_WORDS: Mapping[str, Callable[[Data], Text]] = {
    "pending": _measured(T("The condition began to hold")),
    "withdrawn": _measured(T("The condition ended before it had held for long enough, so nobody was told")),
    "firing": _measured(T("It fires")),
    "resolved": _measured(T("Resolved")),
    "ended_without_data": lambda data: T("Ended: there has been no data for a day."),
    "removed": lambda data: T("Its rule was removed or replaced."),
    "rule_changed": lambda data: T("Its rule was changed ({what}).", what=", ".join(data["what"])),
    "no_data": lambda data: T("There is no data any more. It stays firing."),
    "data_again": lambda data: T("There is data again."),
    "damped": lambda data: TN(
        "It flaps: it has fired {count} time within an hour. It is told when it lasts for 15 min.",
        "It flaps: it has fired {count} times within an hour. It is told when it lasts for 15 min.",
        data["fired"],
    ),
    "silenced": _silenced,
    "silence_over": lambda data: (
        T("The integration is no longer paused.")
        if data["silence"] == PAUSED
        else T("The silence {silence} no longer covers it.", silence=data["silence"])
    ),
    "planned": _planned,
    "repeat": lambda data: T("It still fires, and nobody has acknowledged it: to be told again."),
    "acknowledged": lambda data: (
        T("Acknowledged by {who}: {comment}", who=data["by"], comment=data["comment"])
        if data.get("comment")
        else T("Acknowledged by {who}", who=data["by"])
    ),
    "snoozed": lambda data: T("Snoozed until {until} by {who}", until=data["until"], who=data["by"]),
    "replayed": lambda data: TN(
        "{count} event is replayed, says {who}",
        "{count} events are replayed, says {who}",
        data["count"],
        who=data["by"],
    ),
    "unsnoozed": lambda data: T("No longer snoozed, says {who}", who=data["by"]),
    **{kind: _attempt(kind) for kind in ("delivered", "attempt_failed", "dead", "skipped")},
}
