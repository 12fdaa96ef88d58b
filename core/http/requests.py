"""Requests for integrations that Claude writes: where each stands, what it has cost, and how to move it."""

from __future__ import annotations

from typing import Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.context import Context
from core.errors import Conflict, Invalid, NotFound
from core.http.integration_status import SpendingOut
from core.http.integrations import RequestIn
from core.http.routes import Request, moment, route
from core.monitoring import LEVELS, LogLevel
from core.requests import service, words
from core.requests.comment import samples_of
from core.requests.model import Asked, Status
from core.texts import T, revive
from storage.requests import RequestLogLine, Round


class RequestOut(BaseModel):
    """One request. Its id is that of the integration that comes of it."""

    id: str
    slug: str
    title: str
    status: Status = Field(
        description="requested, generating, inactive (its pull request is open), failed, or installed."
    )
    stage: str = Field(description="What is done next: check, write, verify, publish, install; empty: nothing is.")
    asked_by: str
    origin: str = Field(description="issue, rest or slack.")
    language: str
    fields: dict[str, str]
    issue: dict[str, Any] | None
    pull_request: dict[str, Any] | None
    error_details: dict[str, Any] | None
    run_at: str | None = Field(description="When the stage is begun, or tried again.")
    created_at: str
    updated_at: str


class RoundOut(BaseModel):
    """One package that Claude wrote."""

    version: int = Field(description="Grows each time that the request is begun again.")
    round: int = Field(description="Counts on from version to version.")
    at: str
    model: str
    cost_usd: float
    tokens: dict[str, int]
    problem: str | None = Field(description="What is wrong with it; null: nothing, or not known yet.")
    samples: list[dict[str, Any]] = Field(description="What its samples gave.")


class WholeRequestOut(RequestOut):
    """A request with what was spent on it, and every round."""

    spending: SpendingOut
    rounds: list[RoundOut]


class RequestLineOut(BaseModel):
    """One step of a request's way."""

    timestamp: str
    level: LogLevel
    step: str = Field(
        description="check, write, verify, publish, install, update: a push to the default branch, "
        "tell: the issue was not told, or said: somebody did something."
    )
    message: str
    fields: dict[str, Any]


class FieldsIn(RequestIn):
    """What changes of a request's fields; an empty text takes a field away, what is not named stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(T("name at least one field"))
        return self


class RequestChangeIn(BaseModel):
    """Fields of a request, as they are to be."""

    model_config = ConfigDict(extra="forbid")

    fields: FieldsIn


class RequestsQuery(BaseModel):
    """Which requests, newest first."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    limit: int = Field(100, ge=1, le=1000)


class RequestLogQuery(BaseModel):
    """Which lines: the newest of them, in the order in which they were written."""

    model_config = ConfigDict(extra="forbid")

    level: LogLevel = Field("info", description="Lines of this level and above.")
    limit: int = Field(100, ge=1, le=1000)


@route(
    "GET", "/v1/requests", permission="integrations.read", tag="requests", query=RequestsQuery,
    response=list[RequestOut], summary=T("List requests for integrations, newest first"),
)  # fmt: skip
async def list_all(ctx: Context, request: Request) -> list[RequestOut]:
    """List requests, also those of which an integration has come."""
    query = request.query_as(RequestsQuery)
    found = await service.newest(ctx, status=query.status, limit=query.limit)
    return [RequestOut(**_shown(one, request.language)) for one in found]


