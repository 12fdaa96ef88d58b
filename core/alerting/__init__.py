"""Alerting: rules looked at once and again, alerts that fire and end, and who is told of it."""

from core.alerting.look import Evaluator
from core.alerting.outbox import Dispatcher
from core.alerting.service import (
    Snooze,
    acknowledge,
    attempts,
    find,
    forget,
    history,
    last_look,
    newest,
    snooze,
    standings,
    unsnooze,
)
from core.alerting.silences import SilenceWish, end_silence, put_silence, silence, silences

__all__ = [
    "Dispatcher",
    "Evaluator",
    "SilenceWish",
    "Snooze",
    "acknowledge",
    "attempts",
    "end_silence",
    "find",
    "forget",
    "history",
    "last_look",
    "newest",
    "put_silence",
    "silence",
    "silences",
    "snooze",
    "standings",
    "unsnooze",
]
