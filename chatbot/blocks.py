"""Pure Block Kit builders. What they return, Slack takes: lengths and counts are cut to its limits, with an ellipsis.

Strings come here in the reader's language. `mrkdwn` is for text of ours that has marks in it; whatever comes from
outside goes through `plain` first. The limits stand at https://docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from core.times import MOMENT

Block = dict[str, Any]
Element = dict[str, Any]

MOST_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
MOST_OPTIONS = 100
MOST_FIELDS = 10
MOST_ACTIONS = 25
MOST_CONTEXT = 10
MOST_VALUE = 2_000
_SECTION, _FIELD, _HEADER, _BUTTON, _OPTION, _ALT, _URL = 3_000, 2_000, 150, 75, 75, 2_000, 3_000
_OPTION_VALUE, _TITLE, _LABEL, _PLACEHOLDER, _ID, _TEXT = 150, 24, 2_000, 150, 255, 4_000
_CONFIRM_TITLE, _CONFIRM_TEXT, _CONFIRM_BUTTON = 100, 300, 30


def plain(value: object) -> str:
    """Return a text from outside as one that means nothing to Slack: no mention, no link, no entity."""
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(value: object) -> str:
    """Return a value in a code mark: an id, a name."""
    return f"`{plain(value).replace('`', 'ˋ')}`"


def code_block(value: object, *, most: int = 2_800) -> str:
    """Return lines that are shown as they are, such as JSON, cut to `most` characters."""
    return f"```{cut(plain(str(value).replace('```', 'ˋˋˋ')), most)}```"


def link(url: str, label: str) -> str:
    """Return a link."""
    target = url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
    return f"<{target}|{plain(label).replace('|', '¦')}>"


def date(seconds: float, form: str = "{date_short_pretty} {time}") -> str:
    """Return a time that each reader sees in their own zone (https://docs.slack.dev/messaging/formatting-message-text)."""
    return f"<!date^{int(seconds)}^{form}|{utc(seconds)}>"


def utc(seconds: float) -> str:
    """Return a time for where nobody's zone is known."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def dated(text: str) -> str:
    """Return a text in which each time in ISO 8601 (UTC) is one that each reader sees in their own zone."""
    return MOMENT.sub(lambda found: date(datetime.fromisoformat(found[0]).timestamp()), text)


def cut(text: str, most: int) -> str:
    """Return a text of at most `most` characters; what is longer ends with an ellipsis, and in no half entity."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    for opening, closing in (("<", ">"), ("&", ";")):
        start = kept.rfind(opening)
        if start > kept.rfind(closing) and (opening == "<" or start > len(kept) - 5):
            kept = kept[:start]
    return kept + "…"


def text_of(said: str) -> str:
    """Return what stands beside blocks in `text`, for notifications and screen readers; never empty."""
    return cut(said.strip() or "…", _TEXT)


def section(mrkdwn: str, *, accessory: Element | None = None, fields: Sequence[str] = ()) -> Block:
    """Return a paragraph, with something at its right (a button, an image), and fields in two columns."""
    block: Block = {"type": "section", "text": _mrkdwn(mrkdwn, _SECTION)}
    if fields:
        block["fields"] = [_mrkdwn(field, _FIELD) for field in fields[:MOST_FIELDS]]
    if accessory is not None:
        block["accessory"] = accessory
    return block


def fields(values: Sequence[str]) -> Block:
    """Return at most ten short texts in two columns."""
    return {"type": "section", "fields": [_mrkdwn(value, _FIELD) for value in values[:MOST_FIELDS]]}


def header(said: str) -> Block:
    """Return a large line of plain text."""
    return {"type": "header", "text": _plain(said, _HEADER)}


def context(*mrkdwn: str) -> Block:
    """Return small grey text."""
    return {"type": "context", "elements": [_mrkdwn(part, _FIELD) for part in mrkdwn[:MOST_CONTEXT]]}


def divider() -> Block:
    """Return a line."""
    return {"type": "divider"}


def image(url: str, alt: str, *, title: str | None = None) -> Block:
    """Return an image; `alt` says what it shows to whoever does not see it."""
    block: Block = {"type": "image", "image_url": url, "alt_text": cut(alt, _ALT)}
    return block if title is None else {**block, "title": _plain(title, _ALT)}


def file_image(file_id: str, alt: str) -> Block:
    """Return an image that was uploaded to Slack."""
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": cut(alt, _ALT)}


def button(
    said: str,
    action_id: str,
    value: str = "",
    *,
    style: Literal["primary", "danger"] | None = None,
    confirm: Mapping[str, Any] | None = None,
    url: str | None = None,
) -> Element:
    """Return a button. `said`: a verb. `value`: ids alone, at most 2,000 characters (longer is a programming error)."""
    if len(value) > MOST_VALUE or len(action_id) > _ID:
        raise ValueError(f"the value of the button {action_id[:50]!r} is too long for Slack: {len(value)} characters")
    made: Element = {"type": "button", "text": _plain(said, _BUTTON), "action_id": action_id}
    more = {"value": value, "style": style, "confirm": confirm, "url": url[:_URL] if url else None}
    return made | {key: content for key, content in more.items() if content}


def confirm(title: str, lost: str, yes: str, no: str, *, danger: bool = True) -> dict[str, Any]:
    """Return the question before what cannot be undone; `lost` says what will be gone, `yes` is the verb."""
    made = {
        "title": _plain(title, _CONFIRM_TITLE),
        "text": _plain(lost, _CONFIRM_TEXT),
        "confirm": _plain(yes, _CONFIRM_BUTTON),
        "deny": _plain(no, _CONFIRM_BUTTON),
    }
    return {**made, "style": "danger"} if danger else made


def actions(elements: Sequence[Element], *, block_id: str | None = None) -> Block:
    """Return buttons and menus in a row; their action ids must differ."""
    block: Block = {"type": "actions", "elements": list(elements[:MOST_ACTIONS])}
    return block if block_id is None else {**block, "block_id": block_id}


def option(said: str, value: str) -> dict[str, Any]:
    """Return one entry of a menu."""
    return {"text": _plain(said, _OPTION), "value": value[:_OPTION_VALUE]}


def select(
    placeholder: str, action_id: str, options: Sequence[Mapping[str, Any]], *, chosen: str | None = None
) -> Element:
    """Return a menu of `option`s, the first hundred of them; `chosen`: the value of the one that stands in it."""
    shown = list(options[:MOST_OPTIONS])
    made: Element = {
        "type": "static_select", "action_id": action_id, "placeholder": _plain(placeholder, _PLACEHOLDER),
        "options": shown,
    }  # fmt: skip
    first = next((one for one in shown if one["value"] == chosen), None)
    return {**made, "initial_option": first} if first is not None else made


def multi_select(placeholder: str, action_id: str, options: Sequence[Mapping[str, Any]]) -> Element:
    """Return a menu of `option`s of which several can be chosen, the first hundred of them."""
    return {
        "type": "multi_static_select", "action_id": action_id, "placeholder": _plain(placeholder, _PLACEHOLDER),
        "options": list(options[:MOST_OPTIONS]),
    }  # fmt: skip


def text_field(
    action_id: str, *, value: str = "", placeholder: str = "", lines: bool = False, most: int | None = None
) -> Element:
    """Return a field to type in; `lines`: of several lines."""
    made: Element = {"type": "plain_text_input", "action_id": action_id, "multiline": lines}
    more = {
        "initial_value": value[: most or _SECTION],
        "placeholder": _plain(placeholder, _PLACEHOLDER) if placeholder else None,
        "max_length": most,
    }
    return made | {key: content for key, content in more.items() if content}


def field(block_id: str, label: str, element: Element, *, hint: str = "", needed: bool = True) -> Block:
    """Return a labelled field of a modal; its value is found under `block_id` (`Asked.values`)."""
    block: Block = {
        "type": "input", "block_id": block_id, "label": _plain(label, _LABEL), "element": element,
        "optional": not needed,
    }  # fmt: skip
    return {**block, "hint": _plain(hint, _LABEL)} if hint else block


def modal_title(said: str) -> dict[str, Any]:
    """Return a modal's title or the words of its buttons: 24 characters."""
    return _plain(said, _TITLE)


def fitting(blocks: Iterable[Block], *, more: str, most: int = MOST_BLOCKS) -> list[Block]:
    """Return at most `most` blocks; where there are more, the last says so (`more`, which names where the rest is)."""
    found = list(blocks)
    return found if len(found) <= most else [*found[: most - 1], context(more)]


def _mrkdwn(said: str, most: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": cut(said, most) or "…"}


def _plain(said: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(said, most) or "…", "emoji": True}
