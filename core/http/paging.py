"""Lists: pages, chosen fields, and not sending again what the caller has."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core.errors import Invalid
from core.texts import T

if TYPE_CHECKING:
    from core.http.routes import Request


class Page(BaseModel):
    """Which part of a list. Without `limit`, all of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int | None = Field(None, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=1_000_000_000)
    fields: str | None = Field(None, description="Names of the fields that are wanted, comma-separated.")


def paged(items: Sequence[BaseModel], *, total: int, page: Page, request: Request) -> web.Response:
    """Return a list with `X-Total-Count`, `Link` (RFC 8288) and a weak `ETag`; 304 when the caller has it already.

    Raises `Invalid` for a field that the items do not have.
    """
    shown = [item.model_dump(mode="json", by_alias=True) for item in items]
    body = orjson.dumps(chosen(shown, wanted_fields(page.fields, shown[0]) if shown else None))
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return list_answer(request, body, list_headers(request, page, tag=tag, total=total))


def list_headers(request: Request, page: Page, *, tag: str, total: int) -> dict[str, str]:
    """Return the headers of a list."""
    headers = {
        "ETag": tag,
        "X-Total-Count": str(total),
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Accept-Language",
    }
    if links := _links(total, page, request):
        headers["Link"] = ", ".join(links)
    return headers


def list_answer(request: Request, body: bytes | AsyncIterable[bytes], headers: Mapping[str, str]) -> web.Response:
    """Return a list's JSON, or 304 when the caller has what the `ETag` among `headers` stands for."""
    if unchanged(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)


def unchanged(request: Request, tag: str) -> bool:
    """Say whether the caller has what `tag` stands for."""
    return _same(request.raw.headers.getall("If-None-Match", ()), tag)


def wanted_fields(fields: str | None, known: Iterable[str]) -> list[str] | None:
    """Return the names in a query's `fields`, None for all; raise `Invalid` for one that is not `known`."""
    if fields is None:
        return None
    wanted, known = [name.strip() for name in fields.split(",")], list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise Invalid(
            T(
                "No such field: {unknown}. Known: {known}.",
                unknown=", ".join(name or "''" for name in unknown),
                known=", ".join(known),
            ),
            path="fields",
        )
    return wanted


def chosen(items: list[dict[str, Any]], fields: Iterable[str] | None) -> list[dict[str, Any]]:
    """Return items with these fields alone; None is all."""
    if fields is None:
        return items
    return [{name: item[name] for name in fields} for item in items]


def _links(total: int, page: Page, request: Request) -> list[str]:
    """Return the neighbouring pages, as references relative to the request's own address."""
    if page.limit is None:
        return []
    offsets = {"first": 0}
    if page.offset > 0:
        offsets["prev"] = max(0, page.offset - page.limit)
    if page.offset + page.limit < total:
        offsets["next"] = page.offset + page.limit
    offsets["last"] = max(0, (total - 1) // page.limit * page.limit)
    url = request.raw.rel_url
    return [f'<{url.update_query(offset=str(offset))}>; rel="{name}"' for name, offset in offsets.items()]


def _same(conditions: Iterable[str], tag: str) -> bool:
    """Compare weakly, as RFC 9110 §13.1.2 wants it."""
    given = [part.strip() for condition in conditions for part in condition.split(",")]
    return "*" in given or tag.removeprefix("W/") in [part.removeprefix("W/") for part in given]
