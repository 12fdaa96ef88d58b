"""`/ccb usage`: what Claude has cost, and what is left."""

from __future__ import annotations

from datetime import UTC, datetime

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from chatbot.dispatch import run_button
from core.context import Context
from core.generation.money import dollars
from core.requests import usage
from core.requests.usage import Spent, Usage
from core.texts import TN, T, Text


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show what was spent: by month, by person, by request; and what is left of each budget."""
    found = await usage.usage(ctx)
    said = asked.say(_total(found))
    parts = [("", [said])]
    parts.append((asked.say(T("By month")), [_month(asked, began, spent) for began, spent in found.months]))
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
        "Claude has cost {spent} of {limit} this month; {left} are left.",
        spent=dollars(spent), limit=dollars(limit), left=dollars(max(0.0, limit - spent)),
    )  # fmt: skip


def _month(asked: Asked, began: float, spent: float) -> str:
    return f"{datetime.fromtimestamp(began, UTC):%Y-%m}: {asked.say(dollars(spent))}"


def _person(asked: Asked, one: Spent) -> str:
    left = T("{left} are left of {limit}", left=dollars(max(0.0, one.limit - one.spent)), limit=dollars(one.limit))
    return f"{blocks.plain(one.name)}: {asked.say(dollars(one.spent))} · {asked.say(left)}"


def _request(asked: Asked, one: Spent) -> str:
    calls = asked.say(TN("{count} call", "{count} calls", one.calls))
    return f"{blocks.plain(one.name)} {blocks.code(one.reference)}: {asked.say(dollars(one.spent))} · {calls}"


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
