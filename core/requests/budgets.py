"""What may still be spent: on a request, by a person and by all in a month; and what each call has cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from core.config import Settings
from core.context import Context
from core.errors import CcbError, Unavailable
from core.generation.money import Budget, Heard, Usage, affordable, cost, dollars, most, over, tightest
from core.ids import new_id
from core.requests.model import Asked, Line, prices
from core.texts import T, Text
from storage import calls, request_messages, spending
from storage import requests as rows

SHORTEST_ANSWER = 4_000
"""Tokens: a package has rarely fewer, so a budget that covers no more is as good as spent."""
RESERVED_SECONDS = 3600.0
"""After how long a call of which nothing was heard is taken to be over: its process died. Its input counts then."""
AGAIN_SECONDS = 30.0
"""After how long to look again whether calls under way have left something."""


@dataclass(frozen=True)
class Paid:
    """A call that is about to be made: how many tokens its answer may have, and what is heard of it.

    `input`: what it sends, as counted before.
    """

    id: str
    longest: int
    input: Usage
    heard: Heard = field(default_factory=Heard)


async def of(ctx: Context, asked: Asked) -> list[Budget]:
    """Return the three budgets that a call for this request counts against."""
    return await ctx.db.read(_spent, asked, ctx.settings, ctx.clock.now())


async def estimated(ctx: Context, asked: Asked) -> float:
    """Return how many of the USD that a request has cost are an estimate: of answers that were cut short."""
    return await ctx.db.read(lambda connection: calls.spent(connection, request_id=asked.id, estimated=True))


async def cost_of(ctx: Context, asked: Asked) -> Text:
    """Return what a request has cost, as people read it."""
    whole = await ctx.db.read(lambda connection: calls.spent(connection, request_id=asked.id))
    return dollars(whole, estimated=await estimated(ctx, asked) > 0)


@asynccontextmanager
async def paying(ctx: Context, asked: Asked, counted: int) -> AsyncIterator[Paid]:
    """Reserve what a call may cost that sends `counted` tokens; however it ends, what it has cost is kept.

    It is kept at once and by itself, so also when the request has meanwhile moved on or its lease is lost. What calls
    under way may cost is left to them, so that many at once stay within a budget as one does. Raises `Conflict` when a
    budget is spent, `Unavailable` when what is left of it may be spent by those calls.
    """
    paid = await ctx.db.write(_reserve, ctx, asked, counted)
    try:
        yield paid
    except CcbError:  # refused, where nothing was heard: that is not paid
        await _settle(ctx, asked, paid.id, paid.heard)
        raise
    except BaseException:  # such as the engine's stop: Claude has begun, and its work has its price
        await _settle(ctx, asked, paid.id, paid.heard if paid.heard.usage else Heard(paid.input, estimated=True))
        raise
    await _settle(ctx, asked, paid.id, paid.heard)


async def _settle(ctx: Context, asked: Asked, call_id: str, heard: Heard) -> None:
    spent = cost(heard.usage, prices(ctx)) if heard.usage else 0.0

    def write(connection: sa.Connection) -> None:
        calls.settle(connection, call_id, cost=spent, estimated=heard.estimated)
        if heard.usage and heard.estimated:
            told = T("An answer of Claude was cut short. It has cost {cost}.", cost=dollars(spent, estimated=True))
            fields = {"cost_usd": round(spent, 4), "estimated": True, **heard.usage.tokens()}
            rows.note(connection, asked.id, Line("write", told, "warning", fields).row(ctx.clock.now()))

    await ctx.db.write(write)


def _reserve(connection: sa.Connection, ctx: Context, asked: Asked, counted: int) -> Paid:
    now, longest, costs = ctx.clock.now(), ctx.settings.claude_max_tokens, prices(ctx)
    calls.look_at_budgets(connection, asked.id, asked.row.version, dead=now - RESERVED_SECONDS)
    budgets, kinds = _spent(connection, asked, ctx.settings, now), _kinds(connection, asked)
    if affordable(counted, longest, tightest(budgets).left, costs) < SHORTEST_ANSWER:
        raise over(tightest(budgets))
    left = min(budget.left - calls.reserved(connection, **kind) for budget, kind in zip(budgets, kinds, strict=True))
    tokens = affordable(counted, longest, left, costs)
    if tokens < SHORTEST_ANSWER:
        raise Unavailable(
            T("Other requests at work may spend what is left of the budget. It goes on when they have answered."),
            retry_after=AGAIN_SECONDS,
        )
    paid = Paid(new_id("call"), tokens, Usage(input=counted))
    row = {
        "id": paid.id, "request_id": asked.id, "version": asked.row.version, "at": now,
        "person": _person(connection, asked), "cost": most(counted, tokens, costs),
        "input_cost": cost(paid.input, costs),
    }  # fmt: skip
    calls.reserve(connection, row)
    return paid


def month_of(now: float) -> float:
    """Return when the month of `now` began, in UTC."""
    return datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def _spent(connection: sa.Connection, asked: Asked, settings: Settings, now: float) -> list[Budget]:
    own, person, everybody = _kinds(connection, asked)
    since = month_of(now)
    return [
        Budget(
            T("this request"), "CCB_BUDGET_REQUEST", settings.budget_request, calls.spent(connection, **own),
            monthly=False,
        ),
        Budget(
            T("{name} this month", name=asked.row.asked_by), "CCB_BUDGET_PERSON", settings.budget_person,
            calls.spent(connection, **person, since=since),
        ),
        Budget(
            T("all requests this month"), "CCB_BUDGET_MONTH", settings.budget_month,
            calls.spent(connection, **everybody, since=since),
        ),
    ]  # fmt: skip


def _kinds(connection: sa.Connection, asked: Asked) -> list[Mapping[str, Any]]:
    """Return whose spending each budget is about."""
    return [{"request_id": asked.id}, {"person": _person(connection, asked)}, {}]


def _person(connection: sa.Connection, asked: Asked) -> str:
    """Return whose budget it is: in Slack by the user's id, for two may have one name, and one may take another."""
    message = request_messages.of(connection, asked.id)
    return spending.in_slack(message.asker) if message is not None else asked.row.asked_by
