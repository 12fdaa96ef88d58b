"""Many integrations: the list, streamed and in pages; what is not sent again; and many at once by their ids."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from core import auth, listing
from core.http.recent import Kept, Recent, max_age
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"


@pytest.fixture
async def client(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Client]:
    """A running engine."""
    async with running(tmp_path, clock=clock) as found:
        yield found


async def install(client: Client, count: int) -> list[str]:
    made = package(HANDLER, "example.com", source={"kind": "none", "unsigned": True})
    return [(await client.install(made, slug=f"one-{n}", name=f"One {n}"))["id"] for n in range(count)]


async def get(client: Client, path: str = "/v1/integrations", **headers: str) -> tuple[int, Any, Any]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.local.get(f"http://ccb{path}", headers=given) as response:
        return response.status, response.headers, await response.json() if response.status == 200 else None


async def test_the_whole_list_is_streamed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "CHUNK", 2)
    ids = await install(client, 5)
    status, headers, found = await get(client)
    assert status == 200 and [one["id"] for one in found] == ids
    assert headers["X-Total-Count"] == "5" and headers["Transfer-Encoding"] == "chunked" and "Link" not in headers
    assert [one["id"] for one in (await get(client, "/v1/integrations?offset=3"))[2]] == ids[3:]
    assert (await get(client, "/v1/integrations?fields=name&offset=4"))[2] == [{"name": "One 4"}]
    assert (await get(client, "/v1/integrations?offset=9"))[2] == []
    paged = await get(client, "/v1/integrations?limit=3&offset=1")
    assert [one["id"] for one in paged[2]] == ids[1:4] and 'rel="next"' in paged[1]["Link"]
    assert (await get(client, "/v1/integrations?fields=colour"))[0] == 422
    async with client.local.head("http://ccb/v1/integrations") as response:
        assert response.status == 200 and await response.read() == b"" and response.headers["X-Total-Count"] == "5"


async def test_no_integrations(client: Client) -> None:
    assert (await get(client))[2] == [] and (await get(client, "/v1/integrations?limit=5"))[2] == []


@pytest.mark.parametrize("path", ["/v1/integrations", "/v1/integrations?limit=10"])
async def test_every_change_that_is_shown_changes_the_tag(client: Client, clock: MovableClock, path: str) -> None:
    (one,) = await install(client, 1)
    tags = [(await get(client, path))[1]["ETag"]]

    async def changed() -> bool:
        clock.move(1)
        status, headers, _ = await get(client, path, If_None_Match=tags[-1])
        tags.append(headers["ETag"])
        return status == 200

    assert not await changed(), "nothing was changed"
    await client.ask("PATCH", f"/v1/integrations/{one}/config", {"retry_attempts": 9})
    assert await changed()
    await client.ask("POST", f"/v1/integrations/{one}/pause")
    assert await changed()
    await client.ask("POST", f"/v1/integrations/{one}/activate")
    assert await changed()
    await client.deliver(one, {"n": 1})
    assert await changed(), "last_activity"
    await client.install(package(HANDLER, "example.com", source={"kind": "none", "unsigned": True}), slug="two")
    assert await changed()
    assert not await changed()
    assert len(set(tags)) == 6
    assert (await get(client, path + ("&" if "?" in path else "?") + "fields=id"))[1]["ETag"] not in tags


async def test_an_older_answer_will_do_where_the_caller_says_so(client: Client, clock: MovableClock) -> None:
    await install(client, 1)
    _, first, _ = await get(client)
    await install_another(client)
    clock.move(200)
    status, headers, found = await get(client, Cache_Control="max-age=300")
    assert status == 200 and len(found) == 1 and headers["Age"] == "200" and headers["ETag"] == first["ETag"]
    assert (await get(client, Cache_Control="max-age=300", If_None_Match=first["ETag"]))[0] == 304
    for fresh in ("max-age=199", "max-age=0", "no-cache, max-age=300", "max-age=x"):
        async with client.local.get("http://ccb/v1/integrations?x=", headers={"Cache-Control": fresh}) as response:
            assert response.status == 422, "what is kept is kept under its address"
    assert len((await get(client, "/v1/integrations?offset=0", Cache_Control="max-age=300"))[2]) == 2
    assert "Age" in (await get(client, "/v1/integrations?offset=0", Cache_Control="max-age=300"))[1]
    assert len((await get(client, Cache_Control="max-age=300", Accept_Language="ru"))[2]) == 2, "another language"
    status, headers, found = await get(client, Cache_Control="max-age=199")
    assert len(found) == 2 and "Age" not in headers
    assert (await get(client, Cache_Control="max-age=300"))[1]["Age"] == "0"


async def install_another(client: Client) -> None:
    await client.install(package(HANDLER, "example.com", source={"kind": "none", "unsigned": True}), slug="another")


async def test_what_is_kept_is_not_shown_to_another_key(client: Client) -> None:
    await install(client, 1)
    await get(client)
    await install_another(client)
    _, plain = await auth.issue(client.engine.ctx, actor=auth.SYSTEM, name="k", permissions=["integrations.read"])
    headers = {"Authorization": f"Bearer {plain}", "Cache-Control": "max-age=300"}
    async with aiohttp.ClientSession(client.engine.report.address, headers=headers) as session:
        assert len(await (await session.get("/v1/integrations")).json()) == 2
    _, plain = await auth.issue(client.engine.ctx, actor=auth.SYSTEM, name="k", permissions=["logs.read"])
    headers = {"Authorization": f"Bearer {plain}", "Cache-Control": "max-age=300"}
    async with aiohttp.ClientSession(client.engine.report.address, headers=headers) as session:
        assert (await session.get("/v1/integrations")).status == 403


async def test_many_at_once(client: Client, clock: MovableClock) -> None:
    first, second = await install(client, 2)
    await client.deliver(second, {"n": 1})
    asked = [second, "one-0", "nothing", "\u2028"]
    found = (await client.ask("POST", "/v1/integrations/batch", {"ids": asked}))["results"]
    assert [one["id"] for one in found] == asked and [one["status"] for one in found] == [200, 200, 404, 404]
    assert found[0]["integration"] == await client.ask("GET", f"/v1/integrations/{second}")
    assert found[0]["integration"]["last_activity"] is not None
    assert found[1]["integration"]["id"] == first
    assert found[2]["error"] == "Not found" and "nothing" in found[2]["message"] and "integration" not in found[2]
    trimmed = await client.ask("POST", "/v1/integrations/batch", {"ids": [first], "fields": ["slug", "name"]})
    assert trimmed["results"][0]["integration"] == {"slug": "one-0", "name": "One 0"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "ids"), ({"ids": []}, "ids"), ({"ids": ["a", "a"]}, "ids"), ({"ids": [1]}, "ids.0"),
        ({"ids": [""]}, "ids.0"), ({"ids": "a"}, "ids"), ({"ids": [str(n) for n in range(201)]}, "ids"),
        ({"ids": ["a"], "fields": ["colour"]}, "fields.0"), ({"ids": ["a"], "limit": 1}, "limit"),
    ],
)  # fmt: skip
async def test_a_wrong_batch_is_refused_by_name(client: Client, body: Any, path: str) -> None:
    found = await client.ask("POST", "/v1/integrations/batch", body, status=422)
    assert found["path"] == path


async def test_a_batch_of_200(client: Client) -> None:
    found = await client.ask("POST", "/v1/integrations/batch", {"ids": [f"id{n}" for n in range(200)]})
    assert len(found["results"]) == 200
    async with client.local.get("http://ccb/v1/integrations/batch") as response:
        assert response.status == 405 and response.headers["Allow"] == "POST"


async def test_an_address_without_its_version_leads_to_the_one_with_it(client: Client) -> None:
    (one,) = await install(client, 1)
    url = URL(f"http://ccb/integrations/{one}/config?x=a%2Fb", encoded=True)
    async with client.local.get(url, allow_redirects=False) as response:
        assert response.status == 308 and response.headers["Location"] == f"/v1/integrations/{one}/config?x=a%2Fb"
    async with client.local.get(f"http://ccb/integrations/{one}") as response:
        assert response.status == 200 and (await response.json())["id"] == one
    async with client.local.head(f"http://ccb/integrations/{one}") as response:
        assert response.status == 308, "which aiohttp does not follow for HEAD"
    async with client.local.get("http://ccb/integrations//evil.example/x", allow_redirects=False) as response:
        assert response.headers["Location"].startswith("/v1/integrations/")
    url = URL("http://ccb/integrations/a%0D%0AX-Evil:%201", encoded=True)
    async with client.local.get(url, allow_redirects=False) as response:
        assert (
            response.headers["Location"] == "/v1/integrations/a%0D%0AX-Evil:%201" and "X-Evil" not in response.headers
        )
    async with client.local.post(f"http://ccb/integrations/{one}/pause", allow_redirects=False) as response:
        assert response.status == 405


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("max-age=300", 300), ('Max-Age="60", stale', 60), ("max-age=0", None),
        ("no-cache, max-age=5", None), ("max-age=5, no-store", None), ("max-age=-1", None), ("max-age=9, max-age=5", 5),
    ],
)  # fmt: skip
def test_the_age_that_a_request_accepts(header: str | None, seconds: float | None) -> None:
    assert max_age(header) == seconds


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 40)), max_size=60))
def test_what_is_kept_stays_within_its_bounds(answers: list[tuple[str, int]]) -> None:
    recent = Recent(most=4, most_bytes=64)
    for name, size in answers:
        recent.put((name, "", ""), Kept(0.0, b"x" * size, {}))
        assert len(recent) <= 4 and recent.size <= 64
        kept = recent.get((name, "", ""), max_age=1, now=0.5)
        assert kept is not None and len(kept.body) == size
    assert recent.size == sum(
        len(kept.body) for name in "abcdefgh" if (kept := recent.get((name, "", ""), max_age=1, now=0)) is not None
    )


def test_a_clock_that_is_put_back_makes_nothing_young() -> None:
    recent = Recent()
    recent.put(("a", "", ""), Kept(100.0, b"x", {}))
    assert recent.get(("a", "", ""), max_age=60, now=50.0) is None
