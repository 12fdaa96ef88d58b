"""What the engine says about itself, by its words: stored in English, as rules are, and read in any language. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from core.alerts.defaults import DESCRIPTIONS
from core.texts import TN, T, Text

PUBLIC_URL = T("Webhook endpoint")
PUBLIC_URL_WHEN = T("CCB_PUBLIC_URL does not answer {times} times in a row")
PUBLIC_URL_FIX = T("Check the proxy, the name and the certificate in front of the engine; senders see the same.")
KEY = T("Key expiry: {name}")
KEY_WHEN = TN("it expires in {count} day or less", "it expires in {count} days or less", 0)
KEY_OVER = T("it has expired")
KEY_FIX = T("Rotate it: /ccb keys, or POST /v1/auth/tokens/{id}/rotate.")
DISK = T("Disk")
DISK_FULL = T("Disk full")
DISK_WHEN = T("less than {size} is free in the data folder")
DISK_FIX = T("Make room: lower the retention of events and metrics, or give the data folder a larger disk.")
CHANNEL = T("Channel {channel}")
CHANNEL_WHEN = T("{times} failures in a row")
CHANNEL_FIX = T("Mend it, then test it: /ccb alerts INTEGRATION test, or POST /v1/integrations/<id>/alerts/test.")
SCHEDULER = T("Scheduler stopped")
SCHEDULER_WHEN = T("nobody holds its duty for {seconds} s")
SCHEDULER_FIX = T("Start a node with the role scheduler (CCB_ROLES).")
QUOTA = T("{service} quota")
QUOTA_WHEN = T("{share}% or less is left")

_ALL = (
    PUBLIC_URL, PUBLIC_URL_WHEN, PUBLIC_URL_FIX, KEY, KEY_WHEN, KEY_OVER, KEY_FIX, DISK, DISK_FULL, DISK_WHEN, DISK_FIX,
    CHANNEL, CHANNEL_WHEN, CHANNEL_FIX, SCHEDULER, SCHEDULER_WHEN, SCHEDULER_FIX, QUOTA, QUOTA_WHEN, *DESCRIPTIONS,
)  # fmt: skip
_PLACE = re.compile(r"\\\{(\w+)\\\}")


def filled(template: Text, **values: Any) -> Text:
    """Return one of these texts with its values."""
    return Text(template.message, template.plural, values.get("count", 0), tuple(values.items()))


@lru_cache(maxsize=2_000)
def spoken(stored: str) -> Text:
    """Return a stored text as one for any language; what is none of ours stays as it is."""
    for form, template in _FORMS:
        found = form.fullmatch(stored)
        if found is not None:
            values: dict[str, Any] = found.groupdict()
            return filled(template, **values | ({"count": int(values["count"])} if "count" in values else {}))
    return T("{text}", text=stored)


def _forms() -> Iterator[tuple[re.Pattern[str], Text]]:
    for template in _ALL:
        for written in filter(None, (template.message, template.plural)):
            parts = _PLACE.sub(lambda place: rf"(?P<{place[1]}>{r'[0-9]+' if place[1] == 'count' else '.*'})",
                               re.escape(written))  # fmt: skip
            yield re.compile(parts), template


_FORMS = tuple(_forms())
