"""An integration's monitoring settings: what is counted and kept of it, and for how long."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core import durations
from core.errors import Invalid

LogLevel = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")
SHORTEST_RETENTION = 60.0
LONGEST_RETENTION = 3650 * 86400.0
"""Bounds of a retention in seconds: a minute, ten years."""


class Monitoring(BaseModel):
    """What the guide's `monitoring` holds, and what we add to it. Durations such as `30d`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    metrics_enabled: bool = Field(True, description="Count its events.")
    metrics_retention: str = Field("30d", description="How long its metrics are kept.")
    logging_level: LogLevel = Field(
        "info", description="The least level of lines that its log takes; debug: also what its handler prints."
    )
    logs_retention: str = Field("30d", description="How long its log, and that of refused deliveries, is kept.")
    events_retention: str | None = Field(
        None, description="How long events are kept after their end, with their bodies and steps; null: for ever."
    )
    gap_healing: bool = Field(
        False, description="Look every few minutes for events that never arrived, and ask for them again."
    )

    @field_validator("metrics_retention", "logs_retention", "events_retention")
    @classmethod
    def _retention(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            seconds = durations.parse(value)
        except Invalid as error:
            raise ValueError(str(error)) from None
        if not SHORTEST_RETENTION <= seconds <= LONGEST_RETENTION:
            raise ValueError("must be between 60s and 3650d")
        return value

    def takes(self, level: LogLevel) -> bool:
        """Say whether a line of this level is kept."""
        return LEVELS.index(level) >= LEVELS.index(self.logging_level)
