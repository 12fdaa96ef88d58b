"""Gaps: events that should have arrived and did not; looking for them, and asking for them again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import gaps, healing
from core.context import Context
from core.errors import Conflict, NotFound
from core.gaps import Method, Overview
from core.http.jobs import JobOut, accepted
from core.http.routes import Request, moment, route
from core.texts import T, revive
from storage.gaps import Gap


class GapOut(BaseModel):
    """Something that should have arrived."""

    key: str = Field(description="GitHub's delivery guid, a range of the sequence, the start of a silence.")
    kind: Literal["delivery", "sequence", "silence"]
    state: Literal["open", "closed"]
    from_: str = Field(alias="from", description="When it should have arrived (a silence: the last event before it).")
    to: str
    message: str = Field(description="What is missing, and why where that is known.")
    detail: dict[str, Any] = Field(description="What is known of it: the hook and GitHub's status, the numbers.")
    detected_at: str
    asked: int = Field(description="How often GitHub was asked to deliver it again.")
    asked_at: str | None
    closed_at: str | None
    closed_why: Literal["arrived", "gone", "ended"] | None = Field(
        description="gone: GitHub keeps it no longer; ended: a silence."
    )


class ProblemOut(BaseModel):
    """Why it could not be looked at, and what to do about it."""

    error: str
    message: str


class FindingOut(BaseModel):
    """What else was noticed, such as a hook with a wrong address."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["hook", "sequence"]
    message: str


class GapsOut(BaseModel):
    """The gaps that are known, newest first, and how the last look for them went."""

    gaps: list[GapOut]
    total: int
    method: Method = Field(description="How gaps of this integration are noticed.")
    checked_at: str | None = Field(description="When it was last looked at; null: never.")
    complete: bool = Field(description="Whether everything up to then was looked at.")
    problem: ProblemOut | None
    findings: list[FindingOut]
    healing: bool = Field(description="Whether it is looked at every few minutes (monitoring: gap_healing).")


class GapsQuery(BaseModel):
    """Which gaps, newest first."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["open", "closed", "all"] = "open"
    limit: int = Field(200, ge=1, le=1000)


class HealIn(BaseModel):
    """Which deliveries to ask for."""

    model_config = ConfigDict(extra="forbid")

    keys: list[Annotated[str, Field(max_length=100)]] | None = Field(
        None, min_length=1, max_length=1000, description="Keys of open deliveries; absent: all of them."
    )


@route(
    "GET", "/v1/integrations/{id}/events/gaps", permission="events.read", tag="events", query=GapsQuery,
    response=GapsOut, errors=[NotFound], summary=T("List events that should have arrived and did not"),
)  # fmt: skip
async def listed(ctx: Context, request: Request) -> GapsOut:
    """List the gaps that the last looks have found. Where nobody has looked yet, it looks, for at most 25 seconds."""
    query = request.query_as(GapsQuery)
    return _shown(await gaps.known(ctx, request.path["id"], state=query.state, limit=query.limit), request.language)


@route(
    "POST", "/v1/integrations/{id}/gaps/check", permission="events.replay", tag="events", response=GapsOut,
    errors=[Conflict, NotFound], summary=T("Look now for events that should have arrived and did not"),
)  # fmt: skip
async def check(ctx: Context, request: Request) -> GapsOut:
    """Compare with what GitHub has sent (or the sender's count, or its usual rhythm), for at most 25 seconds."""
    await gaps.check(ctx, request.path["id"])
    query = GapsQuery.model_validate({})
    found = await gaps.overview(ctx, request.path["id"], state=query.state, limit=query.limit)
    return _shown(found, request.language)


@route(
    "POST", "/v1/integrations/{id}/gaps/heal", permission="events.replay", tag="events", request=HealIn,
    response=JobOut, status=202, headers=["Location"], errors=[Conflict, NotFound],
    summary=T("Ask GitHub to deliver again what never arrived"),
)  # fmt: skip
async def heal(ctx: Context, request: Request) -> web.Response:
    """Start a job that asks GitHub for each lost delivery: one a second, each at most three times."""
    wish = request.body_as(HealIn)
    return accepted(await healing.start(ctx, request.path["id"], keys=wish.keys, actor=request.actor), request)


def _shown(found: Overview, language: str) -> GapsOut:
    kept = found.check
    problem: dict[str, str] | None = orjson.loads(kept.problem) if kept.problem else None
    told = ProblemOut(error=problem["error"], message=revive(problem["message"], language)) if problem else None
    if kept.checked_at is None:
        told = ProblemOut(error="Never looked at", message=_NEVER.render(language))
    return GapsOut(
        gaps=[_out(gap, language) for gap in found.gaps],
        total=found.total,
        method=found.method,
        checked_at=moment(kept.checked_at) if kept.checked_at is not None else None,
        complete=kept.complete,
        problem=told,
        findings=[
            FindingOut(**{**finding, "message": revive(finding["message"], language)})
            for finding in orjson.loads(kept.findings)
        ],
        healing=found.installed.monitoring.gap_healing,
    )


_NEVER = T(
    "Nobody has looked for gaps yet. POST …/gaps/check does it now; "
    "gap_healing in …/monitoring does it every few minutes."
)


def _out(gap: Gap, language: str) -> GapOut:
    return GapOut.model_validate(
        {
            "key": gap.key,
            "kind": gap.kind,
            "state": "open" if gap.closed_at is None else "closed",
            "from": moment(gap.at_from),
            "to": moment(gap.at_to),
            "message": gaps.message(gap).render(language),
            "detail": orjson.loads(gap.detail),
            "detected_at": moment(gap.detected_at),
            "asked": gap.asked,
            "asked_at": moment(gap.asked_at) if gap.asked_at is not None else None,
            "closed_at": moment(gap.closed_at) if gap.closed_at is not None else None,
            "closed_why": gap.closed_why or None,
        }
    )
