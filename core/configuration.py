"""Configurations: the keys of a manifest and of the engine, checked one by one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jsonschema
from pydantic import ValidationError

from core.engine_config import KEYS as ENGINE_KEYS
from core.engine_config import SECRET_KEYS, Asked
from core.errors import Invalid
from core.manifest import FORMATS, Manifest
from core.redaction import is_mask
from core.texts import T, Text
from core.validation import reason, schema_reason

_CHANNEL_ID = re.compile(r"[CGDUW][A-Z0-9]{6,20}")
_CHANNEL_NAME = re.compile(r"#?[\w-]{1,80}")
"""Slack's own rule, but for letters that are not Latin (https://docs.slack.dev/reference/methods/conversations.create)."""


def checked(manifest: Manifest, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Check the keys that are given (None means away with it); return the public ones and the secret ones.

    Raises `Invalid` naming the key that is unknown, of a wrong type, or a mask sent back.
    """
    public: dict[str, Any] = {}
    secret: dict[str, str] = {}
    for key, value in config.items():
        if key not in manifest.properties and key not in ENGINE_KEYS:
            known = ", ".join(sorted([*manifest.properties, *ENGINE_KEYS]))
            raise _bad_key(key, T("is not a key of this integration. Known: {known}.", known=known))
        if value is None:
            continue
        is_secret = key in manifest.secret_keys or (key in SECRET_KEYS and key not in manifest.properties)
        if is_secret and isinstance(value, str) and is_mask(value):
            raise _bad_key(
                key, T("is the mask that is shown in place of the secret. Send the secret, or leave it out.")
            )
        _check_value(manifest, key, value)
        if key in manifest.channel_keys:
            for channel in value if isinstance(value, list) else [value]:
                _check_channel(key, str(channel))
        (secret if is_secret else public)[key] = value
    return public, secret


def _check_value(manifest: Manifest, key: str, value: Any) -> None:
    schema = manifest.properties.get(key)
    if schema is None:
        try:
            Asked.model_validate({key: value})
        except ValidationError as error:
            raise _bad_key(key, reason(error.errors()[0])) from None
        return
    checker = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)
    for problem in checker.iter_errors(value):
        message = None if schema.get("x-secret") else problem.message
        where = ".".join(map(str, [key, *problem.absolute_path]))
        raise _bad_key(where, schema_reason(problem.validator, problem.validator_value, message))


def _check_channel(key: str, channel: str) -> None:
    if _CHANNEL_ID.fullmatch(channel) or (_CHANNEL_NAME.fullmatch(channel) and channel == channel.lower()):
        return
    raise _bad_key(
        key,
        T("must be a Slack channel: its name in lower-case letters, such as #deploys, or its id, such as C0123456789"),
    )


def _bad_key(key: str, why: Text) -> Invalid:
    return Invalid(T("{key} {reason}", key=key, reason=why), error="Invalid configuration", path=key)


def merged(base: dict[str, Any], new: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the `new` values, without the keys that `changes` sets to None."""
    kept = {key: value for key, value in base.items() if changes.get(key, ...) is not None}
    return {**kept, **new}
