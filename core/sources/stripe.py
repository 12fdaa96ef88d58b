"""Stripe's webhooks: HMAC-SHA256 of time and body (docs.stripe.com/webhooks, "Verify manually")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source, SourceParams, bad_signature
from core.sources.naming import identity, placed, text_at
from core.sources.proof import check_age, digest, match, raw, required
from core.texts import T

_SIGNATURE = "Stripe-Signature"


class Stripe(Source[SourceParams]):
    """Stripe's endpoints: events of an account, snapshot or thin."""

    kind = "stripe"
    title = "Stripe"
    params = SourceParams

    def verify(self, params: SourceParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Check the time `t`, then each `v1`: while a secret is rolled, Stripe signs with both."""
        stamp, given = _parts(required(delivery, _SIGNATURE))
        check_age(stamp, header=_SIGNATURE, now=now)
        return match(
            _SIGNATURE,
            given,
            secrets,
            lambda secret: _signature(secret, stamp, delivery.body),
            shape="t=<seconds>,v1=<64 hex digits>",
        )

    def identify(self, params: SourceParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the event by the payload's `type` and `id`, which every try of it repeats."""
        return identity(text_at(payload, "type"), text_at(payload, "id"))

    def sign(
        self, params: SourceParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make the delivery of one event object."""
        body = orjson.dumps(placed(placed(payload, "type", event_type), "id", delivery_id))
        stamp = str(int(now))
        signature = f"t={stamp},v1={_signature(secret, stamp, body)}"
        return SignedRequest({"Content-Type": "application/json", _SIGNATURE: signature}, body)


def _parts(header: str) -> tuple[str, list[str]]:
    """Split `t=…,v1=…,v1=…,v0=…` into the time and the v1 signatures; other schemes are passed over, as Stripe asks."""
    pairs = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"]
    if len(stamps) != 1 or not given:
        raise bad_signature(
            T("{header} must be t=<seconds>,v1=<signature>. Send it as Stripe does.", header=_SIGNATURE),
            code="malformed",
        )
    return stamps[0], given


def _signature(secret: str, stamp: str, body: bytes) -> str:
    return digest(raw(secret), raw(f"{stamp}."), body).hex()


SOURCES.add(Stripe.kind, Stripe())
