"""The PNG of a chart, for Slack and e-mail: drawn in a process of its own, so that the engine never waits for it."""

from __future__ import annotations

from typing import Any

import orjson

from core.aside import AsideError
from core.context import Context
from core.errors import Unavailable
from core.texts import T

MODULE = "core.aside.draw"
SECONDS = 20.0
"""A first picture takes two seconds on a slow machine; one that takes ten times as long will not come."""


async def png(ctx: Context, spec: dict[str, Any]) -> bytes:
    """Return the picture of `spec`; raise `Unavailable` where it cannot be drawn now."""
    try:
        return await ctx.aside.ask(MODULE, orjson.dumps(spec), timeout=SECONDS)
    except AsideError as error:
        raise Unavailable(_WHY[error.why], retry_after=10) from None


_WHY = {
    "busy": T("Too many charts are being drawn. Ask again in a moment."),
    "late": T("The chart took too long to draw. Ask again, or for a shorter time."),
    "broken": T("The chart could not be drawn. The same numbers are in chart.json."),
}
