"""A typed line as words. Pure."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"<([@#!]?)([^|<>]+)(?:\|([^<>]*))?>")
_WORD = re.compile(r"""(?:[^\s"'“”«»]|"[^"]*"|“[^”]*”|«[^»]*»|(?<!\w)'[^']*'|["'“”«»])+""")
_QUOTES = re.compile(r"""\A(["'“«])(.*)(["'”»])\Z""", re.DOTALL)


def split(line: str) -> list[str]:
    """Return the words of a line as they were meant; quotes keep spaces together, one that never ends is a character.

    What Slack puts in for people, channels and links (https://docs.slack.dev/messaging/formatting-message-text) comes
    back as `@U…`, `#name` or the channel's id, and the address.
    """
    return [_unescaped(_unquoted(word)) for word in _WORD.findall(_unmarked(line))]


def meant(text: str) -> str:
    """Return a whole message as it was meant, as `split` does a line."""
    return _unescaped(_unmarked(text))


def _unmarked(line: str) -> str:
    return _ESCAPED.sub(_meant, line)


def _meant(found: re.Match[str]) -> str:
    kind, target, label = found.groups()
    if kind == "@":
        return f"@{target}"
    if kind == "#":
        return f"#{label}" if label else target
    if kind == "!":
        return f"@{target}"
    if label and target.startswith("mailto:"):
        return target.removeprefix("mailto:")
    # Slack makes links of words such as example.com: what was typed is the label then.
    return label if label and re.sub(r"^https?://", "", target).rstrip("/") == label else target


def _unquoted(word: str) -> str:
    if found := _QUOTES.match(word):
        return found[2]
    # As in key="a value"
    name, sign, value = word.partition("=")
    found = _QUOTES.match(value) if sign else None
    return f"{name}={found[2]}" if found else word


def _unescaped(word: str) -> str:
    return word.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
