"""What schemathesis cannot read from the document (loaded by its process, not by pytest)."""

from __future__ import annotations

import itertools
import re
from typing import Any

import schemathesis

_GOOD = re.compile(r"[!#-~][ -~]{0,254}")
_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2}T.*)")
_numbers = itertools.count(1)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Keep what depends on other requests, and on the time: a key is used once, what expires lies ahead."""
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and _GOOD.fullmatch(key):
        case.headers["Idempotency-Key"] = f"{key[:240]}{next(_numbers)}"
    body: Any = case.body
    time = body.get("expires_at") if isinstance(body, dict) else None
    if isinstance(time, str) and (found := _TIME.fullmatch(time)):
        body["expires_at"] = f"2999{found[1]}"
