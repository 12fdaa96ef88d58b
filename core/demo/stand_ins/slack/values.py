"""What is chosen or typed in an element: as Slack reports it, and as a person gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.demo.stand_ins.slack.blocks import Block, elements_of, options_of
from core.demo.stand_ins.slack.workspace import Workspace

_KEYS = {
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "file_input": ("files", ""),
}
_SEVERAL = ("selected_options", "selected_users", "selected_conversations", "selected_channels", "files")
_PATTERNS = {"selected_date": r"\d{4}-\d{2}-\d{2}", "selected_time": r"\d{2}:\d{2}", "selected_date_time": r"\d{10}"}
Values = dict[str, dict[str, dict[str, Any]]]


class Impossible(AssertionError):
    """A person could not do this in Slack."""


def first_values(blocks: list[Block]) -> Values:
    """Return the state of a view that nobody has touched."""
    state: Values = {}
    for block in blocks:
        for element in elements_of(block):
            if element["type"] in ("button", "overflow"):
                continue
            key, initial = _KEYS.get(element["type"], ("value", "initial_value"))
            first = element.get(initial)
            empty: Any = [] if key in _SEVERAL else None
            value = {"type": element["type"], key: empty if first is None else first}
            state.setdefault(block["block_id"], {})[element["action_id"]] = value
    return state


def chosen(slack: Workspace, element: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """Return Slack's form of what a person chose (by value or by its words) or typed; Impossible if they could not."""
    kind = str(element["type"])
    key, _ = _KEYS.get(kind, ("value", ""))
    if isinstance(given, list) != (key in _SEVERAL):
        raise Impossible(f"{kind} takes {'a list' if key in _SEVERAL else 'one value'}, not {given!r}")
    if isinstance(given, list) and len(given) > int(element.get("max_selected_items") or len(given)):
        raise Impossible(f"at most {element['max_selected_items']} can be chosen in {element['action_id']}")
    if given is None:
        return {key: None}
    if key in _SEVERAL:
        return {key: [_one(slack, element, key, one) for one in given]}
    return {key: _one(slack, element, key, given)}


def _one(slack: Workspace, element: Mapping[str, Any], key: str, given: Any) -> Any:
    """Return one thing that is chosen or typed."""
    if key.startswith("selected_option"):
        external = "external" in element["type"]
        options = slack.offered.get(element["action_id"], []) if external else list(options_of(element))
        return _option(options, given)
    if key == "value":
        _check_typed(element, str(given))
        return str(given) or None
    known = {
        "selected_user": [user.id for user in slack.users],
        "selected_channel": [channel.id for channel in slack.channels if not channel.user],
        "selected_conversation": [channel.id for channel in slack.channels],
    }.get(key.removesuffix("s"))
    if known is not None and given not in known:
        raise Impossible(f"{given!r} cannot be chosen; there are: {', '.join(known)}")
    pattern = _PATTERNS.get(key, "")
    if pattern and not re.fullmatch(pattern, str(given)):
        raise Impossible(f"{given!r} cannot be chosen in a {element['type']}")
    return given


def _option(options: list[dict[str, Any]], given: Any) -> dict[str, Any]:
    for option in options:
        if given in (option["value"], option["text"]["text"]):
            return option
    there = ", ".join(f"{option['value']} ({option['text']['text']})" for option in options)
    raise Impossible(f"{given!r} cannot be chosen; there are: {there}")


def _check_typed(element: Mapping[str, Any], text: str) -> None:
    if len(text) > int(element.get("max_length") or 3000):
        raise Impossible(f"{len(text)} characters cannot be typed into {element['action_id']}")


def is_empty(value: Mapping[str, Any]) -> bool:
    """Say if nothing is chosen or typed."""
    return not any(inner for key, inner in value.items() if key != "type")


def complaint(element: Mapping[str, Any], value: Mapping[str, Any], *, optional: bool) -> str:
    """Return what Slack itself says beside a field that cannot be sent so; nothing if it can."""
    if is_empty(value):
        return "" if optional else "Please complete this required field."
    typed = value.get("value")
    if typed is None:
        return ""
    if len(str(typed)) < int(element.get("min_length") or 0):
        return f"Please enter at least {element['min_length']} characters."
    return _number(element, str(typed)) if element["type"] == "number_input" else _address(element, str(typed))


def _number(element: Mapping[str, Any], typed: str) -> str:
    try:
        number = float(typed)
    except ValueError:
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and number != int(number):
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Please enter a number of {element['min_value']} or more."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Please enter a number of {element['max_value']} or less."
    return ""


def _address(element: Mapping[str, Any], typed: str) -> str:
    if element["type"] == "email_text_input" and "@" not in typed:
        return "Please enter a valid email address."
    if element["type"] == "url_text_input" and "://" not in typed:
        return "Please enter a valid URL."
    return ""
