"""An event's steps gathered into rows: the attempts at one thing together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

ENGINES_OWN = frozenset({"receive", "verify", "deduplicate", "transform", "lease", "replay", "discard"})
"""Steps that are not actions."""
_EACH = frozenset({"lease", "replay", "discard"})
"""Those that are events of their own each time; the others are one thing, tried again."""

Step = TypeVar("Step")


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells steps apart. `status`: success, error, skipped."""

    name: str
    run: int
    attempt: int
    status: str


@dataclass
class Row(Generic[Step]):
    """The steps that are attempts at the same thing, in order. `place`: an own step's name, an action's number."""

    run: int
    place: str
    steps: list[Step] = field(default_factory=list)

    @property
    def is_action(self) -> bool:
        """Whether it is something that a handler asked for."""
        return self.place not in ENGINES_OWN


def rows(steps: Iterable[Step], mark: Callable[[Step], Mark]) -> list[Row[Step]]:
    """Gather the attempts at one thing; `mark` reads a step.

    An attempt goes through the actions in order, the done ones first as `skipped`, and ends with the first error: so
    the n-th action of every pass is the same one.
    """
    found: dict[tuple[int, str], Row[Step]] = {}
    place, before = 0, None
    for number, step in enumerate(steps):
        now = mark(step)
        if now.name in ENGINES_OWN:
            key = f"{now.name}:{number}" if now.name in _EACH else now.name
            found.setdefault((now.run, key), Row(now.run, now.name)).steps.append(step)
            place = 0
            continue
        place = 0 if _new_pass(before, now) else place
        found.setdefault((now.run, str(place)), Row(now.run, str(place))).steps.append(step)
        place, before = place + 1, now
    return list(found.values())


def _new_pass(before: Mark | None, now: Mark) -> bool:
    if before is None:
        return True
    other = (before.run, before.attempt) != (now.run, now.attempt)
    return other or before.status == "error" or (now.status == "skipped" and before.status != "skipped")
