"""A message about alerts as Block Kit, with the same as text for notifications and for readers without blocks. Pure."""

from __future__ import annotations

from typing import Any

from core.alert_message import AlertMessage, AlertPart, AlertStatus, lines, plain

MOST_PARTS = 20
"""Alerts shown in one message; Slack takes 50 blocks, and nobody reads so many."""
_MOST_TEXT = 2_900
"""Characters of one section; Slack takes 3,000 (https://docs.slack.dev/reference/block-kit/blocks/section-block)."""
_SIGNS: dict[AlertStatus, str] = {
    "firing": ":red_circle:",
    "acknowledged": ":large_yellow_circle:",
    "snoozed": ":zzz:",
    "resolved": ":large_green_circle:",
    "ended_without_data": ":white_circle:",
    "removed": ":white_circle:",
}


def rendered(message: AlertMessage, language: str) -> dict[str, Any]:
    """Return `text` and `blocks`; the title says in words what the sign says."""
    title = message.title.render(language)
    head = f"{_SIGNS[message.status]} *{_escaped(title)}*"
    blocks: list[dict[str, Any]] = [_section(head)]
    several = len(message.parts) > 1
    blocks += [_section(_part(part, language, named=several)) for part in message.parts[:MOST_PARTS]]
    if len(message.parts) > MOST_PARTS:
        blocks.append(_section(f"+ {len(message.parts) - MOST_PARTS}"))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _ids(message)}]})
    text = f"{title}\n{plain(message, language)}"
    return {"text": _escaped(text)[:_MOST_TEXT], "blocks": blocks}


def _part(part: AlertPart, language: str, *, named: bool) -> str:
    first, *others = lines(part, language, named=named)
    return "\n".join([f"*{_escaped(first)}*", *map(_escaped, others)])[:_MOST_TEXT]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _ids(message: AlertMessage) -> str:
    return " · ".join(f"`{part.id}`" for part in message.parts[:MOST_PARTS])


def _escaped(text: str) -> str:
    """Take away what would call people or make links (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
