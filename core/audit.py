"""The audit: who changed what, when, from what to what. Secrets come here masked, never as they are.

An entry is made by the service that makes a change and stored by `storage.audit.add` in the change's own transaction,
so that neither can be there without the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

import orjson

from core.actors import Actor
from core.context import Context
from storage import audit as rows

LONGEST = 2_000
"""Characters of a value's JSON that are kept; of what is longer, the beginning."""


class Change(TypedDict, total=False):
    """What was changed. `before`, `after`: the values as they may be shown (secrets masked by the caller); only keys
    that differ are kept. `subject`: the id of what it was done to, beside the integration."""

    integration_id: str | None
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    why: str


def entry(ctx: Context, actor: Actor, action: str, **change: Unpack[Change]) -> dict[str, Any]:
    """Return the row for one change, ready for `storage.audit.add`. `action`: what was done: `config.changed`."""
    return row(ctx.clock.now(), actor, action, **change)


def row(at: float, actor: Actor, action: str, **change: Unpack[Change]) -> dict[str, Any]:
    """Return what `entry` returns where there is no engine, and so no context."""
    changes = differences(change.get("before") or {}, change.get("after") or {})
    return {
        "at": at,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "action": action,
        "integration_id": change.get("integration_id"),
        "subject": change.get("subject", ""),
        "changes": orjson.dumps(changes).decode(),
        "why": change.get("why", ""),
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `{"key", "from", "to"}` for each key whose value differs; None stands for one that is not there."""
    keys = dict.fromkeys([*before, *after])
    return [
        {"key": key, "from": _short(before.get(key)), "to": _short(after.get(key))}
        for key in keys
        if before.get(key) != after.get(key)
    ]


async def newest(
    ctx: Context,
    *,
    integration_id: str | None = None,
    action: str | None = None,
    at_from: float | None = None,
    at_to: float | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[rows.AuditEntry]:
    """Return changes, newest first; see `storage.audit.newest`."""
    return await ctx.db.read(
        rows.newest,
        integration_id=integration_id,
        action=action,
        at_from=at_from,
        at_to=at_to,
        before=before,
        limit=limit,
    )


def _short(value: Any) -> Any:
    """Return a value as it is kept: itself, or where it is long the beginning of its JSON."""
    text = orjson.dumps(value).decode()
    return value if len(text) <= LONGEST else f"{text[:LONGEST]}…"
