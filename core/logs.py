"""The engine's own log: one line per happening on standard error, for people on a terminal and JSON elsewhere."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from storage.away import DatabaseAwayError

OUTAGE_SECONDS = 1.0
"""How often a line of one kind is written while the database is away."""


class _StandardError:
    """Standard error as it is at the moment; a log that cannot be written (a closed pipe) must not stop any work."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


class Outages:
    """A database that is away is said once a second for each kind of line, with its reason in place of a traceback.

    Everything that is refused meanwhile has the same cause, which no traceback makes clearer, and under load the lines
    would fill the disk. `unsaid` on the next line of the kind is how many were left out before it.
    """

    def __init__(self) -> None:
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        """Change such a line, or drop it; leave every other as it is."""
        given = line.get("exc_info")
        error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given is True else None
        if not isinstance(error, DatabaseAwayError):
            return line
        kind, now = str(line["event"]), time.monotonic()
        if now - self._said.get(kind, -OUTAGE_SECONDS) < OUTAGE_SECONDS:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            raise structlog.DropEvent
        self._said[kind] = now
        del line["exc_info"]
        line.update(reason=f"the database is away: {error}", unsaid=self._unsaid.pop(kind, 0))
        return line


def configure(level: str) -> None:
    """Set up structlog, and the libraries' logging at warnings, to standard error.

    Tracebacks are plain: rich ones show local variables, and among those stand payloads and secrets.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    pretty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            Outages(),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *([] if pretty else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if pretty
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)
    # It warns each time a job still runs when its next round is due: with a slow database, every second for each job.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def unseen(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong where nobody waits for it (asyncio's exception handler), as one line like every other.

    A connection that broke, or could not be closed in time, is said without a traceback: libraries let go of those so.
    """
    error, what = context.get("exception"), str(context["message"])
    if isinstance(error, OSError):
        structlog.get_logger().warning("connection let go", what=what, reason=repr(error))
    else:
        structlog.get_logger().error("failed unseen", what=what, exc_info=error)
