"""What a modal or the App Home is. Each is one file in `chatbot/views`, found by being there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chatbot import blocks
from chatbot.asked import Answer, Asked
from core.actors import Permission
from core.context import Context
from core.registry import Registry
from core.texts import T, Text

HOME = "home"
"""The view that is the App Home: its `build` gives the blocks, it has no submission."""

SAVE = T("Save")
Built = Sequence[blocks.Block]
Problems = Mapping[str, Text]
"""What is wrong with what was typed, by block id."""


@dataclass(frozen=True)
class View:
    """A modal. Its name is the callback id.

    `build` returns the blocks for `asked.about`; it may be slow (a loading view is shown meanwhile). `check` looks at
    `asked.values` before the modal closes: quickly, for Slack waits three seconds at most; what it returns is shown at
    the fields. An `Invalid` whose `path` is a block's id does the same. `submit` does the work once it has closed.
    """

    name: str
    title: Text
    build: Callable[[Context, Asked], Awaitable[Built]]
    permission: Permission | None
    submit: Callable[[Context, Asked], Awaitable[Answer]] | None = None
    check: Callable[[Context, Asked], Awaitable[Problems]] | None = None
    button: Text = SAVE


VIEWS: Registry[View] = Registry("view", "chatbot.views")


def register(view: View) -> None:
    """Add a view."""
    VIEWS.add(view.name, view)


def modal(view: View, asked: Asked, built: Built | None) -> dict[str, Any]:
    """Return the modal as Slack takes it; without blocks it says that it loads."""
    loading = [blocks.section(asked.say(T(":hourglass_flowing_sand: Loading…")))]
    where = {"channel": asked.channel, "thread": asked.thread, "about": dict(asked.about)}
    made: dict[str, Any] = {
        "type": "modal",
        "callback_id": view.name,
        "title": blocks.modal_title(asked.say(view.title)),
        "close": blocks.modal_title(asked.say(T("Close"))),
        "private_metadata": orjson.dumps(where).decode(),
        "blocks": loading
        if built is None
        else blocks.fitting(built, more=asked.say(T("There is more than fits here.")), most=blocks.MOST_VIEW_BLOCKS),
    }
    if view.submit is not None and built is not None:
        made["submit"] = blocks.modal_title(asked.say(view.button))
    return made


def typed(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a modal's fields hold, by block id: a text, a value, a list of values, or None."""
    return {block: _value(next(iter(found.values()), {})) for block, found in state.items()}


def _value(held: Mapping[str, Any]) -> Any:
    for key in ("value", "selected_conversation", "selected_channel", "selected_user", "selected_date",
                "selected_time", "selected_conversations", "selected_channels", "selected_users"):  # fmt: skip
        if key in held:
            return held[key]
    if "selected_options" in held:
        return [one["value"] for one in held["selected_options"]]
    return (held.get("selected_option") or {}).get("value")
