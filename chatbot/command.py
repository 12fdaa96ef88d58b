"""What a command is. Each is one file in `chatbot/commands`, found by being there."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatbot.asked import Answer, Asked
from core.actors import Permission
from core.context import Context
from core.registry import Registry
from core.texts import Text

Run = Callable[[Context, Asked], Awaitable[Answer]]


@dataclass(frozen=True)
class Command:
    """One word after `/ccb`. `permission`: what the asker needs; None: everybody may.

    `usage`: what stands after the name, such as `[integration]`. `examples`: whole lines without `/ccb`.
    """

    name: str
    summary: Text
    run: Run
    permission: Permission | None
    usage: str = ""
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


COMMANDS: Registry[Command] = Registry("command", "chatbot.commands")


def register(command: Command) -> None:
    """Add a command."""
    COMMANDS.add(command.name, command)


def find(word: str) -> Command | None:
    """Return the command with this name or alias."""
    wanted = word.lower()
    return next((one for one in COMMANDS if wanted == one.name or wanted in one.aliases), None)


def meant(word: str) -> list[Command]:
    """Return the commands that a mistyped word may mean, the likeliest first."""
    known = {name: one for one in COMMANDS for name in (one.name, *one.aliases)}
    close = difflib.get_close_matches(word.lower(), known, n=3, cutoff=0.6)
    return list({known[name].name: known[name] for name in close}.values())
