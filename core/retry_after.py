"""The `Retry-After` header: how long a service asks us to wait."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}")
"""More digits are some thirty years and more: no wait that anybody means."""


def seconds(value: str | None, *, now: float) -> float | None:
    """Return the seconds to wait, at least 0, or None where `value` is absent or neither of its two forms.

    The forms are a whole number of seconds and an HTTP date (RFC 9110 §10.2.3 and §5.6.7). `now`: seconds since the
    epoch, from which a date is counted.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        # HTTP dates are in GMT, also in the obsolete form that does not say so.
        due = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, due - now)
