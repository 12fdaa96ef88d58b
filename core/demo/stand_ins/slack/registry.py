"""The Web API's methods, found by their decorators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.demo.stand_ins.slack.answers import Answer, Arguments
from core.demo.stand_ins.slack.workspace import Workspace


@dataclass(frozen=True)
class Call:
    """One call of a method by a token that may call it."""

    method: str
    arguments: Arguments
    token: str
    base: str
    """Where the stand-in is reached."""


Run = Callable[[Workspace, Call], Answer]
RUNS: dict[str, Run] = {}


def method(name: str) -> Callable[[Run], Run]:
    """Register what a method of the Web API does; what it needs stands in `scopes.METHODS`."""

    def register(run: Run) -> Run:
        RUNS[name] = run
        return run

    return register
