"""Block Kit's limits as one table: what each part has, must have and may hold, with the page that says so.

A rule is a value, read by `blocks`. `[docs]` below is https://docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DOCS = "https://docs.slack.dev/reference/block-kit"

MESSAGE, MODAL, HOME = "message", "modal", "home"
EVERYWHERE = (MESSAGE, MODAL, HOME)
MOST_BLOCKS = {MESSAGE: 50, MODAL: 100, HOME: 100}
"""[docs]/blocks: 50 blocks in each message, 100 in modals and Home tabs."""


@dataclass(frozen=True)
class Str:
    """A string of `least` to `most` characters, one of `choices` or like `pattern` when there are any."""

    most: int | None = None
    least: int = 1
    choices: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True)
class Flag:
    """True or false."""


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Text:
    """A text object; `plain` ones may not be mrkdwn."""

    most: int
    plain: bool = False


@dataclass(frozen=True)
class Part:
    """A composition object that has no type of its own."""

    name: str


@dataclass(frozen=True)
class Typed:
    """An object whose `type` is one of `names`."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Many:
    """A list of `least` to `most` of one kind."""

    of: Kind
    least: int = 1
    most: int | None = None


@dataclass(frozen=True)
class Anything:
    """Not looked into."""


Kind = Str | Flag | Whole | Text | Part | Typed | Many | Anything


@dataclass(frozen=True)
class Shape:
    """One part of Block Kit: its page, its fields (no others), and which of them must be there."""

    page: str
    fields: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    """Of these, at least one."""
    surfaces: tuple[str, ...] = EVERYWHERE
    only_one_of: tuple[str, ...] = field(default=())
    """Of these, exactly one."""


ID = Str(255)
URL = Str(3000)
CONFIRM = Part("confirm")
PLACEHOLDER = Text(150, plain=True)
FOCUS: Mapping[str, Kind] = {"focus_on_load": Flag()}
ACTION: Mapping[str, Kind] = {"action_id": ID}
DATE = Str(pattern=r"\d{4}-\d{2}-\d{2}")
OPTION, LINK, CHOICE = Part("option"), Part("link_option"), Part("choice")
CHOOSING: Mapping[str, Kind] = {**ACTION, **FOCUS, "confirm": CONFIRM, "placeholder": PLACEHOLDER}
OPTIONS: Mapping[str, Kind] = {"options": Many(OPTION, 1, 100), "option_groups": Many(Part("option_group"), 1, 100)}
ASKING: Mapping[str, Kind] = {"response_url_enabled": Flag()}
MULTI: Mapping[str, Kind] = {**CHOOSING, "max_selected_items": Whole(1)}
TYPING: Mapping[str, Kind] = {
    **ACTION,
    **FOCUS,
    "placeholder": PLACEHOLDER,
    "dispatch_action_config": Part("dispatch_action_config"),
}

_C = f"{DOCS}/composition-objects"
_OPTION: Mapping[str, Kind] = {
    "text": Text(75, plain=True),
    "value": Str(150),
    "description": Text(75, plain=True),
}
COMPOSITIONS: Mapping[str, Shape] = {
    "plain_text": Shape(f"{_C}/text-object", {"text": Str(3000), "emoji": Flag()}, ("text",)),
    "mrkdwn": Shape(f"{_C}/text-object", {"text": Str(3000), "verbatim": Flag()}, ("text",)),
    "confirm": Shape(
        f"{_C}/confirmation-dialog-object",
        {
            "title": Text(100, plain=True),
            "text": Text(300, plain=True),
            "confirm": Text(30, plain=True),
            "deny": Text(30, plain=True),
            "style": Str(choices=("primary", "danger")),
        },
        ("title", "text", "confirm", "deny"),
    ),
    "option": Shape(f"{_C}/option-object", _OPTION, ("text", "value")),
    "link_option": Shape(f"{_C}/option-object", {**_OPTION, "url": URL}, ("text", "value")),
    "choice": Shape(
        f"{_C}/option-object", {"text": Text(75), "value": Str(150), "description": Text(75)}, ("text", "value")
    ),
    "option_group": Shape(
        f"{_C}/option-group-object",
        {"label": Text(75, plain=True), "options": Many(OPTION, 1, 100)},
        ("label", "options"),
    ),
    "filter": Shape(
        f"{_C}/conversation-filter-object",
        {
            "include": Many(Str(choices=("im", "mpim", "private", "public"))),
            "exclude_external_shared_channels": Flag(),
            "exclude_bot_users": Flag(),
        },
    ),
    "dispatch_action_config": Shape(
        f"{_C}/dispatch-action-configuration-object",
        {"trigger_actions_on": Many(Str(choices=("on_enter_pressed", "on_character_entered")))},
    ),
    "slack_file": Shape(f"{_C}/slack-file-object", {"url": URL, "id": Str()}, only_one_of=("url", "id")),
    "column": Shape(
        f"{DOCS}/blocks/table-block", {"align": Str(choices=("left", "center", "right")), "is_wrapped": Flag()}
    ),
    "raw_text": Shape(f"{DOCS}/blocks/table-block", {"text": Str()}, ("text",)),
}

