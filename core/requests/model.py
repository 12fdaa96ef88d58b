"""A request as the stages see it, and what a stage gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from core.context import Context
from core.errors import CcbError
from core.generation.money import Prices
from core.texts import Text
from storage.requests import IntegrationRequest

Status = Literal["requested", "generating", "inactive", "failed", "installed"]
Stage = Literal["", "check", "write", "verify", "publish", "install"]
Level = Literal["info", "warning", "error"]

MARKER = "request"
"""What the sticky comment's hidden marker begins with."""


@dataclass(frozen=True)
class Asked:
    """A request, parsed."""

    row: IntegrationRequest
    fields: Mapping[str, str]
    wishes: tuple[str, ...]
    """What reviewers asked for."""
    error_details: Mapping[str, Any] | None
    heard: frozenset[str] = frozenset()
    """The reviews and remarks that the wishes came from."""

    @property
    def id(self) -> str:
        """Its id, which is that of the integration to be."""
        return self.row.id

    @property
    def branch(self) -> str:
        """The branch that its package is published on."""
        return self.row.branch or f"ccb/{self.row.slug}"


def parsed(row: IntegrationRequest) -> Asked:
    """Return what a row says."""
    return Asked(
        row=row,
        fields=orjson.loads(row.fields),
        wishes=tuple(orjson.loads(row.wishes)),
        error_details=orjson.loads(row.error_details) if row.error_details else None,
        heard=frozenset(orjson.loads(row.heard)),
    )


@dataclass(frozen=True)
class Line:
    """A line for the request's log."""

    step: str
    message: Text
    level: Level = "info"
    fields: Mapping[str, Any] = field(default_factory=dict)

    def row(self, at: float) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "at": at,
            "level": self.level,
            "step": self.step,
            "message": self.message.dump(),
            "fields": orjson.dumps(self.fields).decode(),
        }


@dataclass(frozen=True)
class Next:
    """What a stage has come to. `stage`: the next one, at once, or at `run_at`; an empty one waits for somebody."""

    status: Status
    stage: Stage
    lines: tuple[Line, ...] = ()
    run_at: float | None = None
    error_details: Mapping[str, Any] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    round_: Mapping[str, Any] | None = None


def details_of(error: CcbError) -> dict[str, Any]:
    """Return an error as a request's row keeps it; its message stays readable in any language."""
    return {"error": error.error, "message": error.message.dump(), **error.details}


def prices(ctx: Context) -> Prices:
    """Return the prices of the settings."""
    return Prices(*ctx.settings.claude_prices)
