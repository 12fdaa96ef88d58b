"""The second half of the table in `limits`: blocks and views."""

from __future__ import annotations

from collections.abc import Mapping

from core.demo.stand_ins.slack.limits import (
    DOCS,
    FILLED,
    HOME,
    MESSAGE,
    MODAL,
    PRESSED,
    RICH,
    TYPED,
    URL,
    Anything,
    Flag,
    Many,
    Part,
    Shape,
    Str,
    Text,
    Typed,
)

_B = f"{DOCS}/blocks"
BLOCKS: Mapping[str, Shape] = {
    "section": Shape(
        f"{_B}/section-block",
        {
            "text": Text(3000),
            "fields": Many(Text(2000), 1, 10),
            "accessory": Typed((*PRESSED, "image")),
            "expand": Flag(),
        },
        one_of=("text", "fields"),
    ),
    "header": Shape(f"{_B}/header-block", {"text": Text(150, plain=True)}, ("text",)),
    "divider": Shape(f"{_B}/divider-block", {}),
    "context": Shape(
        f"{_B}/context-block", {"elements": Many(Typed(("image", "plain_text", "mrkdwn")), 1, 10)}, ("elements",)
    ),
    "actions": Shape(
        f"{_B}/actions-block", {"elements": Many(Typed((*PRESSED, "datetimepicker")), 1, 25)}, ("elements",)
    ),
    "input": Shape(
        f"{_B}/input-block",
        {
            "label": Text(2000, plain=True),
            "element": Typed((*FILLED, *TYPED, "datetimepicker")),
            "dispatch_action": Flag(),
            "hint": Text(2000, plain=True),
            "optional": Flag(),
        },
        ("label", "element"),
    ),
    "image": Shape(
        f"{_B}/image-block",
        {
            "alt_text": Str(2000),
            "image_url": URL,
            "slack_file": Part("slack_file"),
            "title": Text(2000, plain=True),
        },
        ("alt_text",),
        only_one_of=("image_url", "slack_file"),
    ),
    "rich_text": Shape(f"{_B}/rich-text-block", {"elements": Many(Typed(RICH))}, ("elements",)),
    "markdown": Shape(f"{_B}/markdown-block", {"text": Str(12_000)}, ("text",), surfaces=(MESSAGE,)),
    "table": Shape(
        f"{_B}/table-block",
        {
            "rows": Many(Many(Typed(("raw_text", "rich_text")), 1, 20), 1, 100),
            "column_settings": Many(Part("column"), 0, 20),
        },
        ("rows",),
        surfaces=(MESSAGE,),
    ),
    "alert": Shape(
        f"{_B}/alert-block",
        {"text": Text(3000), "level": Str(choices=("default", "info", "warning", "error", "success"))},
        ("text",),
        surfaces=(MODAL,),
    ),
    "video": Shape(
        f"{_B}/video-block",
        {
            "alt_text": Str(),
            "title": Text(199, plain=True),
            "thumbnail_url": URL,
            "video_url": URL,
            "author_name": Str(49),
            "description": Text(200, plain=True),
            "provider_icon_url": URL,
            "provider_name": Str(),
            "title_url": URL,
        },
        ("alt_text", "title", "thumbnail_url", "video_url"),
    ),
}
"""Each has a `type` and may have a `block_id` too. What only Slack's own apps or AI apps use is not there."""

RICH_PARTS: Mapping[str, Shape] = {
    name: Shape(
        f"{_B}/rich-text-block",
        {
            "elements": Many(Anything()),
            "border": Anything(),
            **({"style": Anything(), "indent": Anything(), "offset": Anything()} if name == "rich_text_list" else {}),
            **({"language": Anything()} if name == "rich_text_preformatted" else {}),
        },
        ("elements",),
    )
    for name in RICH
}

_V = "https://docs.slack.dev/reference/views"
_COMMON = {"private_metadata": Str(3000, least=0), "callback_id": Str(255, least=0), "external_id": Str(255, least=0)}
VIEWS: Mapping[str, Shape] = {
    MODAL: Shape(
        f"{_V}/modal-views",
        {
            **_COMMON,
            "title": Text(24, plain=True),
            "blocks": Anything(),
            "submit": Text(24, plain=True),
            "close": Text(24, plain=True),
            "clear_on_close": Flag(),
            "notify_on_close": Flag(),
            "submit_disabled": Flag(),
        },
        ("title", "blocks"),
    ),
    HOME: Shape(f"{_V}/home-tab-views", {**_COMMON, "blocks": Anything()}, ("blocks",)),
}
LARGEST_VIEW = 250_000
"""https://docs.slack.dev/reference/methods/views.open: view_too_large above 250 kB."""
