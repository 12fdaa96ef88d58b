"""Cross-origin requests: closed, but for the origins that the setting CCB_CORS_ORIGINS names (https://fetch.spec.whatwg.org).

Keys are sent in a header, so cookies are never allowed (no `Access-Control-Allow-Credentials`), and an origin is always
answered by its own name.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

EXPOSED = ", ".join((
    "X-Total-Count", "Link", "ETag", "Age", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id",
    "Idempotency-Replayed",
))  # fmt: skip
"""What a page of an allowed origin may read of an answer."""
SENT = "Authorization, Content-Type, If-None-Match, Cache-Control, Idempotency-Key, X-Request-Id"
"""What it may send."""
PREFLIGHT_SECONDS = 600


class Cors:
    """The origins that may call from a browser."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    def apply(self, response: web.StreamResponse, raw: web.BaseRequest) -> None:
        """Add to an answer what the browser wants to see; nothing where no origin is allowed."""
        if not self._origins:
            return
        vary = response.headers.get("Vary")
        response.headers["Vary"] = f"{vary}, Origin" if vary else "Origin"
        origin = raw.headers.get("Origin")
        if origin in self._origins and origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    def preflight(self, raw: web.BaseRequest, allowed: Iterable[str]) -> web.Response | None:
        """Return the answer to a browser that asks before it sends; None where it is none of that."""
        wanted = raw.headers.get("Access-Control-Request-Method")
        if raw.method != "OPTIONS" or wanted is None or raw.headers.get("Origin") not in self._origins:
            return None
        response = web.Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = ", ".join(allowed)
        response.headers["Access-Control-Allow-Headers"] = SENT
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        self.apply(response, raw)
        response.headers["Vary"] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        return response
