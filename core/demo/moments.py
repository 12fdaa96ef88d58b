"""What a demonstration tells, moment by moment; a terminal, a test or a page shows it as it likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.texts import Text

Step = Literal[
    "set_up", "issue", "understood", "write", "refused", "tested", "published", "merged", "configured", "active",
    "delivered", "trace", "arrived",
]  # fmt: skip
"""Names that programs go by, in the order of the story; `write` comes once for each round."""
Outcome = Literal["done", "refused"]
Fact = tuple[Text | str, Text | str]
"""What it is called (empty: nothing), and what it is."""


@dataclass(frozen=True)
class UnderWay:
    """Something has begun and goes on until the next moment."""

    step: Step
    what: Text


@dataclass(frozen=True)
class Happened:
    """Something is done, or was refused. `facts`: what to know, some with a name; `quote`: text that somebody wrote."""

    step: Step
    what: Text | str
    outcome: Outcome = "done"
    facts: Sequence[Fact] = ()
    quote: str = ""
    link: str = ""
    command: str = ""
    """The call of `ccb` that does the same."""


@dataclass(frozen=True)
class Traced:
    """An event's way: the event and its steps as the REST API shows them."""

    step: Step
    event: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]


Moment = UnderWay | Happened | Traced
