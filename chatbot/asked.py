"""What somebody asked in Slack, and what they are answered: the values that commands, buttons and modals work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from slack_sdk.web.async_client import AsyncWebClient

from chatbot.blocks import Block
from chatbot.late_answers import LateAnswer
from core.actors import Actor
from core.texts import Text

Place = Literal["asker", "channel", "thread", "pressed"]
"""Where an answer goes: to the asker alone, into the channel, into the thread, in place of the pressed message."""


@dataclass(frozen=True)
class Asked:
    """One command, press or submission. Ids of Slack's are as Slack gives them."""

    actor: Actor
    language: str
    slack: AsyncWebClient = field(repr=False)
    """With the bot's token; waits by itself at rate limits."""
    words: tuple[str, ...] = ()
    """What stands after the command's name."""
    value: str = ""
    """Of the pressed button or chosen option: ids alone."""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What was typed into a modal, by block id; a secret may be among it."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What the modal was opened with: ids alone."""
    channel: str | None = None
    thread: str | None = None
    """The `ts` of the message whose thread it is."""
    message: Mapping[str, Any] = field(default_factory=dict)
    """The message that was pressed, or that a shortcut was used on."""
    trigger: str | None = None
    """What opens a modal within three seconds; mentions and messages have none."""
    response_url: str | None = field(default=None, repr=False)
    view_id: str | None = None
    ephemeral: bool = False
    """Whether the pressed message is shown to the asker alone."""
    direct: bool = False
    """Whether it was said in a direct message."""
    left: list[LateAnswer] = field(default_factory=list, repr=False, compare=False)
    """Where answers go that a stop of the engine cuts short."""

    @property
    def user(self) -> str:
        """The asker's Slack id."""
        return self.actor.id

    def say(self, text: Text | str) -> str:
        """Return a text in the asker's language."""
        return text.render(self.language) if isinstance(text, Text) else text

    def again(self, *words: str) -> Asked:
        """Return the same as if these words had been typed after a command's name."""
        return replace(self, words=words)


@dataclass(frozen=True)
class Reply:
    """A message. `text` says all that matters by itself: notifications and screen readers have nothing else."""

    text: Text | str
    blocks: Sequence[Block] = ()
    to: Place = "asker"


@dataclass(frozen=True)
class Open:
    """A modal to open: the name of the view, and the ids that it is about."""

    view: str
    about: Mapping[str, Any] = field(default_factory=dict)
    button: Text | str = ""
    """Where nothing can be opened (a mention), the words on the button that opens it."""


Answer = Reply | Open | Sequence[Reply] | None
