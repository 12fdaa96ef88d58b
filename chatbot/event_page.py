"""A page of events: ten at most, each with a button that traces it, and a way to the next ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from chatbot import blocks
from chatbot.asked import Asked, Place, Reply
from chatbot.dispatch import run_button
from chatbot.states import event_state
from core import integrations
from core.context import Context
from core.errors import Invalid
from core.integrations import Installed
from core.texts import T, Text, revive
from storage import event_list
from storage.events import Event

SHOWN = 10
STATUSES = ("queued", "processing", "succeeded", "failed", "dead", "skipped", "discarded")
_LONGEST_CHOICE = 150
"""Characters of an option's value."""
_LONGEST_ERROR = 160


@dataclass(frozen=True)
class Filter:
    """Which events. `integration`: id or slug; `after`: the id of the last one of the page before."""

    integration: str | None = None
    status: str | None = None
    type: str | None = None
    after: str | None = None

    def words(self, **other: str | None) -> tuple[str, ...]:
        """Return what would be typed to ask for it, with `other` members in place of its own."""
        members = {name: getattr(self, name) for name in ("integration", "status", "type", "after")} | other
        named = (f"{name}={members[name]}" for name in ("status", "type", "after") if members[name])
        return (*([members["integration"]] if members["integration"] else []), *named)


def read(words: Sequence[str]) -> Filter:
    """Return what was typed: an integration, a status, a type, in any order or by name (`type=push`)."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if sign and value and name in ("integration", "status", "type", "after"):
            found[name] = value
        elif word.lower() in STATUSES:
            found["status"] = word.lower()
        elif "integration" not in found:
            found["integration"] = word
        else:
            found["type"] = word
    if found.get("status") not in (None, *STATUSES):
        raise Invalid(
            T("There is no status {status}. There are: {known}.", status=found["status"], known=", ".join(STATUSES)),
            path="status",
        )
    return Filter(**found)


async def page(ctx: Context, asked: Asked, wanted: Filter, *, to: Place = "asker") -> Reply:
    """Return a page of events, newest first."""
    of = await integrations.find(ctx, wanted.integration) if wanted.integration else None
    found = await ctx.db.read(
        event_list.page,
        event_list.Wanted(
            now=ctx.clock.now(),
            integration_id=of.id if of else None,
            status=wanted.status,
            type=wanted.type,
            after=wanted.after,
            limit=SHOWN,
        ),
    )
    title = asked.say(_title(of, wanted))
    shown, lines = [blocks.section(f"*{title}*")], [title]
    for number, event in enumerate(found.events):
        line = await _line(ctx, asked, event, named=of is None)
        lines.append(line)
        shown.append(
            blocks.section(
                line, accessory=run_button(asked, asked.say(T("Trace")), ("trace", event.id), at=f"{number}")
            )
        )
    if not found.events:
        lines.append(asked.say(_nothing(wanted, more=found.after is not None)))
        shown.append(blocks.section(lines[-1]))
    shown += _ways_on(asked, wanted, found.after)
    return Reply("\n".join(lines), shown, to=to)


def _title(of: Installed | None, wanted: Filter) -> Text | str:
    title: Text = (
        T("Events of {name}, the newest first", name=blocks.plain(of.name))
        if of is not None
        else T("Events, the newest first")
    )
    if wanted.status is None and wanted.type is None:
        return title
    kinds = [event_state(wanted.status)] if wanted.status else []
    types = [blocks.code(blocks.cut(wanted.type, 100))] if wanted.type else []
    both: Text = (
        T("{first} · {second}", first=kinds[0], second=types[0])
        if kinds and types
        else T("{status}", status=[*kinds, *types][0])
    )
    return T("{title}: {which}", title=title, which=both)


async def _line(ctx: Context, asked: Asked, event: Event, *, named: bool) -> str:
    parts = [asked.say(event_state(event.status)), f"*{blocks.plain(blocks.cut(event.type or '–', 100))}*"]
    if named:
        parts.append(blocks.code((await integrations.find(ctx, event.integration_id)).slug))
    parts.append(blocks.date(event.received_at))
    lines = [" · ".join(parts), blocks.code(event.id)]
    if event.error and event.status in ("failed", "dead", "discarded"):
        message = " ".join(revive(orjson.loads(event.error)["message"], asked.language).split())
        lines.append(f"_{blocks.plain(blocks.cut(message, _LONGEST_ERROR)).replace('_', ' ')}_")
    return "\n".join(lines)


def _nothing(wanted: Filter, *, more: bool) -> Text:
    if more:
        return T("None among the next 20,000. The button looks further.")
    if wanted.after is not None:
        return T("There are no more.")
    if wanted.status is None and wanted.type is None:
        return T("Nothing has arrived yet. `ccb send <integration>` in a terminal sends a signed sample event.")
    return T("There are none such.")


def _ways_on(asked: Asked, wanted: Filter, after: str | None) -> list[blocks.Block]:
    elements: list[blocks.Element] = []
    if after is not None:
        value = "\n".join(wanted.words(after=after))
        elements.append(blocks.button(asked.say(T("Show the next ten")), "events:next", value[: blocks.MOST_VALUE]))
    choices = [("\n".join(wanted.words(status=None, after=None)), T("every status"))]
    choices += [("\n".join(wanted.words(status=one, after=None)), event_state(one)) for one in STATUSES]
    choices[0] = (choices[0][0] or "status=", choices[0][1])
    if all(len(value) <= _LONGEST_CHOICE for value, _ in choices):
        options = [blocks.option(asked.say(said), value) for value, said in choices]
        elements.append(blocks.select(asked.say(T("Show only…")), "events:status", options))
    if wanted.integration is not None:
        elements.append(run_button(asked, asked.say(T("Status")), ("status", wanted.integration), at="status"))
    return [blocks.actions(elements)] if elements else []
