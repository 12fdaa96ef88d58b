"""Bodies in HTML form encoding (`application/x-www-form-urlencoded`), which GitHub and Slack send besides JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from core.errors import Malformed
from core.sources import Delivery, parse_json
from core.texts import T

CONTENT_TYPE = "application/x-www-form-urlencoded"

_MAX_FIELDS = 1000


def is_form(delivery: Delivery) -> bool:
    """Say whether the delivery declares a form."""
    return delivery.headers.get("content-type", "").partition(";")[0].strip().lower() == CONTENT_TYPE


def fields(body: bytes) -> dict[str, str]:
    """Return the form's fields (of a repeated one the last); raise `Malformed` if it is none."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError as error:  # UnicodeDecodeError is one too
        raise Malformed(
            T("The body is not form-encoded: {reason}.", reason=str(error)), error="Malformed form"
        ) from None


def payload(form: dict[str, str]) -> Any:
    """Return the JSON in the field `payload`; raise `Malformed` when it is not there or not JSON."""
    if "payload" not in form:
        raise Malformed(
            T("The form has no field payload. Send JSON in it, or set the content type application/json."),
            error="Malformed form",
        )
    return parse_json(form["payload"].encode())


def encoded(value: Any) -> bytes:
    """Return a form whose field `payload` is `value` in JSON."""
    return urlencode({"payload": orjson.dumps(value)}).encode()
