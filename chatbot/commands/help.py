"""`/ccb help`: what there is, with buttons."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import COMMANDS, Command, find, register
from chatbot.dispatch import run_button, unknown
from core.context import Context
from core.texts import T

FIRST = ("request", "list", "status", "health", "events")
"""The commands that get a button."""


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show every command, or one with its examples."""
    if asked.words:
        one = find(asked.words[0])
        return _one(asked, one) if one is not None else await unknown(asked, asked.words[0])
    said = T("What I can do")
    lines = [f"{blocks.code(_usage(one))} — {asked.say(one.summary)}" for one in COMMANDS]
    chunks = ["\n".join(lines[start : start + 10]) for start in range(0, len(lines), 10)]
    buttons = [run_button(asked, f"/ccb {name}", (name,), at=name) for name in FIRST if find(name) is not None]
    return Reply(
        "\n".join([asked.say(said), *lines]),
        [
            blocks.header(asked.say(said)),
            *map(blocks.section, chunks),
            blocks.actions(buttons),
            blocks.context(
                asked.say(
                    T("In threads slash commands do not work: mention me there. {more} shows examples.",
                      more="`/ccb help trace`" if find("trace") else "`/ccb help status`")
                )
            ),
        ],
    )  # fmt: skip


def _one(asked: Asked, one: Command) -> Reply:
    parts = [f"*{blocks.code(_usage(one))}*", asked.say(one.summary)]
    if one.aliases:
        parts.append(asked.say(T("Also: {names}", names=", ".join(map(blocks.code, one.aliases)))))
    if one.examples:
        examples = "\n".join(blocks.code(f"/ccb {line}") for line in one.examples)
        parts.append(asked.say(T("For example:")) + "\n" + examples)
    return Reply("\n".join(parts), [blocks.section("\n".join(parts))])


def _usage(one: Command) -> str:
    return f"/ccb {one.name} {one.usage}".rstrip()


register(
    Command(
        name="help",
        summary=T("Show every command, or one with examples"),
        run=show,
        permission=None,
        usage="[command]",
        aliases=("?", "man"),
        examples=("help", "help status"),
    )
)
