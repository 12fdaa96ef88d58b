"""Senders that show an API key of ours (RFC 6750) instead of signing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source, bad_signature
from core.sources.naming import NamedParams, name_request, named
from core.sources.proof import required
from core.texts import T

_HEADER = "Authorization"
_FORM = re.compile(r"bearer +[A-Za-z0-9\-._~+/]+=*", re.IGNORECASE | re.ASCII)


class Bearer(Source[NamedParams]):
    """Any sender that can set a header: its key needs the permission `webhooks.receive`."""

    kind = "bearer"
    title = "API key (Bearer)"
    generic = True
    needs_secret = False
    key_authenticated = True
    params = NamedParams

    def verify(self, params: NamedParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Check the header's form (RFC 6750 §2.1); whose key it is, and what it may do, the HTTP layer checks."""
        if not _FORM.fullmatch(required(delivery, _HEADER)):
            raise bad_signature(
                T(
                    "{header} must be the word Bearer, a space and an API key with the permission webhooks.receive.",
                    header=_HEADER,
                ),
                code="malformed",
            )
        return _HEADER

    def identify(self, params: NamedParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the event as the manifest says."""
        return named(params, delivery, payload)

    def sign(
        self, params: NamedParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make a request that shows `secret` as its key."""
        names, payload = name_request(params, event_type=event_type, delivery_id=delivery_id, payload=payload)
        headers = {"Content-Type": "application/json", **names, _HEADER: f"Bearer {secret}"}
        return SignedRequest(headers, orjson.dumps(payload))


SOURCES.add(Bearer.kind, Bearer())
