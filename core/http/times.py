"""Times at the border as JSON Schemas; `core.times` reads them."""

from __future__ import annotations

from typing import Any

from core.errors import Invalid
from core.texts import T

AGO: dict[str, Any] = {"anyOf": [
    {"type": "string", "pattern": "^[0-9]{1,6}[smhd]$"}, {"type": "string", "format": "date-time"}, {"type": "null"},
]}  # fmt: skip
"""The JSON Schema of what `time_of` takes, for a field's `json_schema_extra`."""

AHEAD: dict[str, Any] = {"anyOf": [
    {"type": "string", "pattern": "^[1-9][0-9]{0,5}[smhd]$"},
    {"type": "string", "format": "date-time"}, {"type": "null"},
]}  # fmt: skip
"""The same of a time to come."""

KEPT: dict[str, Any] = {
    "pattern": "^([0-9]{1,6}s|([0-9]{1,4}|[1-3][0-9]{4}|4[0-2][0-9]{3}|43[01][0-9]{2}|43200)m"
    "|([0-9]{1,2}|[1-6][0-9]{2}|7[01][0-9]|720)h|([0-9]|[12][0-9]|30)d)$"
}
"""The JSON Schema of a duration of at most `30d`."""


def in_order(start: float | None, end: float | None) -> None:
    """Raise `Invalid` where a range begins after its end."""
    if start is not None and end is not None and start > end:
        raise Invalid(T("`from` must not be after `to`."), path="from")
