"""What stops a command: a message for whoever typed it, and the exit code that a script goes by."""

from __future__ import annotations

from typing import Any

from core.cli.language import said
from core.texts import Text

REFUSED = 1
"""The engine said no, or what was wanted did not work."""
USAGE = 2
"""A wrong argument or setting: nothing was done."""
UNREACHABLE = 3
"""No engine answered."""


class CliError(Exception):
    """`error` is the short English text that programs match on; `details` go into the JSON."""

    def __init__(self, message: Text | str, *, code: int, error: str, **details: Any) -> None:
        self.message = said(message) if isinstance(message, Text) else message
        super().__init__(self.message)
        self.code = code
        self.error = error
        self.details = details

    @property
    def document(self) -> dict[str, Any]:
        """The error as JSON, in the form of the engine's own."""
        return {"error": self.error, "message": self.message, **self.details}


def usage(message: Text, **details: Any) -> CliError:
    """Return the error for a wrong argument."""
    return CliError(message, code=USAGE, error="Wrong usage", **details)


def refused(message: Text, *, error: str = "Refused", **details: Any) -> CliError:
    """Return the error for something that did not work."""
    return CliError(message, code=REFUSED, error=error, **details)
