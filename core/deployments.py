"""The start of another version of the engine: a change like any other, kept in the audit."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa

from core import VERSION, audit
from core.actors import SYSTEM
from core.context import Context
from storage import audit as rows

DEPLOYED = rows.DEPLOYED


async def note(ctx: Context, version: str = VERSION) -> None:
    """Keep that this version has started, unless it is the one that started last."""
    await ctx.db.write(partial(_note, ctx=ctx, version=version))


def _note(connection: sa.Connection, *, ctx: Context, version: str) -> None:
    last = rows.deployments(connection, limit=1)
    before = last[0].subject if last else None
    if before != version:
        entry = audit.entry(
            ctx, SYSTEM, DEPLOYED, subject=version, before={"version": before}, after={"version": version}
        )
        rows.add(connection, entry)
