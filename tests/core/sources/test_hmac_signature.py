"""Schemes described in a manifest."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from pydantic import ValidationError

from core.errors import Unauthenticated
from core.sources import Delivery, Identity
from tests.core.sources.samples import NOW, SECRET, arrived, source

BODY = b'{"action":"created","data":{"issue":{"id":"1170820242"}}}'


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha=", "HMAC "])
def test_every_way_of_writing_it(algorithm: str, encoding: str, prefix: str) -> None:
    kind, params = source("hmac", header="X-Sig", algorithm=algorithm, encoding=encoding, prefix=prefix)
    proof = hmac.new(SECRET.encode(), BODY, getattr(hashlib, algorithm)).digest()
    text = prefix + (proof.hex() if encoding == "hex" else base64.b64encode(proof).decode())
    assert kind.verify(params, Delivery({"x-sig": text}, BODY), secrets=[SECRET], now=NOW) == "X-Sig"
    for broken in (text[:-1], text + "=", text[1:]):
        with pytest.raises(Unauthenticated, match="must be") as caught:
            kind.verify(params, Delivery({"x-sig": broken}, BODY), secrets=[SECRET], now=NOW)
        assert caught.value.details["reason"] == "malformed"


def test_sentrys_integrations() -> None:
    # docs.sentry.io/organization/integrations/integration-platform/webhooks: hex HMAC-SHA256 of the body
    kind, params = source(
        "hmac",
        header="Sentry-Hook-Signature",
        event_type_header="Sentry-Hook-Resource",
        event_type_path="action",
        delivery_id_header="Request-ID",
    )
    headers = {
        "sentry-hook-signature": hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest(),
        "sentry-hook-resource": "issue",
        "sentry-hook-timestamp": "1700000000",
        "request-id": "8a3f",
    }
    delivery = Delivery(headers, BODY)
    assert kind.verify(params, delivery, secrets=[SECRET], now=NOW) == "Sentry-Hook-Signature"
    assert kind.identify(params, delivery, kind.parse(delivery)) == Identity("issue.created", "8a3f")
    assert params.model_copy(update={"events": ["issue"]}).handles("issue.created")


def test_grafanas_contact_points() -> None:
    # github.com/grafana/alerting, http/hmac.go: hex HMAC-SHA256 of the body alone unless a timestamp header is set
    kind, params = source("hmac", header="X-Grafana-Alerting-Signature", event_type_path="status")
    body = b'{"receiver":"ccb","status":"firing","alerts":[]}'
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    delivery = Delivery({"x-grafana-alerting-signature": signature}, body)
    assert kind.verify(params, delivery, secrets=[SECRET], now=NOW) == "X-Grafana-Alerting-Signature"
    assert kind.identify(params, delivery, kind.parse(delivery)) == Identity("firing", None)


@pytest.mark.parametrize(
    "names",
    [
        {"event_type_header": "X-Type", "delivery_id_header": "X-Id"},
        {"event_type_path": "meta.type", "delivery_id_path": "meta.id"},
        {"event_type_header": "X-Type", "event_type_path": "action", "delivery_id_path": "items.0.id"},
    ],
)
def test_names_are_where_the_manifest_says(names: dict[str, str]) -> None:
    kind, params = source("hmac", header="X-Sig", **names)
    request = kind.sign(
        params, secret=SECRET, event_type="a.b.c", delivery_id="9", payload={"items": [{"id": 1}]}, now=NOW
    )
    delivery = arrived(request)
    assert kind.verify(params, delivery, secrets=[SECRET], now=NOW)
    assert kind.identify(params, delivery, kind.parse(delivery)) == Identity("a.b.c", "9")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"header": ""},
        {"header": "X", "algorithm": "md5"},
        {"header": "X", "encoding": "hexa"},
        {"header": "X", "x": 1},
    ],
)
def test_wrong_parameters(params: dict[str, Any]) -> None:
    kind, _ = source("hmac")
    with pytest.raises(ValidationError):
        kind.params.model_validate({"kind": "hmac", **params})
