"""`/ccb logs`: what an integration said, and what was refused at its door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatbot import blocks, picking
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from chatbot.dispatch import run_button
from core import log_lines, webhook_log
from core.context import Context
from core.errors import Invalid
from core.integrations import Installed
from core.log_lines import Line
from core.monitoring import LEVELS, LogLevel
from core.texts import TN, T, Text, revive
from storage.webhook_log import Rejection

SHOWN = 10
REFUSED = 3
_LONGEST = 300
_FIELDS = 200
_MARKS: Mapping[str, Text] = {
    "debug": T(":mag: debug"),
    "info": T(":information_source: info"),
    "warning": T(":warning: warning"),
    "error": T(":x: error"),
}


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show the newest lines of a level and above, and the last refused deliveries."""
    levels = [level for word in asked.words for level in LEVELS if word.lower().removeprefix("level=") == level]
    names = [word for word in asked.words if word.lower().removeprefix("level=") not in LEVELS]
    if not names:
        return await picking.integration(ctx, asked, "logs")
    if len(names) > 1:
        known = ", ".join(LEVELS)
        raise Invalid(T("{word} is not known here. There are: {known}.", word=names[1][:40], known=known))
    level: LogLevel = levels[0] if levels else "debug"
    one = await log_lines.find(ctx, names[0])
    lines = await log_lines.newest(ctx, one, level=level, limit=SHOWN, language=asked.language)
    refused: Sequence[Rejection] = []
    if isinstance(one, Installed):
        name, slug = one.name, one.slug
        refused = await webhook_log.entries(ctx, one.id, REFUSED)
    else:
        name, slug = one.row.title, one.row.slug or one.row.id
    return _reply(asked, name, slug, level, lines, refused)


def _reply(
    asked: Asked, name: str, slug: str, level: LogLevel, lines: Sequence[Line], refused: Sequence[Rejection]
) -> Reply:
    title = T("The log of {name}, the newest first", name=blocks.plain(name))
    if level != "debug":
        title = T("{title}: {which}", title=title, which=T("{level} and above", level=_MARKS[level]))
    said = [f"*{asked.say(title)}*"]
    shown = [blocks.section(said[0])]
    for number, line in enumerate(lines):
        said.append(_line(asked, line))
        trace = (
            run_button(asked, asked.say(T("Trace")), ("trace", line.event_id), at=str(number))
            if line.event_id
            else None
        )
        shown.append(blocks.section(said[-1], accessory=trace))
    if not lines:
        said.append(asked.say(T("There are no lines.")))
        shown.append(blocks.section(said[-1]))
    if refused:
        told = [f"*{asked.say(T('Refused at its door'))}*", *(_refused(asked, one) for one in refused)]
        said += told
        shown.append(blocks.section("\n".join(told)))
    shown.append(blocks.actions(_ways_on(asked, slug, level)))
    return Reply("\n".join(said), shown)


def _line(asked: Asked, line: Line) -> str:
    mark = asked.say(_MARKS.get(line.level, T("{level}", level=line.level)))
    fields = ", ".join(f"{name}={value}" for name, value in line.fields.items())
    rest = f"\n{blocks.code(blocks.cut(' '.join(fields.split()), _FIELDS))}" if fields else ""
    message = blocks.plain(blocks.cut(" ".join(line.message.split()), _LONGEST))
    return f"{mark} · {blocks.date(line.at, '{date_short_pretty} {time_secs}')}\n{message}{rest}"


def _refused(asked: Asked, one: Rejection) -> str:
    why = blocks.plain(blocks.cut(revive(one.detail, asked.language), _LONGEST))
    told = f"{one.status} · {blocks.date(one.at)} · {why}"
    if one.suppressed:
        more = TN("and {count} more of the kind", "and {count} more of the kind", one.suppressed)
        told += f" · {asked.say(more)}"
    return told


def _ways_on(asked: Asked, slug: str, level: LogLevel) -> list[blocks.Element]:
    made = []
    if level != "warning":
        only = asked.say(T("Warnings and errors only"))
        made.append(run_button(asked, only, ("logs", slug, "warning"), at="warning"))
    if level != "debug":
        made.append(run_button(asked, asked.say(T("Every line")), ("logs", slug), at="every"))
    made.append(run_button(asked, asked.say(T("Events")), ("events", slug), at="events"))
    made.append(run_button(asked, asked.say(T("Status")), ("status", slug), at="status"))
    return made


register(
    Command(
        name="logs",
        summary=T("Show what an integration's log says, and what was refused at its door"),
        run=show,
        permission="logs.read",
        usage="[integration] [debug | info | warning | error]",
        aliases=("log",),
        examples=("logs github-push-to-slack", "logs github-push-to-slack error"),
    )
)
