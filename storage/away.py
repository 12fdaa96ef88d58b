"""A database that does not answer."""

from __future__ import annotations


class DatabaseAwayError(OSError):
    """The database cannot be reached, or broke off; `str(error)` is the reason on one line, without what was written.

    As a rule nothing of the transaction was stored. When its COMMIT was under way, it may have been.
    """


class DatabaseSilentError(DatabaseAwayError):
    """The database is connected and does not answer in time."""
