"""Errors as answers: the one place where what went wrong becomes a status and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.config import MAX_BODY
from core.errors import (
    CcbError,
    Conflict,
    Denied,
    InProgress,
    Invalid,
    Malformed,
    NotConfigured,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unsupported,
    Upstream,
)  # fmt: skip
from core.texts import T, Text

log = structlog.get_logger()

STATUS: Mapping[type[CcbError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    InProgress: 409,
    TooLarge: 413,
    Unsupported: 415,
    Invalid: 422,
    TooMany: 429,
    Upstream: 502,
    Unavailable: 503,
    NotConfigured: 503,
}
AWAY = (DBAPIError, PoolTimeoutError, OSError)
"""What a database that does not answer raises, as a rule."""
SERVER = "ccb"
"""In the header Server, in place of aiohttp's and Python's versions."""
CONFIGURE_SECONDS = 60
"""After how long to ask again for what waits for a setting."""


def status_of(error: CcbError) -> int:
    """Return the status that an error is answered with."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def answer(error: Exception, *, request_id: str, language: str, path: str) -> web.Response:
    """Return the answer to an error; what nobody foresaw is logged in full and shown as an id to quote."""
    match error:
        case CcbError():
            status = status_of(error)
            return _response(
                status, error.error, error.message, request_id, language, _headers(error, path), error.details
            )
        case web.HTTPRequestEntityTooLarge():
            limit = T("The body may have at most {limit} bytes.", limit=MAX_BODY)
            return _response(413, TooLarge.default_error, limit, request_id, language, {}, {"limit": MAX_BODY})
        case web.HTTPException():
            return _response(
                error.status, error.reason, T("HTTP refuses this: {reason}.", reason=error.reason), request_id, language
            )
        case web.RequestPayloadError():
            broken = T("The body broke off or is not framed as HTTP wants it.")
            return _response(400, Malformed.default_error, broken, request_id, language)
        case Exception() if isinstance(error, AWAY):  # the caller can ask again (`core.logs` tells of an outage rarely)
            log.error("request failed", request_id=request_id, path=path, exc_info=error)
            away = Unavailable(T("The database does not answer at this moment. Send it again later."))
            return answer(away, request_id=request_id, language=language, path=path)
        case _:
            log.error("request failed", request_id=request_id, path=path, exc_info=error)
            if path.startswith("/webhooks/"):  # what the sender of a delivery is told (contract.md)
                told = T("Failed to process webhook payload. The engine's log has the cause under {id}.", id=request_id)
                return _response(500, "Processing failed", told, request_id, language)
            quote = T("This is a fault of the engine. Its log has the cause under {id}: quote this id.", id=request_id)
            return _response(500, CcbError.default_error, quote, request_id, language)


def not_found(path: str, *, request_id: str, language: str) -> web.Response:
    """Return the answer for a path that nothing is at."""
    message = T("There is nothing at {path}. /docs shows what there is.", path=path[:200])
    return _response(404, NotFound.default_error, message, request_id, language)


def not_allowed(method: str, allowed: list[str], *, request_id: str, language: str) -> web.Response:
    """Return the answer for a method that a path does not take (RFC 9110 §15.5.6)."""
    message = T("{method} is not taken here, only {allowed}.", method=method[:20], allowed=", ".join(allowed))
    headers = {"Allow": ", ".join(allowed)}
    return _response(405, "Method not allowed", message, request_id, language, headers, {"allowed": allowed})


def unreadable(status: int, *, request_id: str) -> web.Response:
    """Return the answer to what is not HTTP."""
    return _response(status, Malformed.default_error, T("This is not a request that HTTP allows."), request_id, "en")


def _headers(error: CcbError, path: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated) and path.startswith("/v1"):
        headers["WWW-Authenticate"] = 'Bearer realm="ccb"'
    if isinstance(error, NotConfigured):
        headers["Retry-After"] = str(CONFIGURE_SECONDS)
    elif isinstance(error, (InProgress, TooMany, Unavailable, Upstream)) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return headers


def _response(
    status: int,
    error: str,
    message: Text,
    request_id: str,
    language: str,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> web.Response:
    def render(value: Any) -> Any:
        return value.render(language) if isinstance(value, Text) else str(value)

    content = {**(details or {}), "error": error, "message": message.render(language), "request_id": request_id}
    ordered = {name: content.pop(name) for name in ("error", "message")} | content
    return web.Response(
        status=status,
        body=orjson.dumps(ordered, default=render, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS),
        content_type="application/json",
        charset="utf-8",
        headers={
            "Server": SERVER,
            "X-Request-Id": request_id,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Content-Language": language,
            **(headers or {}),
        },
    )
