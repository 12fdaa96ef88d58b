"""One sender of each kind, for the tests: parameters, a secret, and requests as they arrive."""

from __future__ import annotations

from typing import Any

from core.sources import SOURCES, Delivery, SignedRequest, Source, SourceParams

NOW = 1_700_000_000.0
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHER_SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
PAYLOAD = {"subject": {"number": 7, "title": "Grüße"}, "items": [{"id": 1}, {"id": 2}]}

_NAMED = {"event_type_path": "type", "delivery_id_header": "X-Delivery"}
_PARAMS: dict[str, dict[str, Any]] = {
    "hmac": {**_NAMED, "header": "X-Signature", "prefix": "sha256="},
    "bearer": _NAMED,
    "none": {**_NAMED, "unsigned": True},
}


def source(kind: str, **params: Any) -> tuple[Source[Any], SourceParams]:
    """Return the kind's source and its parameters, the sample's own where none are given."""
    found = SOURCES.get(kind)
    return found, found.params.model_validate({"kind": kind, **(params or _PARAMS.get(kind, {}))})


def arrived(request: SignedRequest) -> Delivery:
    """Return a request as the HTTP layer hands it on: header names in lower case."""
    return Delivery({name.lower(): value for name, value in request.headers.items()}, request.body)


def signed(kind: str, *, event_type: str = "thing.happened", payload: Any = PAYLOAD, secret: str = SECRET) -> Delivery:
    """Return a delivery that this kind of sender made at `NOW`."""
    of_kind, params = source(kind)
    return arrived(
        of_kind.sign(params, secret=secret, event_type=event_type, delivery_id="d-1", payload=payload, now=NOW)
    )


def with_header(delivery: Delivery, name: str, value: str | None) -> Delivery:
    """Return the delivery with one header changed, or left out."""
    headers = {key: kept for key, kept in delivery.headers.items() if key != name.lower()}
    return Delivery(headers if value is None else {**headers, name.lower(): value}, delivery.body)
