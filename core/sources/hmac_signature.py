"""A signature scheme described in the manifest: an HMAC of the raw body in some header.

Sentry's integrations: `header: Sentry-Hook-Signature, event_type_header: Sentry-Hook-Resource, event_type_path: action,
delivery_id_header: Request-ID`. Grafana: `header: X-Grafana-Alerting-Signature, event_type_path: status`, with the
contact point's timestamp header left empty, as it is by default: otherwise Grafana signs more than the body.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Literal

import orjson
from pydantic import Field

from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source
from core.sources.naming import NamedParams, name_request, named
from core.sources.proof import digest, match, raw, required


class HmacParams(NamedParams):
    """Where the signature is and how it is written."""

    header: str = Field(min_length=1, description="Header with the signature.")
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field("", description='What stands before the signature, such as "sha256=".')


class Hmac(Source[HmacParams]):
    """Any sender that signs the raw body with a shared secret."""

    kind = "hmac"
    title = "HMAC"
    generic = True
    params = HmacParams

    def verify(self, params: HmacParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Check the header that the manifest names; there is no time in this scheme."""
        given = required(delivery, params.header)
        return match(
            params.header,
            [given],
            secrets,
            lambda secret: _signature(params, secret, delivery.body),
            shape=f"{params.prefix}<{params.algorithm}, {params.encoding}>",
        )

    def identify(self, params: HmacParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the event as the manifest says."""
        return named(params, delivery, payload)

    def sign(
        self, params: HmacParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make a request that carries the names where the manifest says."""
        names, payload = name_request(params, event_type=event_type, delivery_id=delivery_id, payload=payload)
        body = orjson.dumps(payload)
        signature = _signature(params, secret, body)
        return SignedRequest({"Content-Type": "application/json", **names, params.header: signature}, body)


def _signature(params: HmacParams, secret: str, body: bytes) -> str:
    signed = digest(raw(secret), body, algorithm=params.algorithm)
    return params.prefix + (signed.hex() if params.encoding == "hex" else base64.b64encode(signed).decode())


SOURCES.add(Hmac.kind, Hmac())
