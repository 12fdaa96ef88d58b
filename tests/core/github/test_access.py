"""What a GitHub token grants: what the stand-in does not have, from a server that answers as GitHub does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn
from core.errors import NotConfigured, Upstream
from core.github.client import GitHub
from tests.contexts import MovableClock, settings


@pytest.fixture
async def hub() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def github(hub: GitHubStandIn) -> AsyncIterator[GitHub]:
    async with GitHub(settings(GITHUB_TOKEN=TOKEN, GITHUB_API_URL=hub.url), MovableClock()) as client:
        yield client


async def test_one_repository_that_is_not_seen_says_nothing_of_the_others(github: GitHub) -> None:
    found = await github.access(["acme/app", "acme/gone"], token=None)
    assert (found.kind, found.login, found.granted) == ("classic", "octocat", ("admin:repo_hook", "repo"))
    assert (found.repositories["acme/app"].issues, found.repositories["acme/app"].hooks) == (True, True)
    gone = found.repositories["acme/gone"]
    assert (gone.issues, gone.hooks) == (False, False) and "GET /repos/acme/gone" in str(gone.problem)


async def test_an_installation_token_is_no_user(hub: GitHubStandIn, github: GitHub) -> None:
    hub.callers["ghs_own"] = Caller("other[bot]", scopes=None, may_write=False)
    found = await github.access(["acme/app"], token="ghs_own")
    assert (found.kind, found.login, found.granted) == ("app", "", ())
    assert found.repositories["acme/app"].issues is False
    assert ("GET", "/user") not in hub.requests


async def test_a_limit_is_nobodys_missing_permission(hub: GitHubStandIn, github: GitHub) -> None:
    hub.secondary_limit = 30
    with pytest.raises(Upstream) as caught:
        await github.access(["acme/app"], token=None)
    assert caught.value.retry_after == 30


async def test_without_any_token(hub: GitHubStandIn) -> None:
    async with GitHub(settings(GITHUB_API_URL=hub.url), MovableClock()) as github:
        with pytest.raises(NotConfigured):
            await github.access([], token=None)


@pytest.mark.parametrize(
    ("repository", "why"), [({"archived": True}, "archived"), ({"has_issues": False}, "switched off")]
)
async def test_a_repository_that_takes_no_issues(repository: dict[str, Any], why: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/user":
            return web.json_response({"login": "octocat"}, headers={"X-OAuth-Scopes": "repo"})
        if request.path.endswith("/hooks"):
            return web.json_response([])
        return web.json_response({"full_name": "acme/app", "private": True, **repository})

    app = web.Application()
    app.router.add_get("/{rest:.*}", answer)
    async with TestServer(app) as server:
        given = settings(GITHUB_TOKEN=TOKEN, GITHUB_API_URL=str(server.make_url("")))
        async with GitHub(given, MovableClock()) as github:
            found = await github.access(["acme/app"], token=None)
    access = found.repositories["acme/app"]
    assert access.issues is False and why in str(access.problem)
