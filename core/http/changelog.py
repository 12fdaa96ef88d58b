"""The changelog: every change that somebody made, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from core import audit, integrations
from core.context import Context
from core.errors import NotFound
from core.http.routes import Request, moment, route, time_of
from core.http.times import AGO, in_order
from core.texts import T
from storage.audit import AuditEntry


class ChangeOut(BaseModel):
    """One value that was changed."""

    key: str
    from_: Any = Field(alias="from", description="Null: it was not there.")
    to: Any = Field(description="Null: it is gone.")


class ActorOut(BaseModel):
    """Who did it."""

    kind: str = Field(description="key, local, slack or system.")
    id: str
    name: str


class EntryOut(BaseModel):
    """One change. Secrets are masked."""

    id: int
    timestamp: str
    actor: ActorOut
    action: str = Field(description="What was done, such as config.changed.")
    integration_id: str | None
    subject: str | None = Field(description="What else it was done to: a key's or job's id.")
    changes: list[ChangeOut]
    why: str | None


class LogQuery(BaseModel):
    """Which changes, newest first."""

    model_config = ConfigDict(extra="forbid")

    action: str | None = Field(None, max_length=100, description="Only those of this kind, such as config.changed.")
    from_: str | None = Field(None, alias="from", description="15m, 1h, 7d ago, or ISO 8601.", json_schema_extra=AGO)
    to: str | None = Field(None, description="The same.", json_schema_extra=AGO)
    after: int | None = Field(None, ge=1, le=2**53, description="The id of the last entry of the page before.")
    limit: int = Field(50, ge=1, le=500)


@route(
    "GET", "/v1/changelog", permission="logs.read", tag="changelog", query=LogQuery, response=list[EntryOut],
    summary=T("List every change that somebody made, newest first"),
)  # fmt: skip
async def changelog(ctx: Context, request: Request) -> list[EntryOut]:
    """List the changes to integrations, keys and everything else."""
    return await _page(ctx, request, None)


@route(
    "GET", "/v1/integrations/{id}/changelog", permission="integrations.read", tag="changelog", query=LogQuery,
    response=list[EntryOut], errors=[NotFound], summary=T("List the changes to an integration, newest first"),
)  # fmt: skip
async def integration_changelog(ctx: Context, request: Request) -> list[EntryOut]:
    """List the changes of its configuration, secrets, rules and state."""
    return await _page(ctx, request, (await integrations.find(ctx, request.path["id"])).id)


async def _page(ctx: Context, request: Request, integration_id: str | None) -> list[EntryOut]:
    query, now = request.query_as(LogQuery), ctx.clock.now()
    at_from, at_to = time_of(query.from_, now=now, path="from"), time_of(query.to, now=now, path="to")
    in_order(at_from, at_to)
    found: Sequence[AuditEntry] = await audit.newest(
        ctx,
        integration_id=integration_id,
        action=query.action,
        at_from=at_from,
        at_to=at_to,
        before=query.after,
        limit=query.limit,
    )
    return [_out(entry) for entry in found]


def _out(entry: AuditEntry) -> EntryOut:
    assert entry.id is not None
    return EntryOut(
        id=entry.id,
        timestamp=moment(entry.at),
        actor=ActorOut(kind=entry.actor_kind, id=entry.actor_id, name=entry.actor_name),
        action=entry.action,
        integration_id=entry.integration_id,
        subject=entry.subject or None,
        changes=[ChangeOut.model_validate(change) for change in orjson.loads(entry.changes)],
        why=entry.why or None,
    )
