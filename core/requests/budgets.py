"""What may still be spent: on a request, by a person and by all in a month."""

from __future__ import annotations

from datetime import UTC, datetime

from core.context import Context
from core.generation.money import Budget
from core.requests.model import Asked
from storage import requests as rows


async def of(ctx: Context, asked: Asked) -> list[Budget]:
    """Return the three budgets that a call for this request counts against."""
    settings, since = ctx.settings, month_of(ctx.clock.now())
    return [
        Budget(
            "this request", "CCB_BUDGET_REQUEST", settings.budget_request,
            await ctx.db.read(rows.spent, request_id=asked.id),
        ),
        Budget(
            f"{asked.row.asked_by} this month", "CCB_BUDGET_PERSON", settings.budget_person,
            await ctx.db.read(rows.spent, person=asked.row.asked_by, since=since),
        ),
        Budget(
            "all requests this month", "CCB_BUDGET_MONTH", settings.budget_month,
            await ctx.db.read(rows.spent, since=since),
        ),
    ]  # fmt: skip


def month_of(now: float) -> float:
    """Return when the month of `now` began, in UTC."""
    return datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
