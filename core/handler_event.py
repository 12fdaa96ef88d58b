"""The event as a handler sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_PROOF = re.compile(r"authorization|cookie|signature|hmac|token|secret|passw|api-?key", re.IGNORECASE)


def without_proofs(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers but for what proves the sender (signatures, tokens, cookies): nobody needs it any more."""
    return {name: value for name, value in headers.items() if not proves(name)}


@lru_cache(maxsize=1024)  # the same few names come with every delivery
def proves(name: str) -> bool:
    """Say whether a name is that of a secret, such as `X-Hub-Signature` or `token`."""
    return _PROOF.search(name) is not None


def event_for_handler(
    *, id: str, type: str, source: str, received_at: float, headers: Mapping[str, str], payload: Any
) -> dict[str, Any]:
    """Return the `event` that a handler is given; `received_at` in seconds since the epoch becomes ISO 8601 in UTC.

    Header names are in lower case, those that prove the sender are left out, so that a handler cannot pass them on.
    """
    moment = datetime.fromtimestamp(received_at, UTC).isoformat(timespec="milliseconds")
    return {
        "id": id,
        "type": type,
        "source": source,
        "received_at": moment.replace("+00:00", "Z"),
        "headers": {name.lower(): value for name, value in without_proofs(headers).items()},
        "payload": payload,
    }
