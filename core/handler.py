"""What comes of running a handler: its actions, or the reason why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.errors import CcbError
from core.texts import Text

Kind = Literal["syntax", "raised", "timeout", "memory", "crashed", "rubbish", "busy"]
"""Why a run failed: it cannot be compiled; it raised; it took too long or too much memory; its process died; it
returned what is not plain JSON; there was no free process for it."""

_FROM_LOAD: frozenset[Kind] = frozenset({"timeout", "crashed", "busy"})


@dataclass(frozen=True)
class Ran:
    """What a handler gave back: `actions` as it returned them (plain JSON values), what it printed, and how long it
    took, in seconds and without the wait for a free process."""

    actions: Any
    printed: str
    seconds: float


@dataclass(frozen=True)
class Load:
    """How busy the sandbox is: handlers that may run at once, that do run, and that wait."""

    places: int
    busy: int
    waiting: int


class HandlerError(CcbError):
    """A handler's run gave no actions.

    `line`: the line in handler.py, where one is known. `reason`: the message without its place, for where that is said
    already. `printed`: what it printed before. `retriable`: it may come from load; the other kinds would fail again,
    for a handler is a pure function.
    """

    default_error = "Processing failed"

    def __init__(
        self, message: Text, /, *, kind: Kind, line: int | None = None, printed: str = "", reason: Text | None = None
    ) -> None:
        super().__init__(message, kind=kind, line=line)
        self.reason = reason or message
        self.kind = kind
        self.line = line
        self.printed = printed

    @property
    def retriable(self) -> bool:
        return self.kind in _FROM_LOAD
