"""Alerting: rules looked at once and again, alerts that fire and end, and who is told of it."""

from core.alerting.guard import Guard
from core.alerting.look import Evaluator
from core.alerting.outbox import Dispatcher
from core.alerting.service import (
    Snooze,
    about,
    acknowledge,
    attempts,
    find,
    forget,
    history,
    last_look,
    newest,
    replayed,
    snooze,
    standings,
    unsnooze,
)
from core.alerting.silences import SilenceWish, end_silence, put_silence, silence, silences
from core.alerting.watch import Watcher

__all__ = [
    "Dispatcher",
    "Evaluator",
    "Guard",
    "SilenceWish",
    "Snooze",
    "Watcher",
    "about",
    "acknowledge",
    "attempts",
    "end_silence",
    "find",
    "forget",
    "history",
    "last_look",
    "newest",
    "put_silence",
    "replayed",
    "silence",
    "silences",
    "snooze",
    "standings",
    "unsnooze",
]
