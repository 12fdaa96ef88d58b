"""Backups: which there are, making one now, saying that one was made elsewhere."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core import backups
from core.backups.manifest import Manifest
from core.context import Context
from core.errors import Invalid, NotFound
from core.http.routes import Request, json_response, moment, route, time_of
from core.http.times import AGO
from core.texts import T, revive
from storage.backups import Backup


class ElsewhereIn(BaseModel):
    """A backup that was made by other means."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: str | None = Field(
        None, description="Of when it is: 15m, 1h, 7d ago, or ISO 8601; null: now.", json_schema_extra=AGO
    )
    note: str = Field("", max_length=500, description="What people should know of it, such as where it is.")


class BackupIn(BaseModel):
    """What is wanted: with an empty body, a backup now."""

    model_config = ConfigDict(extra="forbid", strict=True)

    made_elsewhere: ElsewhereIn | None = Field(None, description="Make none, but keep that one was made.")


class BackupOut(BaseModel):
    """One backup, or one attempt at it."""

    id: str
    kind: Literal["sqlite", "postgresql", "elsewhere"]
    status: Literal["waiting", "running", "succeeded", "failed"]
    made_at: str | None = Field(description="Of when its contents are.")
    asked_at: str
    asked_by: str
    finished_at: str | None
    node: str | None = Field(description="The host whose disk it is on, or which failed to make it.")
    file: str | None
    size: int | None = Field(description="In bytes.")
    sha256: str | None
    version: str | None = Field(description="Of the engine.")
    revision: str | None = Field(description="Of the database's schema.")
    key_fingerprints: list[str] | None = Field(description="Of the keys of its secrets, which are not in it.")
    counts: dict[str, int] | None = Field(description="Rows of the larger tables.")
    seconds: float | None = Field(description="How long it took.")
    note: str | None
    error: str | None = Field(description="Why it failed.")


class BackupsPage(BaseModel):
    """Which backups, newest first."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(
        None, pattern="^bak_[0-9A-HJKMNP-TV-Z]{26}$", description="The id of the last one of the page before."
    )
    limit: int = Field(50, ge=1, le=500)


@route(
    "GET", "/v1/backups", permission="backup.read", tag="backups", query=BackupsPage, response=list[BackupOut],
    summary=T("List backups, newest first"),
)  # fmt: skip
async def list_all(ctx: Context, request: Request) -> list[BackupOut]:
    """List those that are kept, those that were reported, and the attempts of the last 30 days that failed."""
    query = request.query_as(BackupsPage)
    found = await backups.page(ctx, after=query.after, limit=query.limit)
    return [shown(one, request.language) for one in found]


@route(
    "GET", "/v1/backups/{id}", permission="backup.read", tag="backups", response=BackupOut, errors=[NotFound],
    summary=T("Get a backup: whether it is made, and what is in it"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> BackupOut:
    """Get one backup."""
    return shown(await backups.find(ctx, request.path["id"]), request.language)


@route(
    "POST", "/v1/backups", permission="backup.write", tag="backups", request=BackupIn, response=BackupOut, status=202,
    also={201: BackupOut}, errors=[Invalid], headers=["Location"],
    summary=T("Make a backup now, or say that one was made elsewhere"),
)  # fmt: skip
async def make(ctx: Context, request: Request) -> web.Response:
    """Ask for a backup, which is made soon (202, `Location`: where to ask for it); or keep a report (201)."""
    elsewhere = request.body_as(BackupIn).made_elsewhere
    if elsewhere is None:
        found, status = await backups.ask(ctx, actor=request.actor), 202
    else:
        at = time_of(elsewhere.at, now=ctx.clock.now(), path="made_elsewhere.at")
        found, status = await backups.report(ctx, at=at, note=elsewhere.note.strip(), actor=request.actor), 201
    answer = shown(found, request.language)
    return json_response(answer, status=status, headers={"Location": f"/v1/backups/{found.id}"})


def shown(found: Backup, language: str) -> BackupOut:
    """Return a backup as it is shown."""
    manifest = Manifest.model_validate_json(found.manifest) if found.manifest else None
    of_it: dict[str, Any] = dict.fromkeys(
        ("size", "sha256", "version", "revision", "key_fingerprints", "counts", "seconds")
    )
    if manifest is not None:
        of_it = manifest.model_dump(mode="json", include=set(of_it))
    return BackupOut(
        id=found.id,
        kind=found.kind,
        status=found.status,
        made_at=moment(found.made_at) if found.made_at is not None else None,
        asked_at=moment(found.asked_at),
        asked_by=found.actor_name,
        finished_at=moment(found.finished_at) if found.finished_at is not None else None,
        node=found.node or None,
        file=found.file or None,
        note=found.note or None,
        error=revive(found.error, language) if found.error else None,
        **of_it,
    )
