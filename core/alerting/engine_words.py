"""What the engine says about itself: stored in English, as rules are, and read in any language. Pure.

`core.alerting.watch` writes it; a name or a condition of there that is not among these stays English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from core.alerts.defaults import DESCRIPTIONS
from core.texts import TN, T, Text

NAMES = (
    T("Webhook endpoint"),
    T("Key expiry: {name}"),
    T("Disk full"),
    T("Disk"),
    T("Backup age"),
    T("Backup failed"),
    T("Channel {channel}"),
    T("Scheduler stopped"),
    T("{service} quota"),
)
CONDITIONS = (
    T("CCB_PUBLIC_URL does not answer {times} times in a row"),
    T("it expires in 0 days or less"),
    TN("it expires in {count} day or less", "it expires in {count} days or less", 0),
    T("less than {size} is free in the data folder"),
    TN("the newest good backup is older than {count} day", "the newest good backup is older than {count} days", 0),
    T("the newest good backup is older than {span}"),
    T("the last attempt at a backup failed"),
    T("{times} failures in a row"),
    T("nobody holds its duty for {seconds} s"),
    T("{share}% or less is left"),
)
ADVICE = (
    T("Check the proxy, the name and the certificate in front of the engine; senders see the same."),
    T("Rotate it: POST /v1/auth/tokens/{id}/rotate."),
    T("Give it a later expires_at: PATCH /v1/auth/tokens/{id}. Or make another, and revoke it."),
    T("Make room: lower the retention of events and metrics, or give the data folder a larger disk."),
    T("Report it when it has been made: `ccb backup --reported`, or POST /v1/backups."),
    T("Make one now: `ccb backup`, or POST /v1/backups; it says what stands in the way."),
    T("Mend it, then test it: POST /v1/integrations/<id>/alerts/test."),
    T("Start a node with the role scheduler (CCB_ROLES)."),
    *DESCRIPTIONS,
)
MEASURES = (T("{count} s"), T("{count} min"), T("{count} h"), T("{n} GB"), T("{n} MB"))
"""What stands for `{span}` and `{size}`."""
_MEASURED = ("span", "size")
_PLACE = re.compile(r"\\\{(\w+)\\\}")

_Forms = tuple[tuple[re.Pattern[str], Text], ...]


@lru_cache(maxsize=2_000)
def spoken(stored: str) -> Text:
    """Return a stored text as one for any language; what is none of ours stays as it is."""
    return _read(stored, _FORMS)


def _read(stored: str, forms: _Forms) -> Text:
    for form, template in forms:
        found = form.fullmatch(stored)
        if found is not None:
            values: dict[str, Any] = found.groupdict()
            values |= {"count": int(values["count"])} if "count" in values else {}
            values |= {name: _read(values[name], _MEASURES) for name in _MEASURED if name in values}
            return Text(template.message, template.plural, values.get("count", 0), tuple(values.items()))
    return T("{text}", text=stored)


def _forms(*templates: Text) -> Iterator[tuple[re.Pattern[str], Text]]:
    for template in templates:
        for written in filter(None, (template.message, template.plural)):
            yield re.compile(_PLACE.sub(_group, re.escape(written))), template


def _group(place: re.Match[str]) -> str:
    return f"(?P<{place[1]}>{'[0-9]+' if place[1] == 'count' else '.*'})"


_FORMS = tuple(_forms(*NAMES, *CONDITIONS, *ADVICE))
_MEASURES = tuple(_forms(*MEASURES))
