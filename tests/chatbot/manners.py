"""What holds for everything that is shown in Slack, whichever command shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.demo.stand_ins.slack import BOT, SlackStandIn, words

_SHORTCODE = re.compile(r":[a-z0-9_+'-]+:")
_REST = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) (?:/v1|…/)")
_CAPTIONED = ("section", "header", "context", "button", "image")


def complaints(slack: SlackStandIn) -> list[str]:
    """Return what is wrong with what the bot posted, edited or opened in this workspace."""
    return [said for shown in _shown(slack) for said in faults(shown)]


def faults(shown: dict[str, Any]) -> list[str]:
    """Return what is wrong with one message or view: somebody cannot read it, or it does not ask first."""
    found = [] if "type" in shown and shown["type"] in ("modal", "home") else _faults_of_text(shown)
    if _REST.search(words(shown)):
        found.append(f"somebody in Slack is sent to the REST API: {words(shown)!r}")
    return found + [said for part in _parts(shown) for said in _faults_of_part(part)]


def _shown(slack: SlackStandIn) -> Iterator[dict[str, Any]]:
    for channel in slack.channels:
        yield from (message for message in channel.messages if message.get("user") == BOT)
    for messages in (*slack.ephemerals.values(), *slack.versions.values()):
        yield from (message for message in messages if message.get("user") == BOT)
    for stack in slack.views.values():
        yield from stack
    yield from slack.homes.values()


def _faults_of_text(message: dict[str, Any]) -> list[str]:
    """Notifications and screen readers have the text alone."""
    text = message.get("text") or ""
    return [] if _says_something(text) else [f"a message says nothing in words: {text!r} beside {message['blocks']!r}"]


def _faults_of_part(part: dict[str, Any]) -> list[str]:
    kind = part.get("type")
    found = []
    if kind == "image" and not _says_something(part.get("alt_text", "")):
        found.append(f"an image without a description: {part!r}")
    said = part.get("text")
    if kind in _CAPTIONED and isinstance(said, dict) and not _says_something(said.get("text", "")):
        found.append(f"an emoji alone: {part!r}")
    if kind == "button" and part.get("style") == "danger" and "confirm" not in part:
        found.append(f"a dangerous button that does not ask first: {part!r}")
    if "color" in part and not _says_something(part.get("text") or part.get("fallback") or ""):
        found.append(f"a colour alone: {part!r}")
    return found


def _says_something(text: str) -> bool:
    return any(sign.isalnum() for sign in _SHORTCODE.sub("", text))


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for inner in part:
            yield from _parts(inner)
    elif isinstance(part, dict):
        yield part
        for name in ("blocks", "elements", "accessory", "element", "attachments"):
            if name in part:
                yield from _parts(part[name])
