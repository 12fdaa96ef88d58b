"""The action `log`: one line in the integration's own log."""

from __future__ import annotations

from typing import Literal

import orjson
from pydantic import Field, JsonValue, field_validator

from core.context import Context
from core.effects import ACTIONS, Action, ActionParams, Call, Outcome
from core.grants import Grants
from core.texts import T

MAX_FIELDS = 16 * 1024
"""Bytes of JSON that a line's fields may have."""


SHOWN = 80
"""Characters of the line that the trace shows."""


class LogParams(ActionParams):
    """What the line says."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    message: str = Field(max_length=4000)
    fields: dict[str, JsonValue] = Field(default_factory=dict, description="More to it, at most 16 KiB as JSON.")

    @field_validator("fields")
    @classmethod
    def _small(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if len(orjson.dumps(value)) > MAX_FIELDS:
            raise ValueError(f"must not be larger than {MAX_FIELDS} bytes as JSON")
        return value


class Log(Action[LogParams]):
    """Hands its line over as the outcome's answer, under `log`: the pipeline stores it with the ledger's result."""

    name = "log"
    summary = T("Write a line to the integration's log.")
    repeats = T("A line is written together with the ledger's result: exactly once.")
    params = LogParams

    def permit(self, params: LogParams, grants: Grants) -> None:
        """Every integration may write to its own log."""

    def target(self, params: LogParams) -> str:
        """Return the level."""
        return params.level

    async def run(self, ctx: Context, call: Call[LogParams]) -> Outcome:
        """Return the line; nothing is done before the pipeline stores it."""
        message = call.redact(call.params.message)
        shown = message if len(message) <= SHOWN else f"{message[: SHOWN - 1]}…"
        return Outcome(shown, {"log": call.params.model_dump()})


ACTIONS.add("log", Log())
