"""Many integrations at once: in chunks, so that a list of any length takes little memory.

A request of which no integration has come yet is listed as the integration that it is to be, in its place by id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from core import integrations
from core.context import Context
from core.errors import NotFound
from core.integrations import Installed
from core.requests.model import Asked, parsed
from storage import integration_lists as rows
from storage import requests as request_rows

CHUNK = 50
"""Integrations that are held at a time."""


@dataclass(frozen=True)
class Listed:
    """An integration, when its newest event was received (seconds since the epoch), and the request that it came of."""

    installed: Installed
    last: float | None
    asked: Asked | None


async def find(ctx: Context, reference: str) -> Installed | Asked:
    """Return the integration with this id or slug, or the request of which it is to come; raise `NotFound`."""
    try:
        return await integrations.find(ctx, reference)
    except NotFound:
        row = await ctx.db.read(request_rows.find, reference) if reference.isprintable() else None
        if row is None or row.status == "installed":
            raise
        return parsed(row)


async def beside(ctx: Context, one: Installed) -> Listed:
    """Return an integration with what lists show beside it."""
    last, request = await ctx.db.read(rows.beside, one.id)
    return Listed(one, last, parsed(request) if request is not None else None)


async def version(ctx: Context, *, offset: int = 0) -> tuple[str, int]:
    """Return what changes whenever the list from `offset` on does, and how many integrations there are in all."""
    return await ctx.db.read(rows.version, offset=offset)


async def count(ctx: Context) -> int:
    """Return how many integrations there are, with those that are still to come of requests."""
    return await ctx.db.read(rows.count)


async def newest(ctx: Context, most: int) -> tuple[Sequence[Listed], int]:
    """Return the newest integrations that there are already, newest first, and how many such there are in all."""
    found = [_listed(ctx, row) for row in await ctx.db.read(rows.newest, limit=most)]
    return [one for one in found if isinstance(one, Listed)], await ctx.db.read(rows.count, asked=False)


async def chunks(ctx: Context, *, offset: int = 0, limit: int | None = None) -> AsyncIterator[Sequence[Listed | Asked]]:
    """Give integrations and requests, oldest first, in chunks that are not empty."""
    after, left = "", limit
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        found = await ctx.db.read(rows.chunk, after=after, offset=offset, limit=size)
        if not found:
            return
        yield [_listed(ctx, row) for row in found]
        after, offset = found[-1].id, 0
        left = None if left is None else left - len(found)


async def installed(ctx: Context) -> list[Installed]:
    """Return all integrations that there are already, oldest first."""
    return [one.installed async for chunk in chunks(ctx) for one in chunk if isinstance(one, Listed)]


async def several(ctx: Context, references: Sequence[str]) -> Mapping[str, Listed | Asked]:
    """Return those of the integrations with these ids or slugs that there are, by what they were asked by."""
    readable = [reference for reference in references if reference.isprintable()]
    found: dict[str, Listed | Asked] = {}
    by_slug: dict[str, Listed | Asked] = {}
    for row in await ctx.db.read(rows.several, readable):
        listed = _listed(ctx, row)
        found[row.id] = listed
        slug = listed.installed.slug if isinstance(listed, Listed) else listed.row.slug
        if isinstance(listed, Listed) or not isinstance(by_slug.get(slug), Listed):
            by_slug[slug] = listed
    return {reference: one for reference in readable if (one := found.get(reference) or by_slug.get(reference))}


def _listed(ctx: Context, row: rows.Row) -> Listed | Asked:
    asked = parsed(row.request) if row.request is not None else None
    if row.own is not None:
        return Listed(integrations.load(ctx, row.own.integration, row.own.files), row.own.last, asked)
    assert asked is not None
    return asked
