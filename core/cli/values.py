"""Configuration values on a command line: text in, JSON out, by the type that the schema names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from core.cli.client import Engine
from core.cli.failure import usage
from core.engine_config import EngineConfig
from core.texts import T

Schema = Mapping[str, Any]
ENGINE: Mapping[str, Schema] = EngineConfig.model_json_schema()["properties"]
"""The keys that every integration takes."""
_YES = frozenset({"true", "yes", "on", "1", "да"})
_NO = frozenset({"false", "no", "off", "0", "нет"})


def pairs(arguments: Iterable[str]) -> dict[str, str]:
    """Return `key=value` arguments as a dict; raise `CliError` for one without `=` or a key given twice."""
    found: dict[str, str] = {}
    for argument in arguments:
        key, sign, value = argument.partition("=")
        if not sign or not key:
            raise usage(T("{argument} has not the form key=value.", argument=repr(argument)))
        if key in found:
            raise usage(T("{key} is given twice.", key=key))
        found[key] = value
    return found


def parse(key: str, text: str, schema: Schema | None) -> Any:
    """Return what `text` means for a key with this JSON Schema; raise `CliError` that says what is wanted.

    Lists are written with commas (or as JSON), objects as JSON. Without a schema only what looks like a JSON list or
    object is one, everything else is text: the engine checks it.
    """
    kind = schema.get("type") if schema else ("object" if text.startswith(("{", "[")) else "string")
    match kind:
        case "integer":
            return _number(key, text, int)
        case "number":
            return _number(key, text, float)
        case "boolean":
            return _boolean(key, text)
        case "array" if not text.startswith("["):
            items = (schema or {}).get("items", {})
            return [parse(key, part.strip(), items) for part in text.split(",") if part.strip()]
        case "array" | "object":
            return _json(key, text)
        case _:
            return text


def show(value: Any) -> str:
    """Return a value as it could be typed."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) and "," not in item for item in value):
        return ", ".join(value)
    return orjson.dumps(value).decode()


async def schema_of(engine: Engine, integration: Mapping[str, Any]) -> dict[str, Schema]:
    """Return the schema of each key that is known here: the engine's own keys, and the gallery entry's."""
    known: dict[str, Schema] = dict(ENGINE)
    provenance = integration["provenance"]
    if provenance.get("kind") == "gallery":
        for entry in await engine.get("/v1/gallery"):
            if entry["name"] == provenance.get("name"):
                known |= entry["config"].get("properties", {})
    for key, value in integration["config"].items():
        known.setdefault(key, {"type": _type(value)})
    return known


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "string")


def _number(key: str, text: str, kind: type[int] | type[float]) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise usage(T("{key} must be a number, not {text}.", key=key, text=repr(text)), path=key) from None


def _boolean(key: str, text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise usage(T("{key} must be true or false, not {text}.", key=key, text=repr(text)), path=key)


def _json(key: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise usage(T("{key} must be JSON: {reason}.", key=key, reason=str(error)), path=key) from None
