"""What requests have cost: by month, by person, by request, and what is left of the budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.context import Context
from core.requests.budgets import month_of
from storage import calls, spending

MONTHS = 6
SHOWN = 10


@dataclass(frozen=True)
class Spent:
    """USD spent on something, and of what limit; `reference`: a request's id."""

    name: str
    spent: float
    limit: float
    reference: str = ""
    calls: int = 0


@dataclass(frozen=True)
class Usage:
    """Money, in USD. `months`: when each began (seconds since the epoch, UTC) and what was spent, the newest first."""

    month: Spent
    months: Sequence[tuple[float, float]]
    people: Sequence[Spent]
    """Who spent this month, the most first."""
    requests: Sequence[Spent]
    """What cost most this month."""


async def usage(ctx: Context) -> Usage:
    """Return what was spent."""
    settings, ends, months = ctx.settings, None, []
    began = month_of(ctx.clock.now())
    this_month = began
    for _ in range(MONTHS):
        months.append((began, await ctx.db.read(_spent, since=began, before=ends)))
        ends, began = began, month_of(began - 1)
    people = await ctx.db.read(spending.by_person, since=this_month, limit=SHOWN)
    requests = await ctx.db.read(spending.by_request, since=this_month, limit=SHOWN)
    return Usage(
        month=Spent("", months[0][1], settings.budget_month),
        months=[months[0], *(month for month in months[1:] if month[1])],
        people=[Spent(name, spent, settings.budget_person) for name, spent in people],
        requests=[Spent(title, usd, settings.budget_request, one, count) for one, title, usd, count in requests],
    )


def _spent(connection: sa.Connection, *, since: float, before: float | None) -> float:
    return calls.spent(connection, since=since, before=before)
