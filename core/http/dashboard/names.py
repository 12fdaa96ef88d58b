"""What integrations are called, for lists to choose from."""

from __future__ import annotations

from core.alerting.subjects import ENGINE
from core.context import Context
from core.texts import T, Text
from storage import alert_values


async def names_of(ctx: Context) -> dict[str, Text | str]:
    """Return the name of the engine and of each integration, by id, in the order of their names."""
    known = await ctx.db.read(alert_values.integrations)
    ordered = sorted(known.values(), key=lambda one: (one.name.casefold(), one.id))
    return {ENGINE: T("The engine itself"), **{one.id: one.name for one in ordered}}
