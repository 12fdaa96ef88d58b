"""An integration's monitoring settings: what is counted and kept of it, and for how long."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from core.texts import T

LogLevel = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")

MINUTES_KEPT = 8 * 86400.0
"""Seconds for which metrics are kept by the minute: a week, and the day before it that averages may reach back to."""
HOURS_KEPT = 92 * 86400.0
"""Seconds for which they are kept by the hour: a quarter. By the day they are kept for all of their retention."""

_RETENTION = r"^[1-9][0-9]{0,5}[mhd]$"


def _whole_minutes(value: str) -> str:
    if not re.fullmatch(_RETENTION, value, re.ASCII):
        raise ValueError(T("takes a whole number and m, h or d, such as 30d; at least 1m"))
    return value


Retention = Annotated[str, AfterValidator(_whole_minutes), WithJsonSchema({"type": "string", "pattern": _RETENTION})]
"""A duration of a minute or more, such as `30d`."""


class Monitoring(BaseModel):
    """What the guide's `monitoring` holds, and what we add to it. Durations such as `30d`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    metrics_enabled: bool = Field(True, description="Count its events.")
    metrics_retention: Retention = Field("30d", description="How long its metrics are kept.")
    logging_level: LogLevel = Field(
        "info", description="The least level of lines that its log takes; debug: also what its handler prints."
    )
    logs_retention: Retention = Field("30d", description="How long its log, and that of refused deliveries, is kept.")
    events_retention: Retention | None = Field(
        None, description="How long events are kept after their end, with their bodies and steps; null: for ever."
    )
    gap_healing: bool = Field(
        False, description="Look every few minutes for events that never arrived, and ask for them again."
    )

    def takes(self, level: LogLevel) -> bool:
        """Say whether a line of this level is kept."""
        return LEVELS.index(level) >= LEVELS.index(self.logging_level)
