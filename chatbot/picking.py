"""Which one? What is asked when a command needs an id and was given none: the last five, with buttons."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot import blocks
from chatbot.asked import Asked, Reply
from chatbot.dispatch import run_button
from chatbot.states import event_state, state
from core import listing
from core.context import Context
from core.integrations import Installed
from core.texts import T, Text
from storage import event_list
from storage.event_list import Wanted
from storage.events import Event
from storage.integrations import OWN

SHOWN = 5


async def integration(ctx: Context, asked: Asked, command: str) -> Reply:
    """Return the newest integrations, each with a button that runs `command` with its slug."""
    newest, _ = await listing.newest(ctx, SHOWN)
    found = [one.installed for one in newest]
    if not found:
        said = T("There is no integration yet. Ask for one with `/ccb request`.")
        return Reply(said, [blocks.section(asked.say(said))])
    rows = [(f"*{blocks.plain(one.name)}* {blocks.code(one.slug)} · {asked.say(state(one.status))}", one.slug)
            for one in found]  # fmt: skip
    return _picked(asked, command, T("Which integration? These are the newest."), rows)


async def event(
    ctx: Context, asked: Asked, command: str, *, status: str | None = None, question: Text | None = None
) -> Reply:
    """Return the newest events (of that status), each with a button that runs `command` with its id."""
    found = await events(ctx, SHOWN, status=status)
    if not found:
        said = T("There is no such event. `/ccb list` shows the integrations and whether anything reached them.")
        return Reply(said, [blocks.section(asked.say(said))])
    return among(asked, command, question or T("Which event? These are the newest."), found)


def among(asked: Asked, command: str, question: Text, found: Sequence[Event]) -> Reply:
    """Return these events, each with a button that runs `command` with its id."""
    return _picked(asked, command, question, [(_event(asked, one), one.id) for one in found[:SHOWN]])


async def events(ctx: Context, most: int, *, status: str | None = None, of: Installed | None = None) -> Sequence[Event]:
    """Return the newest events, newest first."""
    wanted = Wanted(now=ctx.clock.now(), limit=most, status=status, integration_id=of.id if of else None)
    return (await ctx.db.read(event_list.page, wanted)).events


async def last(ctx: Context) -> Sequence[Event]:
    """Return the newest event, if there is one; the bot's own webhook is none of the team's integrations."""
    wanted = Wanted(now=ctx.clock.now(), limit=1, without=OWN)
    return (await ctx.db.read(event_list.page, wanted)).events


def _event(asked: Asked, one: Event) -> str:
    when = blocks.date(one.received_at)
    return f"{blocks.code(one.id)} {blocks.plain(one.type or '–')} · {asked.say(event_state(one.status))} · {when}"


def _picked(asked: Asked, command: str, question: Text, rows: Sequence[tuple[str, str]]) -> Reply:
    say = asked.say(T("Choose"))
    shown = [
        blocks.section(row, accessory=run_button(asked, say, (command, reference, *asked.words), at=str(number)))
        for number, (row, reference) in enumerate(rows)
    ]
    return Reply(question, [blocks.section(asked.say(question)), *shown])
