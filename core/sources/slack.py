"""Slack's requests: Events API, slash commands, interactions (docs.slack.dev, "Verifying requests from Slack")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source, SourceParams, form
from core.sources.naming import identity, lookup, placed, text_at
from core.sources.proof import check_age, digest, match, raw, required

SLASH_COMMAND = "slash_command"
"""Our name for the type of a slash command, for which Slack has none."""

_SIGNATURE = "X-Slack-Signature"
_TIMESTAMP = "X-Slack-Request-Timestamp"


class Slack(Source[SourceParams]):
    """A Slack app's request URLs, signed by its signing secret."""

    kind = "slack"
    title = "Slack"
    params = SourceParams

    def verify(self, params: SourceParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Check the time, then the `v0` signature."""
        given = required(delivery, _SIGNATURE)
        stamp = required(delivery, _TIMESTAMP)
        check_age(stamp, header=_TIMESTAMP, now=now)
        return match(
            _SIGNATURE,
            [given],
            secrets,
            lambda secret: _signature(secret, stamp, delivery.body),
            shape="v0=<64 hex digits>",
        )

    def identify(self, params: SourceParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the inner event (`app_mention`), the interaction (`block_actions`) or the command.

        Only the Events API is retried, and only it has an id: `event_id`, the same at every try.
        """
        outer = text_at(payload, "type")
        if outer == "event_callback":
            return identity(text_at(payload, "event.type"), text_at(payload, "event_id"))
        if outer is None and isinstance(lookup(payload, "command"), str):
            return identity(SLASH_COMMAND, None)
        return identity(outer, text_at(payload, "event_id"))

    def sign(
        self, params: SourceParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make a slash command or an interaction of a payload that is one, and an Events API request of any other."""
        content_type = form.CONTENT_TYPE
        if event_type == SLASH_COMMAND and isinstance(payload, dict):
            body = urlencode(payload).encode()
        elif text_at(payload, "type") == event_type:
            body = form.encoded(payload)
        else:
            content_type = "application/json"
            event = placed(placed(payload, "event.type", event_type), "event_id", delivery_id)
            body = orjson.dumps(placed(event, "type", "event_callback"))
        stamp = str(int(now))
        headers = {"Content-Type": content_type, _TIMESTAMP: stamp, _SIGNATURE: _signature(secret, stamp, body)}
        return SignedRequest(headers, body)

    def parse(self, delivery: Delivery) -> Any:
        """Return JSON, the JSON in a form's `payload` (interactions), or the form's fields (slash commands)."""
        if not form.is_form(delivery):
            return super().parse(delivery)
        fields = form.fields(delivery.body)
        return form.payload(fields) if "payload" in fields else fields

    def reply(self, params: SourceParams, delivery: Delivery, payload: Any) -> dict[str, Any] | None:
        """Answer the challenge by which Slack checks a request URL."""
        if lookup(payload, "type") != "url_verification":
            return None
        return {"challenge": lookup(payload, "challenge")}


def _signature(secret: str, stamp: str, body: bytes) -> str:
    return "v0=" + digest(raw(secret), raw(f"v0:{stamp}:"), body).hex()


SOURCES.add(Slack.kind, Slack())
