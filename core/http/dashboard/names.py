"""What integrations and the engine's own conditions are called by those who read pages."""

from __future__ import annotations

from typing import TypeVar

from core.alerting.engine_words import spoken
from core.alerting.subjects import ENGINE
from core.context import Context
from core.http.alert_list import AlertOut
from core.http.alert_states import StandingOut
from core.texts import T, Text
from storage import alert_values

Out = TypeVar("Out", AlertOut, StandingOut)


async def names_of(ctx: Context) -> dict[str, Text | str]:
    """Return the name of the engine and of each integration, by id, in the order of their names."""
    known = await ctx.db.read(alert_values.integrations)
    ordered = sorted(known.values(), key=lambda one: (one.name.casefold(), one.id))
    return {ENGINE: T("The engine itself"), **{one.id: one.name for one in ordered}}


def worded(one: Out, language: str) -> Out:
    """Return it with the words of the engine in the reader's language; rules have those of people."""
    if one.integration_id != ENGINE:
        return one
    told = {name: spoken(getattr(one, name)).render(language) for name in ("name", "condition")}
    return one.model_copy(update=told)
