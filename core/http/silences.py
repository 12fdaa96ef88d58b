"""Silences and maintenance windows: who is not told of what, from when to when, and why."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core import alerting
from core.alerting.silences import Kind, shown
from core.alerts import Severity
from core.context import Context
from core.errors import Conflict, Invalid, NotFound
from core.http.routes import Request, moment, route, time_of
from core.http.times import AHEAD
from core.texts import T
from storage.alerts import AlertSilence


class SilenceIn(BaseModel):
    """What is to be silent. What is not named fits everything."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Kind = Field("silence", description="maintenance: planned work; it silences in the same way.")
    integration: str | None = Field(None, min_length=1, max_length=80, description="An id, a slug, or engine.")
    rule: str | None = Field(None, min_length=1, max_length=80, description="A rule's name.")
    severity: Severity | None = None
    from_: str | None = Field(
        None, alias="from", description="30m, 2h ahead, or ISO 8601; null: now.", json_schema_extra=AHEAD
    )
    to: str = Field(description="The same.", examples=["2h"], json_schema_extra={"anyOf": AHEAD["anyOf"][:2]})
    comment: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")] = Field(
        description="Why: it is read by those who ask why they were not told."
    )


class SilenceOut(BaseModel):
    """A silence."""

    id: str
    kind: str
    integration_id: str | None
    rule: str | None
    severity: str | None
    from_: str = Field(alias="from")
    to: str
    active: bool
    comment: str
    created_at: str
    created_by: str


class SilencesQuery(BaseModel):
    """Which silences."""

    model_config = ConfigDict(extra="forbid")

    ended: bool = Field(False, description="Those too that have ended.")


@route(
    "GET", "/v1/silences", permission="alerts.read", tag="alerts", query=SilencesQuery, response=list[SilenceOut],
    summary=T("List silences and maintenance windows"),
)  # fmt: skip
async def list_all(ctx: Context, request: Request) -> list[SilenceOut]:
    """List those that have not ended, the last to end first."""
    found = await alerting.silences(ctx, ended=request.query_as(SilencesQuery).ended)
    return [silence_out(ctx, row) for row in found]


@route(
    "POST", "/v1/silences", permission="alerts.write", tag="alerts", request=SilenceIn, response=SilenceOut, status=201,
    summary=T("Silence alerts for a while: they are looked at, and nobody is told"),
)  # fmt: skip
async def add(ctx: Context, request: Request) -> SilenceOut:
    """Make a silence or a maintenance window."""
    return silence_out(ctx, await alerting.put_silence(ctx, _wish(ctx, request), actor=request.actor))


@route(
    "GET", "/v1/silences/{id}", permission="alerts.read", tag="alerts", response=SilenceOut, errors=[NotFound],
    summary=T("Get a silence"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> SilenceOut:
    """Get one silence."""
    return silence_out(ctx, await alerting.silence(ctx, request.path["id"]))


@route(
    "PUT", "/v1/silences/{id}", permission="alerts.write", tag="alerts", request=SilenceIn, response=SilenceOut,
    errors=[NotFound, Conflict], summary=T("Change a silence"),
)  # fmt: skip
async def put(ctx: Context, request: Request) -> SilenceOut:
    """Make it this one; one that has ended stays as it was."""
    changed = await alerting.put_silence(ctx, _wish(ctx, request), actor=request.actor, silence_id=request.path["id"])
    return silence_out(ctx, changed)


@route(
    "DELETE", "/v1/silences/{id}", permission="alerts.write", tag="alerts", response=SilenceOut, errors=[NotFound],
    summary=T("End a silence now"),
)  # fmt: skip
async def end(ctx: Context, request: Request) -> SilenceOut:
    """End it; what fires is told at the next look. It is kept, so that one can see who was not told and why."""
    return silence_out(ctx, await alerting.end_silence(ctx, request.path["id"], actor=request.actor))


def _wish(ctx: Context, request: Request) -> alerting.SilenceWish:
    wish, now = request.body_as(SilenceIn), ctx.clock.now()
    until = time_of(wish.to, now=now, path="to", ahead=True)
    if until is None:
        raise Invalid(T("to is missing."), path="to")
    since = time_of(wish.from_, now=now, path="from", ahead=True)
    return alerting.SilenceWish(
        kind=wish.kind,
        at_from=now if since is None else since,
        at_to=until,
        comment=wish.comment.strip(),
        integration=wish.integration,
        rule=wish.rule,
        severity=wish.severity,
    )


def silence_out(ctx: Context, row: AlertSilence) -> SilenceOut:
    """Return a silence as it is shown."""
    return SilenceOut.model_validate(
        {
            **shown(row),
            "id": row.id,
            "active": row.at_from <= ctx.clock.now() < row.at_to,
            "created_at": moment(row.created_at),
            "created_by": row.created_by,
        }
    )
