"""What a button or menu of a message is. Each kind is one file in `chatbot/buttons`, found by being there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatbot.asked import Answer, Asked
from core.actors import Permission
from core.context import Context
from core.registry import Registry


@dataclass(frozen=True)
class Button:
    """What a press does. Its action ids are `name`, or `name:` and whatever tells two in one message apart."""

    name: str
    run: Callable[[Context, Asked], Awaitable[Answer]]
    permission: Permission | None


BUTTONS: Registry[Button] = Registry("button", "chatbot.buttons")


def register(button: Button) -> None:
    """Add a button."""
    BUTTONS.add(button.name, button)


def find(action_id: str) -> Button | None:
    """Return what an action id belongs to; a button with a link alone (`link:…`) belongs to nothing."""
    name = action_id.partition(":")[0]
    return BUTTONS.get(name) if name in BUTTONS else None
