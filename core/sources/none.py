"""Senders that prove nothing: whoever knows the address can send. Taken only when the manifest says so in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import orjson
from pydantic import Field

from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source
from core.sources.naming import NamedParams, name_request, named


class UnsignedParams(NamedParams):
    """What makes the choice explicit."""

    unsigned: Literal[True] = Field(description="Must be true: yes, deliveries to this integration are not proved.")


class Unsigned(Source[UnsignedParams]):
    """A sender that can neither sign nor set a header."""

    kind = "none"
    title = "Unsigned"
    generic = True
    needs_secret = False
    params = UnsignedParams

    def verify(self, params: UnsignedParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Let everything pass, and have the trace say so."""
        return "unsigned"

    def identify(self, params: UnsignedParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the event as the manifest says."""
        return named(params, delivery, payload)

    def sign(
        self, params: UnsignedParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make a request with its names and no proof."""
        names, payload = name_request(params, event_type=event_type, delivery_id=delivery_id, payload=payload)
        return SignedRequest({"Content-Type": "application/json", **names}, orjson.dumps(payload))


SOURCES.add(Unsigned.kind, Unsigned())
