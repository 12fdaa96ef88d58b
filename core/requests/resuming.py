"""Where a request that failed or was stopped goes on: what is done already is neither done nor paid for again."""

from __future__ import annotations

from collections.abc import Mapping

from core.context import Context
from core.requests.model import Asked, Stage
from storage import requests as rows

AT: Mapping[Stage, str] = {"verify": "generating", "publish": "generating", "install": "inactive"}
"""The status of a request that goes on at a stage."""


async def stage(ctx: Context, asked: Asked) -> Stage:
    """Return where a failed request can go on: behind what is done and was not the cause."""
    row = asked.row
    if row.pull_state == "merged" and row.merge_commit is not None:
        return "install"
    if row.pull_state == "closed" or (row.issue is not None and row.approved_hash != row.body_hash):
        return "check"
    written = await ctx.db.read(rows.rounds, asked.id, row.version)
    if not written or written[-1].files is None or written[-1].problem:
        return "check"
    return "verify" if written[-1].problem is None else "publish"
