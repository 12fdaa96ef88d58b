"""GitLab's webhooks, proved by a secret token (docs.gitlab.com/user/project/integrations/webhooks)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from core.errors import Malformed
from core.sources import SOURCES, Delivery, Identity, SignedRequest, Source, SourceParams
from core.sources.naming import identity, lookup, placed
from core.sources.proof import match, required
from core.texts import T

_TOKEN = "X-Gitlab-Token"  # noqa: S105 - a header's name

# Where the payload says what became of the thing (docs.gitlab.com/user/project/integrations/webhook_events): pipelines
# have a status, issues, merge requests, notes and most others an action; jobs, deployments and releases say it outside.
_DETAILS = ("object_attributes.status", "object_attributes.action", "build_status", "status", "action")
_DETAIL_OF = {
    "pipeline": "object_attributes.status",
    "job": "build_status",
    "deployment": "status",
    "release": "action",
}


class GitLab(Source[SourceParams]):
    """Project, group and system hooks of GitLab."""

    kind = "gitlab"
    title = "GitLab"
    params = SourceParams

    def verify(self, params: SourceParams, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Compare the token; GitLab signs neither body nor time with it."""
        return match(_TOKEN, [required(delivery, _TOKEN)], secrets, lambda secret: secret, shape=None)

    def identify(self, params: SourceParams, delivery: Delivery, payload: Any) -> Identity:
        """Name the event in snake case with what became of it: `pipeline.failed`, `merge_request.open`, `push`."""
        event = delivery.headers.get("x-gitlab-event")
        if not event:
            raise Malformed(T("The header X-Gitlab-Event is missing: it says what happened. Send it as GitLab does."))
        kind = event.removesuffix(" Hook").lower().replace(" ", "_")
        path = _detail_path(payload)
        event_type = f"{kind}.{lookup(payload, path)}" if path else kind
        # Idempotency-Key (since GitLab 17.4) is "consistent across webhook retries". X-Gitlab-Event-UUID is no
        # substitute before that: a resent delivery gets a new one, while the different events of a chain of webhooks
        # that trigger each other "share the same value", so it would drop genuine events as duplicates.
        return identity(event_type, delivery.headers.get("idempotency-key"))

    def sign(
        self, params: SourceParams, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make the delivery of an event; what follows the first dot of its type goes where the payload has it."""
        kind, _, detail = event_type.partition(".")
        if detail:
            path = _detail_path(payload) or _DETAIL_OF.get(kind, "object_attributes.action")
            payload = placed(payload, path, detail)
        headers = {
            "Content-Type": "application/json",
            "X-Gitlab-Event": kind.replace("_", " ").title() + " Hook",
            "Idempotency-Key": delivery_id,
            _TOKEN: secret,
        }
        return SignedRequest(headers, orjson.dumps(payload))


def _detail_path(payload: Any) -> str | None:
    for path in _DETAILS:
        detail = lookup(payload, path)
        if isinstance(detail, str) and detail:
            return path
    return None


SOURCES.add(GitLab.kind, GitLab())
