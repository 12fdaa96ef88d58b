"""What a look for gaps comes to: how far it got, what stands in its way, what else it noticed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from core.errors import CcbError, Upstream
from core.texts import Text


@dataclass
class Outcome:
    """Filled by a look. `values`: columns of `storage.gaps.GapCheck` that it moves on."""

    complete: bool = True
    problem: str | None = None
    wait_until: float | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def note(self, kind: str, message: Text, **more: Any) -> None:
        """Add a finding."""
        self.findings.append({"kind": kind, "message": message.dump(), **more})

    def fail(self, error: CcbError, *, now: float) -> None:
        """Take in what stopped the look; at a rate limit also until when to wait."""
        self.complete = False
        self.problem = self.problem or told(error.error, error.message)
        if isinstance(error, Upstream) and error.retry_after is not None:
            self.wait_until = max(self.wait_until or 0.0, now + error.retry_after)


def told(error: str, message: Text) -> str:
    """Return a problem as it is stored."""
    return orjson.dumps({"error": error, "message": message.dump()}).decode()
