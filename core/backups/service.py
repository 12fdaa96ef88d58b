"""Asking for backups, reporting those that others make, finding them; each that is made or fails is in the audit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core import audit
from core.actors import Actor
from core.backups import folder as places
from core.backups.making import Made, Order
from core.backups.manifest import Manifest, maker
from core.backups.state import AHEAD
from core.clock import moment
from core.context import Context
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.texts import T, Text
from storage import backups as rows
from storage.backups import Backup
from storage.sqlite_copy import COUNTED

FAILED_KEPT_SECONDS = 30 * 86_400.0
"""How long an attempt that failed stays in the list; the audit has it for ever."""


async def ask(ctx: Context, *, actor: Actor) -> Backup:
    """Ask for a backup, which the node that schedules then makes; one that is to be made already is returned."""
    actor.require("backup.write")
    now = ctx.clock.now()
    row = {
        "id": new_id("bak", now), "kind": ctx.db.dialect, "status": "waiting", "asked_at": now, "tries": 0, "node": "",
        "file": "", "note": "", **_asker(actor),
    }  # fmt: skip
    return await find(ctx, await ctx.db.write(rows.ask, row))


async def report(ctx: Context, *, at: float | None, note: str, actor: Actor) -> Backup:
    """Keep that a backup was made by other means, at that time (now if None)."""
    actor.require("backup.write")
    now = ctx.clock.now()
    if at is not None and at > now + AHEAD:
        raise Invalid(T("A backup cannot have been made in the future."), path="made_elsewhere.at")
    backup_id, made_at = new_id("bak", now), now if at is None else min(at, now)
    row = {
        "id": backup_id, "kind": "elsewhere", "status": "succeeded", "asked_at": now, "finished_at": now,
        "made_at": made_at, "tries": 0, "node": "", "file": "", "note": note, **_asker(actor),
    }  # fmt: skip
    after = {"made_at": moment(made_at), "note": note or None}
    entry = audit.entry(ctx, actor, "backup.reported", subject=backup_id, after=after)
    await ctx.db.write(rows.add, row, entry=entry)
    return await find(ctx, backup_id)


async def find(ctx: Context, backup_id: str) -> Backup:
    """Return a backup; raise `NotFound`."""
    found = await ctx.db.read(rows.get, backup_id) if backup_id.isprintable() else None
    if found is None:
        shown = ascii(backup_id)[1:-1]
        raise NotFound(T("There is no backup {backup}; old ones are deleted.", backup=shown), backup=shown)
    return found


async def page(ctx: Context, *, after: str | None = None, limit: int = 50) -> list[Backup]:
    """Return backups, newest first; see `storage.backups.newest`."""
    return await ctx.db.read(rows.newest, after=after, limit=limit)


async def order_for(ctx: Context, backup: Backup) -> Order:
    """Return what is to be made; PostgreSQL is asked now what is in it."""
    revision, counts = await ctx.db.alone(counted) if ctx.db.shared else (None, {})
    actor = _actor(backup)
    return Order(
        backup.id, ctx.settings, maker(actor), ctx.clock.now(), ctx.secrets.fingerprints, revision=revision,
        counts=counts,
    )  # fmt: skip


async def made(ctx: Context, done: Made) -> None:
    """Keep that a backup was made, and forget those that were deleted for it."""
    deleted = [manifest.file for manifest in done.deleted]
    await _keep(ctx, [(done.path, done.manifest)], deleted=deleted)
    await ctx.db.write(
        rows.forget,
        ids=[manifest.id for manifest in done.deleted],
        failed_before=ctx.clock.now() - FAILED_KEPT_SECONDS,
    )


async def failed(ctx: Context, backup: Backup, why: Text, *, holder: str) -> None:
    """Keep that a backup failed, and why."""
    entry = audit.entry(ctx, _actor(backup), "backup.failed", subject=backup.id, why=str(why))
    values = {"finished_at": ctx.clock.now(), "error": why.dump(), "node": os.uname().nodename}
    await ctx.db.write(rows.fail, backup.id, holder=holder, values=values, entry=entry)


async def adopt(ctx: Context) -> int:
    """Keep those of this node's folder that the database does not know of; return how many.

    They were made while the engine was stopped, or written down nowhere because of a kill; after a restore it is the
    backups since then, and the one that it came from.
    """
    try:
        there = await asyncio.to_thread(places.whole, ctx.settings.backup_folder.absolute())
    except OSError:  # what is wrong with the folder the next backup says, which fails there
        return 0
    return await _keep(ctx, there)


async def _keep(ctx: Context, there: Sequence[tuple[Path, Manifest]], *, deleted: Sequence[str] = ()) -> int:
    found = []
    for path, manifest in there:
        maker = manifest.made_by
        row = {
            "id": manifest.id, "kind": manifest.kind, "status": "succeeded", "asked_at": manifest.at,
            "made_at": manifest.at, "finished_at": manifest.at + manifest.seconds, "node": os.uname().nodename,
            "file": str(path), "manifest": manifest.model_dump_json(), "tries": 0, "note": "", "error": None,
            "actor_kind": maker.kind, "actor_id": maker.id, "actor_name": maker.name,
        }  # fmt: skip
        after: Mapping[str, Any] = {"file": path.name, "size": manifest.size, "sha256": manifest.sha256}
        after = {**after, "deleted": list(deleted)} if deleted else after
        actor = Actor(maker.kind, maker.id, maker.name, frozenset())  # type: ignore[arg-type]  # as it was written
        found.append((row, audit.entry(ctx, actor, "backup.made", subject=manifest.id, after=after)))
    return await ctx.db.write(rows.keep, found) if found else 0


def _asker(actor: Actor) -> dict[str, str]:
    return {"actor_kind": actor.kind, "actor_id": actor.id, "actor_name": actor.name}


def _actor(backup: Backup) -> Actor:
    return Actor(backup.actor_kind, backup.actor_id, backup.actor_name, frozenset())  # type: ignore[arg-type]  # ours


def counted(connection: sa.Connection) -> tuple[str | None, dict[str, int]]:
    """Return the schema's revision, and how many rows the larger tables have."""
    there = set(sa.inspect(connection).get_table_names())
    counts = {
        name: connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
        for name in COUNTED
        if name in there
    }
    revision: str | None = None
    if "alembic_version" in there:
        revision = connection.execute(sa.text("SELECT max(version_num) FROM alembic_version")).scalar()
    return revision, counts
