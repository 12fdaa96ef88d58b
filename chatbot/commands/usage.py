"""`/ccb usage`: what Claude has cost, and what is left."""

from __future__ import annotations

from datetime import UTC, datetime

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from chatbot.dispatch import run_button
from core.context import Context
from core.requests import usage
from core.requests.usage import Spent, Usage
from core.texts import TN, T, Text


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show what was spent: by month, by person, by request; and what is left of each budget."""
    found = await usage.usage(ctx)
    said = asked.say(_total(found))
    parts = [("", [said])]
    parts.append((asked.say(T("By month")), [_month(began, spent) for began, spent in found.months]))
    parts.append((asked.say(T("By person, this month")), [_person(asked, one) for one in found.people]))
    parts.append((asked.say(T("By request, this month")), [_request(asked, one) for one in found.requests]))
    lines = ["\n".join([*([f"*{title}*"] if title else []), *rows]) for title, rows in parts if rows]
    note = asked.say(
        T("The budgets are {settings}; a month is one of UTC.",
          settings=", ".join(map(blocks.code, ("CCB_BUDGET_REQUEST", "CCB_BUDGET_PERSON", "CCB_BUDGET_MONTH"))))
    )  # fmt: skip
    again = run_button(asked, asked.say(T("Look again")), ("usage",), at="again")
    return Reply("\n".join(lines), [*map(blocks.section, lines), blocks.context(note), blocks.actions([again])])


def _total(found: Usage) -> Text:
    spent, limit = found.month.spent, found.month.limit
    return T(
        "Claude has cost {spent} of {limit} USD this month; {left} USD are left.",
        spent=_usd(spent), limit=_usd(limit), left=_usd(max(0.0, limit - spent)),
    )  # fmt: skip


def _month(began: float, spent: float) -> str:
    return f"{datetime.fromtimestamp(began, UTC):%Y-%m}: {_usd(spent)} USD"


def _person(asked: Asked, one: Spent) -> str:
    left = asked.say(T("{left} USD are left of {limit}", left=_usd(max(0.0, one.limit - one.spent)),
                       limit=_usd(one.limit)))  # fmt: skip
    return f"{blocks.plain(one.name)}: {_usd(one.spent)} USD · {left}"


def _request(asked: Asked, one: Spent) -> str:
    rounds = asked.say(TN("{count} round", "{count} rounds", one.rounds))
    return f"{blocks.plain(one.name)} {blocks.code(one.reference)}: {_usd(one.spent)} USD · {rounds}"


def _usd(amount: float) -> str:
    return f"{amount:.2f}"


register(
    Command(
        name="usage",
        summary=T("Show what Claude has cost, by month, person and request, and what is left of the budgets"),
        run=show,
        permission="integrations.read",
        aliases=("cost", "budget", "spending"),
        examples=("usage",),
    )
)
