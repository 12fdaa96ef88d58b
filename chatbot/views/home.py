"""The App Home: how the engine and the integrations are, one's own requests, and what can be done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chatbot import alert_list, blocks, opening
from chatbot.asked import Asked, Open
from chatbot.command import find
from chatbot.dispatch import run_button
from chatbot.states import health as in_words
from chatbot.states import state
from chatbot.view import HOME, Built, View, register
from core import health, listing, status
from core.context import Context
from core.requests import service
from core.requests.comment import headline
from core.requests.model import Asked as Requested
from core.status import Report
from core.texts import TN, T

SHOWN = 10
REQUESTS = 5
_COMMANDS = ("status", "list", "health", "usage", "help")
Section = Callable[[Context, Asked], Awaitable[list[blocks.Block]]]


async def build(ctx: Context, asked: Asked) -> Built:
    """Return every section, in the order of `SECTIONS`."""
    parts = [await section(ctx, asked) for section in SECTIONS]
    return [block for part in parts if part for block in (*part, blocks.divider())][:-1]


async def _head(ctx: Context, asked: Asked) -> list[blocks.Block]:
    found = await health.report(ctx)
    said = asked.say(T("The engine: {state}", state=in_words(found.status)))
    ask = opening.button(asked.say(T("Ask for an integration")), Open("request"), primary=True, at="request")
    buttons = [run_button(asked, f"/ccb {name}", (name,), at=name) for name in _COMMANDS if find(name) is not None]
    first = [ask] if asked.actor.may("integrations.write") else []
    return [blocks.section(f"*{said}*"), blocks.actions([*first, *buttons])]


async def _requests(ctx: Context, asked: Asked) -> list[blocks.Block]:
    found = await service.of_asker(ctx, asked.user, limit=REQUESTS)
    head = blocks.header(asked.say(T("My requests")))
    if not found:
        said = T("You have asked for nothing yet. `/ccb request` asks for an integration.")
        return [head, blocks.section(asked.say(said))]
    return [head, *(_request(asked, one, str(number)) for number, one in enumerate(found))]


def _request(asked: Asked, one: Requested, at: str) -> blocks.Block:
    said = f"*{blocks.plain(one.row.title)}* {blocks.code(one.id)}\n_{asked.say(headline(one))}_"
    said += f" · {blocks.date(one.row.updated_at)}"
    how = asked.say(T("Details"))
    if one.row.pull_url and one.row.pull_state == "open":
        said += f" · {blocks.link(one.row.pull_url, f'#{one.row.pull}')}"
    return blocks.section(said, accessory=run_button(asked, how, ("status", one.id), at=f"request{at}"))


async def _integrations(ctx: Context, asked: Asked) -> list[blocks.Block]:
    newest, count = await listing.newest(ctx, 2 * SHOWN)
    reports = await asyncio.gather(*(status.report(ctx, one.installed) for one in newest))
    worst = sorted(reports, key=lambda report: (report.healthy, not report.problems))
    head = blocks.header(asked.say(T("Integrations")))
    if not worst:
        return [head, blocks.section(asked.say(T("There is none yet.")))]
    rows = [_integration(asked, report, str(number)) for number, report in enumerate(worst[:SHOWN])]
    said = asked.say(TN("{count} integration", "{count} integrations", count))
    return [head, *rows, blocks.context(said)]


def _integration(asked: Asked, report: Report, at: str) -> blocks.Block:
    installed = report.installed
    head = f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)} · {asked.say(state(installed.status))}"
    said = f"{head}\n{blocks.plain(asked.say(report.summary))}"
    how = run_button(asked, asked.say(T("Details")), ("status", installed.slug), at=f"integration{at}")
    return blocks.section(said, accessory=how)


SECTIONS: tuple[Section, ...] = (_head, alert_list.section, _requests, _integrations)
"""What the Home shows, from the top. Each gives its blocks, at most thirty; an empty one is left out."""

register(View(name=HOME, title=T("Home"), build=build, permission="integrations.read"))
