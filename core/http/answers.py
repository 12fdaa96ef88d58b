"""What the OpenAPI document says of a route's answers: the good one, every error, and the headers of each."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from core.errors import (
    CcbError,
    Denied,
    InProgress,
    Invalid,
    Malformed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unsupported,
)  # fmt: skip
from core.http import idempotency
from core.http.errors import STATUS
from core.http.rate_limit import HEADERS as LIMITS
from core.http.routes import ANY_KEY, Route

ERROR = {"$ref": "#/components/schemas/Error"}

_SPECIAL: Mapping[str, tuple[str, str]] = {
    "X-Request-Id": ("string", "Quote it when you ask about this request."),
    "Retry-After": ("integer", "After how many seconds to send it again."),
    "WWW-Authenticate": ("string", "How to show a key."),
    "ETag": ("string", "Send it in `If-None-Match` to be answered 304 as long as nothing has changed."),
    "X-Total-Count": ("integer", "How many there are in all."),
    "Link": ("string", "Other pages of the list, such as the next one (RFC 8288)."),
    "Age": ("integer", "How many seconds old this answer is; only where `Cache-Control: max-age` allowed it."),
    "Location": ("string", "Where it is."),
    idempotency.REPLAYED: ("string", "`true` when this is the answer to an earlier request with the same key."),
    **{name: ("string", meaning) for name, meaning in LIMITS.items()},
}
COMPONENTS: Mapping[str, dict[str, Any]] = {
    name: {"description": meaning, "schema": {"type": kind}} for name, (kind, meaning) in _SPECIAL.items()
}
"""Every header of an answer, for `components.headers`."""

_CACHED = ("ETag",)
_LISTED = ("ETag", "X-Total-Count", "Link", "Age")


def responses(one: Route, schema: dict[str, Any] | None, also: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """Return a route's answers by status; `schema` is that of the good one, `also` those of other good ones."""
    good: dict[str, Any] = {"description": HTTPStatus(one.status).phrase}
    if schema is not None:
        good["content"] = {one.produces: {"schema": schema}}
    elif one.produces.startswith("image/"):
        good["content"] = {one.produces: {"schema": {}}}  # of bytes it says nothing (OpenAPI 3.1 §4.8.14.4)
    elif one.produces != "application/json":
        good["content"] = {one.produces: {"schema": {"type": "string"}}}
    found = {str(one.status): _with_headers(good, *_of_good(one))}
    for status, other in also.items():
        answer = {"description": HTTPStatus(status).phrase, "content": {one.produces: {"schema": other}}}
        found[str(status)] = _with_headers(answer, *_of_good(one))
    if one.listed or one.cached:
        unchanged = {"description": "Not Modified: the caller has it already"}
        found["304"] = _with_headers(unchanged, "X-Request-Id", *_common(one), *(_LISTED if one.listed else _CACHED))
    for status, kinds in sorted(_errors(one).items()):
        names = ", ".join(dict.fromkeys(kind.default_error for kind in kinds))
        answer = {
            "description": f"{HTTPStatus(status).phrase}: {names}",
            "content": {"application/json": {"schema": ERROR}},
        }
        headers = ["X-Request-Id", *_common(one)]
        if any(kind in (InProgress, TooMany, Unavailable) for kind in kinds):
            headers.append("Retry-After")
        if status == 401 and not one.open:
            headers.append("WWW-Authenticate")
        found[str(status)] = _with_headers(answer, *headers)
    return found


def _of_good(one: Route) -> list[str]:
    names = [] if one.raw else ["X-Request-Id"]
    names += _common(one)
    if one.listed:
        names += _LISTED
    if one.cached:
        names += _CACHED
    if one.takes_idempotency_key:
        names.append(idempotency.REPLAYED)
    if 300 <= one.status < 400:
        names.append("Location")
    return [*names, *one.headers]


def _common(one: Route) -> tuple[str, ...]:
    return () if one.open else tuple(LIMITS)


def _with_headers(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    if names:
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)}
    return answer


def _errors(one: Route) -> Mapping[int, list[type[CcbError]]]:
    """Return the errors of a route by status: its own, and those that follow from what it asks for."""
    kinds: list[type[CcbError]] = [*one.errors, CcbError, Unavailable]
    if not one.open:
        kinds += [Malformed, Unauthenticated, TooMany]
    if one.permission not in (None, ANY_KEY):
        kinds.append(Denied)
    if one.takes_idempotency_key:
        kinds.append(InProgress)
    if one.request is not None:
        kinds += [Malformed, TooLarge, Unsupported]
    if not one.raw:
        kinds += [Invalid, NotFound] if one.places else [Invalid]
    found: dict[int, list[type[CcbError]]] = {}
    for kind in kinds:
        found.setdefault(STATUS.get(kind, 500), []).append(kind)
    return found
