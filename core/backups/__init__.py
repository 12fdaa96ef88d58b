"""Backups of the database: made by the engine while it runs, or reported by whoever makes them; how old they are."""

from core.backups.keeper import Keeper
from core.backups.service import adopt, ask, find, page, report
from core.backups.state import LATE, State, age, failure, late, next_at, state, told

__all__ = [
    "LATE",
    "Keeper",
    "State",
    "adopt",
    "age",
    "ask",
    "failure",
    "find",
    "late",
    "next_at",
    "page",
    "report",
    "state",
    "told",
]
