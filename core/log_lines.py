"""An integration's own log for whoever asks; of a request, the steps on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core import listing
from core.context import Context
from core.integrations import Installed
from core.monitoring import LEVELS, LogLevel
from core.requests import service as requests
from core.requests.model import Asked
from core.texts import revive
from storage import logs as rows


@dataclass(frozen=True)
class Line:
    """One line, in the reader's language. `at`: seconds since the epoch; `event_id`: the event that it is about."""

    at: float
    level: str
    message: str
    fields: dict[str, Any]
    event_id: str | None


async def newest(ctx: Context, one: Installed | Asked, *, level: LogLevel, limit: int, language: str) -> Sequence[Line]:
    """Return the lines of `level` and above, newest first."""
    levels = LEVELS[LEVELS.index(level) :]
    if isinstance(one, Asked):
        steps = await requests.log(ctx, one, levels=levels, limit=limit)
        return [
            Line(
                step.at,
                step.level,
                revive(step.message, language),
                {"step": step.step, **orjson.loads(step.fields)},
                None,
            )
            for step in reversed(steps)
        ]
    return [
        Line(
            line.at,
            line.level,
            line.message if line.text is None else revive(line.text, language),
            orjson.loads(line.fields),
            line.event_id,
        )
        for line in await ctx.db.read(rows.newest, one.id, levels=levels, limit=limit)
    ]


async def find(ctx: Context, reference: str) -> Installed | Asked:
    """Return whose log it is; raise `NotFound`."""
    return await listing.find(ctx, reference)
