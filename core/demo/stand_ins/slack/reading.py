"""What somebody reads in a message or a view, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_ORDER = (
    "title",
    "label",
    "text",
    "fields",
    "accessory",
    "element",
    "elements",
    "rows",
    "hint",
    "options",
    "placeholder",
)
_PLAIN = ("alt_text", "initial_value")


def words(where: dict[str, Any]) -> str:
    """Return every text in a message or view in the order of its blocks, a line each; images by their alt text.

    The `text` beside a message's blocks is what notifications show, not what is read, and is left out.
    """
    blocks = [*where.get("blocks", []), *(b for a in where.get("attachments", []) for b in a.get("blocks", []))]
    if not blocks:
        return str(where.get("text", ""))
    head = where["title"]["text"] + "\n" if where.get("title") else ""
    foot = [where[name]["text"] for name in ("submit", "close") if where.get(name)]
    return head + "\n".join([*(line for block in blocks for line in _lines(block)), *foot])


def _lines(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for inner in part:
            yield from _lines(inner)
    elif isinstance(part, dict):
        for name in _ORDER:
            if name in part:
                yield from _lines(part[name])
        yield from (part[name] for name in _PLAIN if isinstance(part.get(name), str))