@route(
    "GET", "/v1/requests/{id}", permission="integrations.read", tag="requests", response=WholeRequestOut,
    errors=[NotFound], summary=T("Get a request: where it stands, what it has cost, what Claude wrote"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> WholeRequestOut:
    """Get one request."""
    return await _whole(ctx, await service.find(ctx, request.path["id"]), request.language)


@route(
    "GET", "/v1/requests/{id}/log", permission="logs.read", tag="requests", query=RequestLogQuery,
    response=list[RequestLineOut], errors=[NotFound], summary=T("Read what was done with a request, the oldest first"),
)  # fmt: skip
async def log(ctx: Context, request: Request) -> list[RequestLineOut]:
    """Read a request's log."""
    query = request.query_as(RequestLogQuery)
    asked = await service.find(ctx, request.path["id"])
    lines = await service.log(ctx, asked, levels=LEVELS[LEVELS.index(query.level) :], limit=query.limit)
    return [line_out(line, request.language) for line in lines]


@route(
    "PATCH", "/v1/requests/{id}", permission="integrations.write", tag="requests", request=RequestChangeIn,
    response=WholeRequestOut, errors=[NotFound, Conflict, Invalid],
    summary=T("Change what a request says; it is looked at anew"),
)  # fmt: skip
async def change(ctx: Context, request: Request) -> WholeRequestOut:
    """Change fields of a request that came through this API or from Slack; a GitHub issue is edited on GitHub.

    It begins again with what it says then: one that lacked something goes on, an open pull request gets another
    version. Once that is merged, or the request is an issue, the answer is 409.
    """
    fields = request.body_as(RequestChangeIn).fields.model_dump(exclude_unset=True)
    asked = await service.find(ctx, request.path["id"])
    return await _whole(ctx, await service.change(ctx, asked, fields, actor=request.actor), request.language)


@route(
    "POST", "/v1/requests/{id}/retry", permission="integrations.write", tag="requests", response=WholeRequestOut,
    errors=[NotFound, Conflict], summary=T("Begin a request again that has failed or was stopped"),
)  # fmt: skip
async def retry(ctx: Context, request: Request) -> WholeRequestOut:
    """Begin again, with new rounds; what was spent stays spent."""
    asked = await service.find(ctx, request.path["id"])
    return await _whole(ctx, await service.retry(ctx, asked, actor=request.actor), request.language)


@route(
    "POST", "/v1/requests/{id}/stop", permission="integrations.write", tag="requests", response=WholeRequestOut,
    errors=[NotFound, Conflict], summary=T("Stop a request that is under way; what it has done stays"),
)  # fmt: skip
async def stop(ctx: Context, request: Request) -> WholeRequestOut:
    """Stop."""
    asked = await service.find(ctx, request.path["id"])
    return await _whole(ctx, await service.stop(ctx, asked, actor=request.actor), request.language)


@route(
    "POST", "/v1/requests/{id}/approve", permission="integrations.write", tag="requests", response=WholeRequestOut,
    errors=[NotFound, Conflict], summary=T("Let a request through that somebody without write access made or edited"),
)  # fmt: skip
async def approve(ctx: Context, request: Request) -> WholeRequestOut:
    """Stand for what the request's issue says now: from here on it may cost money."""
    asked = await service.find(ctx, request.path["id"])
    return await _whole(ctx, await service.let_through(ctx, asked, actor=request.actor), request.language)


def line_out(line: RequestLogLine, language: str) -> RequestLineOut:
    """Return a line of a request's log as it is shown."""
    return RequestLineOut(
        timestamp=moment(line.at),
        level=line.level,
        step=line.step,
        message=revive(line.message, language),
        fields=orjson.loads(line.fields),
    )


async def _whole(ctx: Context, asked: Asked, language: str) -> WholeRequestOut:
    return WholeRequestOut(
        **_shown(asked, language),
        spending=SpendingOut(**await service.spending(ctx, asked)),
        rounds=[_round(one, language) for one in await service.rounds(ctx, asked)],
    )


def _shown(asked: Asked, language: str) -> dict[str, Any]:
    row = asked.row
    return {
        "id": row.id,
        "slug": row.slug,
        "title": row.title,
        "status": row.status,
        "stage": row.stage,
        "asked_by": row.asked_by,
        "origin": row.origin,
        "language": row.language,
        "fields": dict(asked.fields),
        "issue": words.issue(asked),
        "pull_request": words.pull_request(asked),
        "error_details": words.told(asked, language),
        "run_at": moment(row.run_at) if row.run_at is not None else None,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def _round(one: Round, language: str) -> RoundOut:
    return RoundOut(
        version=one.version,
        round=one.round,
        at=moment(one.at),
        model=one.model,
        cost_usd=round(one.cost, 4),
        tokens=orjson.loads(one.tokens),
        problem=revive(one.problem, language) if one.problem else None,
        samples=samples_of(one.report),
    )
