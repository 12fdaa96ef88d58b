"""Many integrations at once: in chunks, so that a list of any length takes little memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from core import integrations
from core.context import Context
from core.integrations import Installed
from storage import integration_lists as rows

CHUNK = 50
"""Integrations that are held at a time."""

Listed = tuple[Installed, float | None]
"""An integration, and when its newest event was received (seconds since the epoch)."""


async def version(ctx: Context, *, offset: int = 0) -> tuple[str, int]:
    """Return what changes whenever the list from `offset` on does, and how many integrations there are in all."""
    return await ctx.db.read(rows.version, offset=offset)


async def count(ctx: Context) -> int:
    """Return how many integrations there are."""
    return await ctx.db.read(rows.count)


async def chunks(ctx: Context, *, offset: int = 0, limit: int | None = None) -> AsyncIterator[Sequence[Listed]]:
    """Give integrations, oldest first, in chunks that are not empty."""
    after, left = "", limit
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        found = await ctx.db.read(rows.chunk, after=after, offset=offset, limit=size)
        if not found:
            return
        yield [(integrations.load(ctx, row, files), last) for row, files, last in found]
        after, offset = found[-1][0].id, 0
        left = None if left is None else left - len(found)


async def several(ctx: Context, references: Sequence[str]) -> Mapping[str, Listed]:
    """Return those of the integrations with these ids or slugs that there are, by what they were asked by."""
    readable = [reference for reference in references if reference.isprintable()]
    found: dict[str, Listed] = {}
    by_slug: dict[str, Listed] = {}
    for row, files, last in await ctx.db.read(rows.several, readable):
        listed = (integrations.load(ctx, row, files), last)
        found[row.id] = listed
        by_slug[row.slug] = listed
    return {reference: one for reference in readable if (one := found.get(reference) or by_slug.get(reference))}
