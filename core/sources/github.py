"""GitHub's webhooks: HMAC-SHA256 of the raw body (docs.github.com, "Validating webhook deliveries").

gidgethub's `validate_event` is not used: it takes SHA-1 signatures too and fails on a header that is not ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from core.errors import Malformed
from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source, SourceParams, form
from core.sources.naming import identity, lookup, placed
from core.sources.proof import digest, match, raw, required
from core.texts import T

_SIGNATURE = "X-Hub-Signature-256"


class GitHub(Source[SourceParams]):
    """Repositories, organisations and Apps on GitHub."""

    kind = "github"
    title = "GitHub"
    params = SourceParams

    def verify(self, params: SourceParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Check `X-Hub-Signature-256`; GitHub signs no time, so `now` plays no part."""
        given = required(delivery, _SIGNATURE)
        return match(_SIGNATURE, [given], secrets, lambda secret: _signature(secret, delivery.body), shape=_SHAPE)

    def identify(self, params: SourceParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the event as GitHub does: `push`, or `pull_request.opened` where the payload has an action.

        The delivery id stays the same when GitHub redelivers.
        """
        event = delivery.headers.get("x-github-event")
        if not event:
            raise Malformed(T("The header X-GitHub-Event is missing: it says what happened. Send it as GitHub does."))
        action = lookup(payload, "action")
        event_type = f"{event}.{action}" if isinstance(action, str) and action else event
        return identity(event_type, delivery.headers.get("x-github-delivery"))

    def sign(
        self, params: SourceParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make the delivery of an event; what follows the first dot of its type goes into `action`."""
        event, _, action = event_type.partition(".")
        body = orjson.dumps(placed(payload, "action", action) if action else payload)
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery_id,
            _SIGNATURE: _signature(secret, body),
        }
        return SignedRequest(headers, body)

    def parse(self, delivery: Delivery) -> Any:
        """Return the payload, from JSON or, the webhook's other content type, from a form."""
        return form.payload(form.fields(delivery.body)) if form.is_form(delivery) else super().parse(delivery)


_SHAPE = "sha256=<64 hex digits>"


def _signature(secret: str, body: bytes) -> str:
    return "sha256=" + digest(raw(secret), body).hex()


SOURCES.add(GitHub.kind, GitHub())
