from __future__ import annotations

from typing import Any

import pytest

from tests.chatbot import manners

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "Works"}}
ASKS = {"title": {"type": "plain_text", "text": "Sure?"}}


def button(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": text}, **more}]}


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ({"text": "", "blocks": [SECTION]}, "says nothing"),
        ({"text": ":white_check_mark: 🟢", "blocks": [SECTION]}, "says nothing"),
        ({"text": "Works", "blocks": [{"type": "image", "image_url": "https://x.example/a.png"}]}, "description"),
        ({"text": "Works", "blocks": [SECTION | {"text": {"type": "mrkdwn", "text": "🔴"}}]}, "emoji alone"),
        ({"text": "Works", "blocks": [button("👍")]}, "emoji alone"),
        ({"text": "Works", "blocks": [button("Remove", style="danger")]}, "does not ask first"),
        ({"text": "Works", "blocks": [], "attachments": [{"color": "#f00"}]}, "colour alone"),
        ({"type": "modal", "blocks": [SECTION | {"accessory": {"type": "image", "alt_text": ""}}]}, "description"),
    ],
)
def test_what_not_everybody_can_read_is_found(message: dict[str, Any], fault: str) -> None:
    (found,) = manners.faults(message)
    assert fault in found


def test_good_manners_are_left_alone() -> None:
    blocks = [SECTION, button("Remove", style="danger", confirm=ASKS), {"type": "image", "alt_text": "A chart"}]
    assert manners.faults({"text": "🟢 Works", "blocks": blocks}) == []
