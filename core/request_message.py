"""What the message says that follows a request in Slack: values, which a door renders. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.texts import Text

Mark = Literal["done", "now", "todo", "failed"]
Press = Literal["stop", "retry", "fill", "change", "pull", "configure", "activate", "status"]
Level = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Lack:
    """A field that a request lacks: what it is called, why it matters, an example."""

    field: str
    title: Text
    why: Text
    example: Text


@dataclass(frozen=True)
class RequestMessage:
    """Where a request stands. `since`: for how long it has stood so, seconds since the epoch.

    `facts`: what its package may do, a name and the values. `integration`: the slug of what came of it. `presses`: what
    can be done now, the most useful first.
    """

    request: str
    title: str
    asked_by: str
    """The name of whoever asked."""
    asker: str
    """Their Slack id, where it was asked for in Slack; else empty."""
    language: str
    state: Text
    since: float
    steps: Sequence[tuple[Text, Mark]]
    next_step: Text
    presses: Sequence[Press]
    spent: Text | None = None
    trouble: Text | None = None
    lacks: Sequence[Lack] = ()
    facts: Sequence[tuple[Text, Sequence[str]]] = ()
    pull: tuple[str, str] | None = None
    """`owner/repo #7`, and its address."""
    integration: str | None = None
    missing: Sequence[str] = ()
    """Keys that the integration still needs."""


@dataclass(frozen=True)
class Step:
    """A line of a request's log."""

    at: float
    name: Text
    level: Level
    said: Text


@dataclass(frozen=True)
class Steps:
    """Lines of a request's log, oldest first, and in which language they are told."""

    language: str
    steps: Sequence[Step]
