"""Whether somebody was told of an alert, where, and if not, why not: the answer in one or two sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core.texts import TN, T, Text, revive_text
from storage.alert_outbox import AlertMessageRow, AlertOutbox
from storage.alerts import Alert, AlertHistory

Messages = Sequence[tuple[AlertMessageRow, Sequence[AlertOutbox]]]
_SAY = ("fired", "repeat")
"""What calls somebody; everything else goes on with a message that is there."""


def told(alert: Alert, history: Sequence[AlertHistory], messages: Messages, *, now: float) -> list[Text]:
    """Return what became of each channel; where nothing is to go to any, why. `history`: oldest first."""
    arrived = [row.channel for row, _ in messages if row.told_at is not None]
    said: list[Text] = []
    if arrived:
        said.append(T("It was told in {channels}.", channels=_listed(arrived)))
    for row, items in messages:
        if row.told_at is None:
            said.append(_missing(row.channel, items))
    last = _last(history)
    if not said:
        return [_nobody(alert, last, now)]
    if alert.ended_at is None and (quiet := _quiet(alert, last, now)) is not None:
        said.append(quiet)
    return said


def _missing(channel: str, items: Sequence[AlertOutbox]) -> Text:
    """Say why it has not arrived in a channel."""
    calls = [item for item in items if item.kind in _SAY] or list(items)
    newest = calls[-1] if calls else None
    if newest is None or newest.result == "skipped":
        return T("It was not told in {channel}.", channel=channel)
    answer = revive_text(newest.answer) if newest.answer is not None else None
    if newest.settled_at is None:
        if answer is None:
            return T("It is about to be told in {channel}.", channel=channel)
        return TN(
            "{channel} has not taken it yet, and is tried again; {count} attempt failed: {answer}",
            "{channel} has not taken it yet, and is tried again; {count} attempts failed: {answer}",
            newest.attempts, channel=channel, answer=answer,
        )  # fmt: skip
    return TN(
        "It was not told in {channel}: given up after {count} attempt: {answer}",
        "It was not told in {channel}: given up after {count} attempts: {answer}",
        newest.attempts, channel=channel, answer=answer or T("no answer"),
    )  # fmt: skip


def _nobody(alert: Alert, last: Mapping[str, dict[str, Any]], now: float) -> Text:
    """Say why no channel was to be told."""
    if alert.status == "pending":
        return T("Nobody was told yet: its condition has not held for long enough.")
    if alert.fired_at is None:
        return T("Nobody was told: its condition ended before it had held for long enough.")
    if "planned" in last:
        return T(
            "Nobody was told: the rule names no channel, and neither CCB_ALERT_SLACK_CHANNEL nor CCB_ALERT_EMAIL is "
            "set."
        )
    if (quiet := _quiet(alert, last, now)) is not None:
        return quiet
    if "damped" in last or alert.flapping:
        if alert.ended_at is not None:
            return T("Nobody was told: it flapped, and did not last for 15 minutes.")
        return T("Nobody was told yet: it flaps, and is told when it lasts for 15 minutes.")
    if alert.ended_at is None:
        return T("Nobody was told yet: the next look plans it, within 20 seconds.")
    return T("Nobody was told: it ended before a message was planned.")


def _quiet(alert: Alert, last: Mapping[str, dict[str, Any]], now: float) -> Text | None:
    """Say what keeps it quiet now, or kept it so until its end; None where nothing does."""
    if alert.silenced_by is not None:
        if alert.told_at is None:
            return T("Nobody was told: the silence {silence} covers it.", silence=alert.silenced_by)
        return T("It is not told again: the silence {silence} covers it.", silence=alert.silenced_by)
    if alert.snoozed_until is not None and now < alert.snoozed_until:
        return T("It is quiet for now: {who} has snoozed it.", who=alert.snoozed_by or "–")
    if alert.acknowledged_at is not None:
        return T("It is not told again: {who} has acknowledged it.", who=alert.acknowledged_by or "–")
    return None


def _last(history: Sequence[AlertHistory]) -> dict[str, dict[str, Any]]:
    """Return the newest line's data of each kind."""
    return {line.kind: orjson.loads(line.data) for line in history}


def _listed(channels: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(channels))
