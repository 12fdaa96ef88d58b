"""Alerts: the rules of an integration, what they say, and where that goes."""

from core.alerts.defaults import with_defaults
from core.alerts.rules import (
    MOST_RULES,
    Checked,
    RuleWish,
    Severity,
    Stored,
    add,
    check,
    checked,
    listed,
    repeat_interval,
    replace,
    rows_of,
)
from core.alerts.testing import Delivery, Tested, test

__all__ = [
    "MOST_RULES",
    "Checked",
    "Delivery",
    "RuleWish",
    "Severity",
    "Stored",
    "Tested",
    "add",
    "check",
    "checked",
    "listed",
    "repeat_interval",
    "replace",
    "rows_of",
    "test",
    "with_defaults",
]
