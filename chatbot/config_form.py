"""A modal made from a manifest's JSON Schema: each key a field, and what was typed as values. Pure.

A secret's field is always empty: what is typed takes its place, and nothing typed leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from chatbot import blocks
from chatbot.asked import Asked
from core import configuration
from core.errors import Invalid
from core.integrations import Installed
from core.manifest import Manifest
from core.texts import T, Text

WEBHOOK_SECRET = "webhook:secret"  # noqa: S105 - the field's id, not a secret
"""No key of a manifest: what deliveries are signed with."""
LONGEST = 3_000
_MOST_KEYS = 90
_LONGEST_KEY = 200
_LONGEST_OPTION = 75
_YES, _NO = "true", "false"


def built(asked: Asked, installed: Installed) -> list[blocks.Block]:
    """Return a field for each key, the needed ones first, and one for the webhook's secret."""
    found = installed.manifest
    shown = [_field(asked, installed, key) for key in keys(found)]
    if installed.source.needs_secret:
        is_set = bool(installed.webhook_secrets)
        hint = asked.say(T("The sender signs its deliveries with it: the same stands in its settings."))
        shown.append(
            blocks.field(
                WEBHOOK_SECRET, asked.say(T("Webhook secret")), _secret(asked, WEBHOOK_SECRET, is_set),
                hint=hint, needed=not is_set,
            )
        )  # fmt: skip
    return shown


def keys(found: Manifest) -> list[str]:
    """Return the keys that have a field."""
    known = [key for key in found.properties if len(key) <= _LONGEST_KEY]
    return sorted(known, key=lambda key: key not in found.required)[:_MOST_KEYS]


def changes(installed: Installed, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Text]]:
    """Return the keys that were changed (None: taken away), and what is wrong with what was typed, by key."""
    found, changed, wrong = installed.manifest, {}, {}
    for key in keys(found):
        try:
            value = _value(found.properties[key], values.get(key))
            if value is None and key in found.secret_keys:
                continue
            if value is not None:
                configuration.checked(found, {key: value})
        except Invalid as error:
            wrong[key] = error.message
            continue
        if value != installed.config.get(key):
            changed[key] = value
    return changed, wrong


def _field(asked: Asked, installed: Installed, key: str) -> blocks.Block:
    schema = installed.manifest.properties[key]
    needed = key in installed.manifest.required
    if key in installed.manifest.secret_keys:
        is_set = key in installed.config_secrets
        element, needed = _secret(asked, key, is_set), needed and not is_set
    else:
        present = installed.config.get(key, schema.get("default"))
        element = _element(asked, key, schema, present)
    label = f"{schema.get('title', key)} ({key})" if schema.get("title") else key
    return blocks.field(key, label, element, hint=_hint(asked, schema), needed=needed)


def _secret(asked: Asked, key: str, is_set: bool) -> blocks.Element:
    said = T("Set. Type a new one to replace it; empty leaves it.") if is_set else T("Not set yet")
    return blocks.text_field(key, placeholder=asked.say(said), most=LONGEST)


def _element(asked: Asked, key: str, schema: Mapping[str, Any], present: Any) -> blocks.Element:
    chosen = None if present is None else _written(present)
    if schema.get("type") == "boolean":
        options = [blocks.option(asked.say(T("Yes")), _YES), blocks.option(asked.say(T("No")), _NO)]
        return blocks.select(asked.say(T("Choose")), key, options, chosen=chosen)
    if _fits_a_menu(schema.get("enum")):
        options = [blocks.option(_written(one), _written(one)) for one in schema["enum"]]
        return blocks.select(asked.say(T("Choose")), key, options, chosen=chosen)
    examples = schema.get("examples") or []
    lines = schema.get("type") in ("array", "object") or "type" not in schema
    text = "" if present is None else _typed(schema, present)
    example = _typed(schema, examples[0]).replace("\n", ", ") if examples else ""
    return blocks.text_field(key, value=text, placeholder=example, lines=lines, most=LONGEST)


def _hint(asked: Asked, schema: Mapping[str, Any]) -> str:
    said = str(schema.get("description", ""))
    if schema.get("type") == "array":
        said = f"{said} {asked.say(T('One on each line.'))}".strip()
    elif schema.get("type") == "object":
        said = f"{said} {asked.say(T('As JSON.'))}".strip()
    return blocks.cut(said, 1_900)


def _fits_a_menu(values: Any) -> bool:
    """Say whether Slack's menu takes these values: a hundred at most, and short ones."""
    if not isinstance(values, list) or not 0 < len(values) <= blocks.MOST_OPTIONS:
        return False
    return not any(_written(one) == "" or len(_written(one)) > _LONGEST_OPTION for one in values)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _typed(schema: Mapping[str, Any], value: Any) -> str:
    """Return a value as somebody types it."""
    if schema.get("type") == "array" and isinstance(value, list) and _of_texts(schema):
        return "\n".join(map(_written, value))
    return _written(value)


def _of_texts(schema: Mapping[str, Any]) -> bool:
    items = schema.get("items", {})
    return isinstance(items, dict) and bool(items.get("type", "string") == "string")


def _value(schema: Mapping[str, Any], typed: Any) -> Any:
    """Return what was typed as the schema's type; None for nothing. Raises `Invalid`."""
    text = str(typed or "").strip()
    if not text:
        return None
    kind = schema.get("type")
    if kind == "string":
        return text
    if kind == "array" and _of_texts(schema):
        return [line.strip() for line in text.splitlines() if line.strip()]
    if "enum" in schema and _fits_a_menu(schema["enum"]):
        return next((one for one in schema["enum"] if _written(one) == text), text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if kind in ("integer", "number"):
            raise Invalid(T("This is no number.")) from None
        if kind in ("object", "array", "boolean"):
            raise Invalid(T("This is no JSON.")) from None
        return text
