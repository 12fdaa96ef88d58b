"""Lists over a real connection: pages, chosen fields, conditional requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import BaseModel
from yarl import URL

from core.context import Context
from core.http.routes import Page, Request, Routes, paged
from core.http.server import Server
from core.texts import T
from tests.core.http.conftest import serving_only

mine = Routes()


class Item(BaseModel):
    id: int
    name: str


ITEMS = [Item(id=number, name=f"n{number}") for number in range(25)]


@mine.route("GET", "/v1/items", permission=None, open=True, query=Page, summary=T("s"), tag="test")
async def items(ctx: Context, request: Request) -> object:
    page = request.query_as(Page)
    chosen = ITEMS[page.offset :][: page.limit]
    return paged(chosen, total=len(ITEMS), page=page, request=request)


@pytest.fixture
async def server(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The server with the list above."""
    async with serving_only(mine, ctx, monkeypatch) as running:
        yield running


async def test_without_a_limit_the_whole_list(anonymous: aiohttp.ClientSession) -> None:
    response = await anonymous.get("/v1/items")
    assert len(await response.json()) == 25 and response.headers["X-Total-Count"] == "25"
    assert "Link" not in response.headers
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in response.headers["Vary"]


async def test_links_lead_through_all_pages(anonymous: aiohttp.ClientSession) -> None:
    seen: list[int] = []
    response = await anonymous.get("/v1/items?limit=10&fields=id")
    assert "prev" not in response.links
    assert str(response.links["last"]["url"]).endswith("offset=20")
    while True:
        seen += [item["id"] for item in await response.json()]
        following = response.links.get("next")
        if following is None:
            break
        url = following["url"]
        assert isinstance(url, URL) and url.query["fields"] == "id" and url.query["limit"] == "10"
        response = await anonymous.get(url)
    assert seen == list(range(25))
    assert str(response.links["prev"]["url"]).endswith("offset=10")


async def test_only_the_fields_that_are_wanted(anonymous: aiohttp.ClientSession) -> None:
    response = await anonymous.get("/v1/items?limit=1&fields=name,%20id")
    assert await response.text() == '[{"name":"n0","id":0}]'
    assert (await anonymous.get("/v1/items?fields=")).status == 422
    response = await anonymous.get("/v1/items?fields=name,colour")
    found = await response.json()
    assert response.status == 422 and found["path"] == "fields" and "colour" in found["message"]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=-1", "limit=x", "page=2"])
async def test_a_wrong_page_is_refused(anonymous: aiohttp.ClientSession, query: str) -> None:
    assert (await anonymous.get(f"/v1/items?{query}")).status == 422


async def test_what_the_caller_has_is_not_sent_again(anonymous: aiohttp.ClientSession) -> None:
    tag = (await anonymous.get("/v1/items?limit=5")).headers["ETag"]
    assert tag.startswith('W/"')
    for given, status in ((tag, 304), (f'"other", {tag}', 304), (tag[2:], 304), ("*", 304), ('W/"other"', 200)):
        response = await anonymous.get("/v1/items?limit=5", headers={"If-None-Match": given})
        assert response.status == status, given
        assert response.headers["ETag"] == tag
        assert status == 200 or await response.read() == b""
    assert (await anonymous.get("/v1/items?limit=6")).headers["ETag"] != tag
