"""The list of integrations: whole or in pages, and not sent again to who has it.

The whole list is streamed, a chunk at a time, so it cannot be hashed before its first byte leaves. Its `ETag` is made
of what every change of a shown thing also changes: ids, `updated_at`, the last activity and what is shown of requests,
read in one query without packages and secrets, before the list itself is read. What changes while it is sent makes the
tag older than the list, never newer: the caller then fetches once too often, and never misses a change. That is what a
weak tag may do (RFC 9110 §8.8.1). Pages have at most 1000 entries and are hashed as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping

import orjson
from aiohttp import web
from pydantic import Field

from core import listing
from core.context import Context
from core.http.health import VERSION
from core.http.integrations import IntegrationOut, ListedOut, shown
from core.http.node import NODE
from core.http.paging import Page, chosen, list_answer, list_headers, unchanged, wanted_fields
from core.http.recent import LARGEST, Kept, Recent, max_age
from core.http.routes import Request, route
from core.texts import T

_Key = tuple[str, str, str]
_NAME = f" *({'|'.join(IntegrationOut.model_fields)}) *"


class ListPage(Page):
    """Which integrations, and what of them."""

    fields: str | None = Field(
        None,
        description="Names of the fields that are wanted, comma-separated.",
        json_schema_extra={"pattern": f"^{_NAME}(,{_NAME})*$"},
    )


@route(
    "GET", "/v1/integrations", permission="integrations.read", tag="integrations", query=ListPage,
    response=list[ListedOut], listed=True, summary=T("List integrations"),
)  # fmt: skip
async def list_all(ctx: Context, request: Request) -> web.StreamResponse:
    """List integrations, oldest first; among them the requests of which none has come yet.

    With `Cache-Control: max-age=300` in the request, an answer that the same key got at most 300 seconds ago will do;
    `Age` says how old it is.
    """
    page, now = request.query_as(ListPage), ctx.clock.now()
    fields = wanted_fields(page.fields, IntegrationOut.model_fields)
    key = (request.actor.id, str(request.raw.rel_url), request.language)
    recent, accepted = request.raw.app[NODE].recent, max_age(request.raw.headers.get("Cache-Control"))
    if accepted is not None and (kept := recent.get(key, max_age=accepted, now=now)) is not None:
        return list_answer(request, kept.body, {**kept.headers, "Age": str(int(now - kept.at))})
    if page.limit is None:
        return await _whole(ctx, request, page, fields, _Keeper(recent, key, now))
    return await _page(ctx, request, page, fields, _Keeper(recent, key, now))


class _Keeper:
    """Keeps what is sent, unless it grows too large."""

    def __init__(self, recent: Recent, key: _Key, now: float) -> None:
        self._recent = recent
        self._key = key
        self._now = now
        self._body: bytearray | None = bytearray()

    def add(self, part: bytes) -> None:
        if self._body is not None:
            self._body += part
            if len(self._body) > LARGEST:
                self._body = None

    def done(self, headers: Mapping[str, str]) -> None:
        if self._body is not None:
            self._recent.put(self._key, Kept(self._now, bytes(self._body), headers))


async def _page(
    ctx: Context, request: Request, page: Page, fields: list[str] | None, keeper: _Keeper
) -> web.StreamResponse:
    total = await listing.count(ctx)
    parts = [part async for part in _parts(ctx, page, fields, request.language)]
    body = b"".join(parts)
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = list_headers(request, page, tag=tag, total=total)
    keeper.add(body)
    keeper.done(headers)
    return list_answer(request, body, headers)


async def _whole(
    ctx: Context, request: Request, page: Page, fields: list[str] | None, keeper: _Keeper
) -> web.StreamResponse:
    version, total = await listing.version(ctx, offset=page.offset)
    digest = hashlib.blake2b(f"{version} {VERSION} {fields} {request.language}".encode(), digest_size=12).hexdigest()
    headers = list_headers(request, page, tag=f'W/"{digest}"', total=total)
    if unchanged(request, headers["ETag"]):
        return list_answer(request, b"", headers)
    parts = _parts(ctx, page, fields, request.language)
    first = await anext(parts)  # what cannot be shown at all is still answered with its status

    async def body() -> AsyncIterator[bytes]:
        keeper.add(first)
        yield first
        async for part in parts:
            keeper.add(part)
            yield part
        keeper.done(headers)

    return list_answer(request, body(), headers)


async def _parts(ctx: Context, page: Page, fields: list[str] | None, language: str) -> AsyncIterator[bytes]:
    """Give the list's JSON piece by piece."""
    start = b"["
    async for chunk in listing.chunks(ctx, offset=page.offset, limit=page.limit):
        items = [shown(ctx, one, language).model_dump(mode="json", by_alias=True) for one in chunk]
        yield start + orjson.dumps(chosen(items, fields))[1:-1]
        start = b","
    yield b"[]" if start == b"[" else b"]"
