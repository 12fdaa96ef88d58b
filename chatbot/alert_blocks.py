"""A message about alerts as Block Kit, with the same as text for notifications and for readers without blocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatbot import blocks, command, opening
from chatbot.asked import Open
from chatbot.states import alert as status_of
from chatbot.states import severity
from core.alert_message import AlertMessage, AlertPart, plain
from core.texts import TN, T, Text

MOST_PARTS = 20
"""Alerts shown in one message; Slack takes 50 blocks, and nobody reads so many."""
_MOST_TEXT = 2_900
_MOST_OF_SEVERAL = 400
"""Characters of one alert among several: a whole message has a limit too."""


def rendered(message: AlertMessage, language: str, picture: Sequence[blocks.Block] = ()) -> dict[str, Any]:
    """Return `text` and `blocks`, the `picture`'s among them; whatever a sign or a colour says, words say too."""
    several = len(message.parts) > 1
    shown = [blocks.section(_head(message, language))]
    shown += [blocks.section(part_text(part, language, named=several)) for part in message.parts[:MOST_PARTS]]
    left = len(message.parts) - MOST_PARTS
    if left > 0:
        more = T("{count} more: {command}", count=left, command="`/ccb alerts`")
        shown.append(blocks.section(more.render(language)))
    shown += picture
    offered = _buttons(message, language)
    shown += [blocks.actions(offered)] if offered else []
    shown.append(blocks.context(" · ".join(blocks.code(part.id) for part in message.parts[:MOST_PARTS])))
    text = f"{message.title.render(language)}\n{plain(message, language)}"
    return {"text": blocks.cut(blocks.dated(blocks.plain(text)), _MOST_TEXT), "blocks": shown}


def _head(message: AlertMessage, language: str) -> str:
    first = message.parts[0]
    name: Text | str = blocks.plain(_said(first.name, language))
    if len(message.parts) > 1:
        name = TN("{count} alert", "{count} alerts", len(message.parts))
    said = T("{sign} · *{name}* · {severity} · {integration}", sign=status_of(message.status), name=name,
             severity=severity(message.severity), integration=blocks.plain(message.place.render(language)))  # fmt: skip
    return said.render(language)


def part_text(part: AlertPart, language: str, *, named: bool) -> str:
    """Return one alert as lines with marks; `named`: with its name, for a list."""
    what = (part.what or part.measured).render(language)
    first = [f"*{blocks.dated(blocks.plain(what))}*"]
    if part.what is not None:
        first.append(T("since {when}", when=blocks.date(part.since, "{time}, {date_short_pretty}")).render(language))
    first += [blocks.plain(part.counts.render(language))] if part.counts is not None else []
    found = [f"*{blocks.plain(_said(part.name, language))}*:"] if named else []
    found.append(" · ".join(first))
    found += [blocks.dated(blocks.plain(part.cause.render(language)))] if part.cause is not None else []
    found += [f":pencil2: {blocks.plain(change.render(language))}" for change in part.changes]
    found += [blocks.dated(blocks.plain(note.render(language))) for note in part.notes]
    found += [f"_{blocks.plain(_said(part.description, language))}_"] if part.description else []
    return blocks.cut("\n".join(found), _MOST_OF_SEVERAL if named else _MOST_TEXT)


def _said(text: Text | str, language: str) -> str:
    return text.render(language) if isinstance(text, Text) else text


def _buttons(message: AlertMessage, language: str) -> list[blocks.Element]:
    offered = message.actions
    example = next((part.example for part in message.parts if part.example is not None), None)
    made: list[blocks.Element] = []
    if "acknowledge" in offered:
        made.append(acknowledge(message.id, language))
    if "snooze_1h" in offered:
        made.append(snooze(message.id, language, snoozed=message.status == "snoozed"))
    if "trace" in offered and example is not None:
        made += _run(T("Trace one"), ("trace", example), language)
    if "replay_failed" in offered:
        made.append(replay(message.id, message.parts, language))
    if "graph" in offered:
        made.append(blocks.button(T("Graph").render(language), "graph", message.id))
    if "doctor" in offered:
        made += _run(T("Doctor"), ("doctor", message.parts[0].integration_id), language)
    if offered:
        made += _run(T("Why was I told?"), ("alerts", message.parts[0].id), language)
    return made


def acknowledge(reference: str, language: str, *, at: str = "") -> blocks.Element:
    """Return the button that opens the modal for a comment; `reference`: the id of an alert or of a message."""
    wanted = Open("acknowledge", {"alert": reference})
    return opening.button(T("Acknowledge").render(language), wanted, primary=True, at=f"acknowledge{at}")


def snooze(reference: str, language: str, *, at: str = "", snoozed: bool = False) -> blocks.Element:
    """Return the menu for how long to be quiet."""
    choices = [(T("For 1 hour"), "1h"), (T("Until tomorrow, 9:00"), "tomorrow")]
    choices += [(T("No longer: tell me again"), "wake")] if snoozed else []
    options = [blocks.option(said.render(language), f"{value} {reference}") for said, value in choices]
    return blocks.select(T("Snooze").render(language), f"snooze:{at or 0}", options)


def replay(reference: str, parts: Sequence[AlertPart], language: str) -> blocks.Element:
    """Return the button that replays what has failed, which asks first."""
    count = max((part.failures for part in parts), default=0)
    said = TN("Replay {count} failed", "Replay {count} failed", count) if count else T("Replay failed")
    asks = blocks.confirm(
        T("Replay what has failed?").render(language),
        T(
            "Every event that has failed since an hour before this alert is tried again now. What its actions have "
            "done already stays done; what has not been done is done, and cannot be taken back."
        ).render(language),
        T("Replay").render(language),
        T("Leave it").render(language),
    )
    return blocks.button(said.render(language), "replay_failed", reference, style="danger", confirm=asks)


def _run(said: Text, words: Sequence[str], language: str) -> list[blocks.Element]:
    """Return a button that runs a command, where it is there."""
    if command.find(words[0]) is None:
        return []
    return [blocks.button(said.render(language), f"run:{words[0]}", "\n".join(words))]
