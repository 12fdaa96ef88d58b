"""What a message shortcut is: registered by a file in `chatbot/shortcuts`, found by being there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatbot.asked import Answer, Asked
from core.actors import Permission
from core.context import Context
from core.registry import Registry
from core.texts import Text


@dataclass(frozen=True)
class Shortcut:
    """An entry of a message's menu; its name is the callback id. The message is `asked.message`."""

    name: str
    title: Text
    run: Callable[[Context, Asked], Awaitable[Answer]]
    permission: Permission | None


SHORTCUTS: Registry[Shortcut] = Registry("shortcut", "chatbot.shortcuts")


def register(shortcut: Shortcut) -> None:
    """Add a shortcut."""
    SHORTCUTS.add(shortcut.name, shortcut)
