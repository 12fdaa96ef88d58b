"""GitHub's deliveries as it lists them, and what its words for a failed one mean. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from core.errors import Upstream
from core.texts import T, Text

PING = "ping"
"""What GitHub sends when a hook is made: no event that anybody misses."""


class Listed(BaseModel):
    """One attempt of a delivery (https://docs.github.com/en/rest/repos/webhooks#list-deliveries-for-a-repository-webhook)."""

    id: int
    guid: str
    delivered_at: datetime
    redelivery: bool = False
    status: str | None = None
    status_code: int | None = None
    event: str = ""
    action: str | None = None

    @property
    def at(self) -> float:
        """When, in seconds since the epoch."""
        return self.delivered_at.timestamp()

    @property
    def acknowledged(self) -> bool:
        """Whether it was answered with 2xx."""
        return 200 <= (self.status_code or 0) < 300


@dataclass(frozen=True)
class Sent:
    """One event that GitHub sent, over its attempts (they share the guid): `newest` of them, and the first's time."""

    newest: Listed
    at: float
    attempts: int = 1
    acknowledged: int | None = None
    """The id of an attempt that was answered with 2xx."""
    redelivered: bool = False

    @property
    def guid(self) -> str:
        """What all its attempts share."""
        return self.newest.guid

    def detail(self, *, owner: str, hook_id: int) -> str:
        """Return what is kept of it as a gap: JSON."""
        one = self.newest
        kept = {"owner": owner, "hook_id": hook_id, "delivery_id": one.id, "event": one.event, "action": one.action}
        answer = {"status_code": one.status_code or 0, "status": one.status or "", "attempts": self.attempts}
        return orjson.dumps({**kept, **answer}).decode()


_PAGE: TypeAdapter[list[Listed]] = TypeAdapter(list[Listed])


def parse(page: Any) -> list[Listed]:
    """Return a page of GitHub's list; raise `Upstream` when it is something else."""
    try:
        return _PAGE.validate_python(page)
    except ValidationError:
        raise Upstream(
            T("GitHub's list of deliveries cannot be read. Check {setting}.", setting="GITHUB_API_URL")
        ) from None


def gather(known: Mapping[str, Sent], attempts: Iterable[Listed]) -> dict[str, Sent]:
    """Return what `attempts` (newest first) belong to, added to what is `known` of the newer ones."""
    found: dict[str, Sent] = {}
    for one in attempts:
        before = found.get(one.guid) or known.get(one.guid)
        acknowledged = one.id if one.acknowledged else None
        if before is None:
            found[one.guid] = Sent(one, one.at, 1, acknowledged, one.redelivery)
        else:
            found[one.guid] = replace(
                before,
                at=min(before.at, one.at),
                attempts=before.attempts + 1,
                acknowledged=before.acknowledged or acknowledged,
                redelivered=before.redelivered or one.redelivery,
            )
    return found


def is_ours(answer: Any) -> bool:
    """Say whether an answer's body, as GitHub kept it, is what this engine answers with once an event is stored."""
    try:
        body = orjson.loads(answer) if isinstance(answer, str) else answer
    except orjson.JSONDecodeError:
        return False
    event_id = body.get("event_id") if isinstance(body, dict) else None
    return isinstance(event_id, str) and event_id.startswith("evt_")


def reason(status_code: int, status: str) -> Text:
    """Return in words why a delivery did not get through."""
    known = {
        401: T("the signature was refused: the secret at GitHub is not the one here"),
        403: T("the integration was not active"),
        404: T("there is nothing at the address that the hook has"),
        413: T("it was too large"),
        502: T("GitHub could not connect"),
        503: T("the engine could not take it at that moment"),
        504: T("there was no answer within ten seconds"),
    }
    if status_code in known:
        return known[status_code]
    if 200 <= status_code < 300:
        return T("something else than this engine answered it ({status_code})", status_code=status_code)
    if 300 <= status_code < 400:
        return T("the hook's address redirects ({status_code}), which GitHub does not follow", status_code=status_code)
    if status_code:
        return T("it was answered with {status_code}", status_code=status_code)
    return T("there was no answer: {status}", status=status or "-")
