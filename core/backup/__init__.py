"""Backups of the database: made by the engine while it runs, or reported by whoever makes them; how old they are."""

from core.backup.keeper import Keeper
from core.backup.service import adopt, ask, find, page, report
from core.backup.state import LATE, State, age, failure, next_at, state, told

__all__ = [
    "LATE",
    "Keeper",
    "State",
    "adopt",
    "age",
    "ask",
    "failure",
    "find",
    "next_at",
    "page",
    "report",
    "state",
    "told",
]
