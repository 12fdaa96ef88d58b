"""Alerts: the rules of an integration, what they say, and where that goes."""

from core.alerts.defaults import with_defaults
from core.alerts.rules import (
    MOST_RULES,
    Checked,
    RuleWish,
    Severity,
    Stored,
    checked,
    listed,
    repeat_interval,
    replace,
    rows_of,
)
from core.alerts.single import Seen, add, change, check, find, remove
from core.alerts.testing import Delivery, Tested, test

__all__ = [
    "MOST_RULES",
    "Checked",
    "Delivery",
    "RuleWish",
    "Seen",
    "Severity",
    "Stored",
    "Tested",
    "add",
    "change",
    "check",
    "checked",
    "find",
    "listed",
    "remove",
    "repeat_interval",
    "replace",
    "rows_of",
    "test",
    "with_defaults",
]