_E = f"{DOCS}/block-elements"
# Which block and which surface takes which element: the table at https://api.slack.com/reference/block-kit/block-elements.
_SELECT = f"{_E}/select-menu-element"
_MULTI = f"{_E}/multi-select-menu-element"
_CHANNEL: Mapping[str, Kind] = {"default_to_current_conversation": Flag(), "filter": Part("filter")}
ELEMENTS: Mapping[str, Shape] = {
    "button": Shape(
        f"{_E}/button-element",
        {
            **ACTION,
            "text": Text(75, plain=True),
            "url": URL,
            "value": Str(2000),
            "style": Str(choices=("primary", "danger")),
            "confirm": CONFIRM,
            "accessibility_label": Str(75),
        },
        ("text",),
    ),
    "image": Shape(
        f"{_E}/image-element",
        {"image_url": URL, "slack_file": Part("slack_file"), "alt_text": Str(2000)},
        ("alt_text",),
        only_one_of=("image_url", "slack_file"),
    ),
    "overflow": Shape(
        f"{_E}/overflow-menu-element", {**ACTION, "options": Many(LINK, 1, 5), "confirm": CONFIRM}, ("options",)
    ),
    "checkboxes": Shape(
        f"{_E}/checkboxes-element",
        {**ACTION, **FOCUS, "options": Many(CHOICE, 1, 10), "initial_options": Many(CHOICE, 1, 10), "confirm": CONFIRM},
        ("options",),
    ),
    "radio_buttons": Shape(
        f"{_E}/radio-button-group-element",
        {**ACTION, **FOCUS, "options": Many(CHOICE, 1, 10), "initial_option": CHOICE, "confirm": CONFIRM},
        ("options",),
    ),
    "static_select": Shape(
        _SELECT, {**CHOOSING, **OPTIONS, "initial_option": OPTION}, only_one_of=("options", "option_groups")
    ),
    "external_select": Shape(_SELECT, {**CHOOSING, "initial_option": OPTION, "min_query_length": Whole()}),
    "users_select": Shape(_SELECT, {**CHOOSING, "initial_user": Str()}),
    "conversations_select": Shape(_SELECT, {**CHOOSING, **ASKING, **_CHANNEL, "initial_conversation": Str()}),
    "channels_select": Shape(_SELECT, {**CHOOSING, **ASKING, "initial_channel": Str()}),
    "multi_static_select": Shape(
        _MULTI,
        {**MULTI, **OPTIONS, "initial_options": Many(OPTION, 1, 100)},
        only_one_of=("options", "option_groups"),
    ),
    "multi_external_select": Shape(
        _MULTI, {**MULTI, "initial_options": Many(OPTION, 1, 100), "min_query_length": Whole()}
    ),
    "multi_users_select": Shape(_MULTI, {**MULTI, "initial_users": Many(Str())}),
    "multi_conversations_select": Shape(_MULTI, {**MULTI, **_CHANNEL, "initial_conversations": Many(Str())}),
    "multi_channels_select": Shape(_MULTI, {**MULTI, "initial_channels": Many(Str())}),
    "datepicker": Shape(f"{_E}/date-picker-element", {**CHOOSING, "initial_date": DATE}),
    "timepicker": Shape(
        f"{_E}/time-picker-element",
        {**CHOOSING, "initial_time": Str(pattern=r"([01]\d|2[0-3]):[0-5]\d"), "timezone": Str()},
    ),
    "datetimepicker": Shape(
        f"{_E}/datetime-picker-element",
        {**ACTION, **FOCUS, "confirm": CONFIRM, "initial_date_time": Whole(10**9, 10**10 - 1)},
        surfaces=(MESSAGE, MODAL),
    ),
    "plain_text_input": Shape(
        f"{_E}/plain-text-input-element",
        {
            **TYPING,
            "initial_value": Str(3000, least=0),
            "multiline": Flag(),
            "min_length": Whole(0, 3000),
            "max_length": Whole(1, 3000),
        },
    ),
    "email_text_input": Shape(
        f"{_E}/email-input-element", {**TYPING, "initial_value": Str(least=0)}, surfaces=(MODAL,)
    ),
    "url_text_input": Shape(f"{_E}/url-input-element", {**TYPING, "initial_value": Str(least=0)}, surfaces=(MODAL,)),
    "number_input": Shape(
        f"{_E}/number-input-element",
        {**TYPING, "is_decimal_allowed": Flag(), "initial_value": Str(), "min_value": Str(), "max_value": Str()},
        ("is_decimal_allowed",),
        surfaces=(MODAL,),
    ),
    "rich_text_input": Shape(
        f"{_E}/rich-text-input-element", {**TYPING, "initial_value": Anything()}, surfaces=(MODAL, HOME)
    ),
    "file_input": Shape(
        f"{_E}/file-input-element", {**ACTION, "filetypes": Many(Str()), "max_files": Whole(1, 10)}, surfaces=(MODAL,)
    ),
}

SELECTS = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
MULTI_SELECTS = tuple(f"multi_{name}" for name in SELECTS)
PRESSED = ("button", "checkboxes", "datepicker", "overflow", "radio_buttons", "timepicker", *SELECTS, *MULTI_SELECTS)
TYPED = ("plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input")
FILLED = tuple(name for name in PRESSED if name not in ("button", "overflow"))
RICH = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
