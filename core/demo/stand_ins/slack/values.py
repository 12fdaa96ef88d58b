"""What is chosen or typed in an element: as Slack reports it, and as a person gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.demo.stand_ins.slack.blocks import Block, elements_of, options_of

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
_FROM_OPTIONS = ("static_select", "radio_buttons", "overflow", "multi_static_select", "checkboxes")
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
            empty: Any = [] if key in ("selected_options", "files") or key.endswith("s") else None
            value = {"type": element["type"], key: empty if first is None else first}
            state.setdefault(block["block_id"], {})[element["action_id"]] = value
    return state


def chosen(element: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """Return Slack's form of what a person chose (by value or by its words) or typed; Impossible if they could not."""
    kind = str(element["type"])
    key, _ = _KEYS.get(kind, ("value", ""))
    if kind in _FROM_OPTIONS:
        options = list(options_of(element))
        if key == "selected_options":
            return {key: [_option(options, one) for one in given]}
        return {key: None if given is None else _option(options, given)}
    if kind in ("external_select", "multi_external_select"):
        return {key: given}
    if key == "value" and given is not None:
        _check_typed(element, str(given))
        return {key: str(given) or None}
    return {key: given}


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
