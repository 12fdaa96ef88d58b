"""Standard Webhooks (www.standardwebhooks.com), which Svix, OpenAI, Supabase and many others send.

The `standardwebhooks` library reads the clock itself and decodes the body as text, so the scheme is written out here;
the tests have that library as the sender.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson

from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source, SourceParams, bad_signature
from core.sources.naming import UNNAMED, identity, placed, text_at
from core.sources.proof import check_age, digest, match, raw, required
from core.texts import T

_ID = "webhook-id"
_TIMESTAMP = "webhook-timestamp"
_SIGNATURE = "webhook-signature"


class StandardWebhooks(Source[SourceParams]):
    """Any sender that follows the specification's symmetric scheme, `v1`."""

    kind = "standard-webhooks"
    title = "Standard Webhooks"
    generic = True
    params = SourceParams

    def verify(self, params: SourceParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Check the time, then each `v1` signature of the list."""
        message_id = required(delivery, _ID)
        stamp = required(delivery, _TIMESTAMP)
        given = [part for part in required(delivery, _SIGNATURE).split(" ") if part.startswith("v1,")]
        if not given:
            raise bad_signature(
                T(
                    "{header} holds no v1 signature, the only scheme taken. Have the sender sign with a shared secret.",
                    header=_SIGNATURE,
                ),
                code="malformed",
            )
        check_age(stamp, header=_TIMESTAMP, now=now)
        return match(
            _SIGNATURE,
            given,
            secrets,
            lambda secret: _signature(secret, message_id, stamp, delivery.body),
            shape="v1,<44 characters of base64>",
        )

    def identify(self, params: SourceParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the event by the payload's `type`; the id is the same for every try of a message."""
        return identity(text_at(payload, "type"), delivery.headers.get(_ID))

    def sign(
        self, params: SourceParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make the request for one message, its type placed in the payload."""
        body = orjson.dumps(payload if event_type == UNNAMED else placed(payload, "type", event_type))
        stamp = str(int(now))
        headers = {
            "Content-Type": "application/json",
            _ID: delivery_id,
            _TIMESTAMP: stamp,
            _SIGNATURE: _signature(secret, delivery_id, stamp, body),
        }
        return SignedRequest(headers, body)


def _signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    signed = digest(_key(secret), raw(f"{message_id}.{stamp}."), body)
    return "v1," + base64.b64encode(signed).decode()


def _key(secret: str) -> bytes:
    """Return the key in `whsec_<base64>` or bare base64 (padded or not); what is not base64 is the key itself."""
    text = secret.removeprefix("whsec_")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return raw(secret)
    return decoded or raw(secret)


SOURCES.add(StandardWebhooks.kind, StandardWebhooks())
