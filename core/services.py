"""The outside services that the engine can be connected to: what configures each, and how to ask it who we are.

`ccb serve` lists them, `ccb init` checks a token with them, `/health` reports them. Each registers itself where its
client lives (`core.github`, `core.generation`, `core.mail`, and Slack through chatbot's door).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.config import Settings
from core.texts import Text


@dataclass(frozen=True)
class Service:
    """One service.

    `required`: the settings (environment variables) that it needs, in the order in which `ccb init` asks; `optional`:
    more that it can take. `check` asks the service itself with those settings and returns, in a few words, who we are
    there (`@ccb in Acme`); it raises `Upstream` that says what is wrong and what to do.
    """

    name: str
    title: str
    required: tuple[str, ...]
    check: Callable[[Settings], Awaitable[Text]]
    optional: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, ...], ...] = ()
    """Other sets of settings, each of which is enough in place of `required`."""

    def configured(self, settings: Settings) -> bool:
        """Say whether its settings are there (not whether they are right)."""
        present = settings.present()
        return any(all(name in present for name in names) for names in (self.required, *self.alternatives))


@dataclass(frozen=True)
class Entry:
    """Something that a door lets people type or choose: a word after its command, an entry of a message's menu."""

    name: str
    summary: Text
    usage: str = ""
    """What stands after the word."""


SERVICES: dict[str, Service] = {}


def register(service: Service) -> None:
    """Add `service`; called once by the module that holds its client."""
    SERVICES[service.name] = service
