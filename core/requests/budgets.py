"""What may still be spent: on a request, by a person and by all in a month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from core.config import Settings
from core.context import Context
from core.errors import Unavailable
from core.generation.money import Budget, affordable, most, over, tightest
from core.requests.model import Asked, prices
from core.texts import T
from storage import requests as rows

SHORTEST_ANSWER = 4_000
"""Tokens: a package has rarely fewer, so a budget that covers no more is as good as spent."""
RESERVED_SECONDS = 3600.0
"""After how long a call of which nothing was heard is taken to be over: its process died."""
AGAIN_SECONDS = 30.0
"""After how long to look again whether calls under way have left something."""


async def of(ctx: Context, asked: Asked) -> list[Budget]:
    """Return the three budgets that a call for this request counts against."""
    return await ctx.db.read(_spent, asked, ctx.settings, ctx.clock.now())


async def reserve(ctx: Context, asked: Asked, counted: int) -> int:
    """Reserve what a call may cost that sends `counted` tokens; return how long its answer may be, in tokens.

    What calls under way may cost is left to them, so that many at once stay within a budget as one does. Raises
    `Conflict` when a budget is spent, `Unavailable` when what is left of it may be spent by those calls.
    """
    longest, costs = ctx.settings.claude_max_tokens, prices(ctx)

    def look(connection: sa.Connection) -> int:
        now = ctx.clock.now()
        rows.look_at_budgets(connection, asked.id, asked.row.version)
        budgets = _spent(connection, asked, ctx.settings, now)
        if affordable(counted, longest, tightest(budgets).left, costs) < SHORTEST_ANSWER:
            raise over(tightest(budgets))
        left = min(
            budget.left - rows.spent(connection, **kind, since=now - RESERVED_SECONDS, reserved=True)
            for budget, kind in zip(budgets, _kinds(asked), strict=True)
        )
        tokens = affordable(counted, longest, left, costs)
        if tokens < SHORTEST_ANSWER:
            raise Unavailable(
                T("Other requests at work may spend what is left of the budget. It goes on when they have answered."),
                retry_after=AGAIN_SECONDS,
            )
        rows.reserve(
            connection,
            {
                "request_id": asked.id, "version": asked.row.version, "at": now, "model": ctx.settings.claude_model,
                "cost": most(counted, tokens, costs), "person": asked.row.asked_by,
            },
        )  # fmt: skip
        return tokens

    return await ctx.db.write(look)


def month_of(now: float) -> float:
    """Return when the month of `now` began, in UTC."""
    return datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def _spent(connection: sa.Connection, asked: Asked, settings: Settings, now: float) -> list[Budget]:
    own, person, everybody = _kinds(asked)
    since = month_of(now)
    return [
        Budget(T("this request"), "CCB_BUDGET_REQUEST", settings.budget_request, rows.spent(connection, **own)),
        Budget(
            T("{name} this month", name=asked.row.asked_by), "CCB_BUDGET_PERSON", settings.budget_person,
            rows.spent(connection, **person, since=since),
        ),
        Budget(
            T("all requests this month"), "CCB_BUDGET_MONTH", settings.budget_month,
            rows.spent(connection, **everybody, since=since),
        ),
    ]  # fmt: skip


def _kinds(asked: Asked) -> list[Mapping[str, Any]]:
    """Return whose spending each budget is about."""
    return [{"request_id": asked.id}, {"person": asked.row.asked_by}, {}]
