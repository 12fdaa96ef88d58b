from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn, Repository
from core.errors import NotConfigured, Upstream
from core.github.client import GitHub
from core.quotas import Quota, Quotas
from tests.contexts import MovableClock, settings
from tests.core.github.app_key import app_of

COMMENTS = "/repos/acme/app/issues/1/comments"


@pytest.fixture
async def github(hub: GitHubStandIn, clock: MovableClock) -> AsyncIterator[GitHub]:
    async with GitHub(settings(GITHUB_TOKEN=TOKEN, GITHUB_API_URL=hub.url), clock) as client:
        yield client


@pytest.fixture
def app(hub: GitHubStandIn) -> dict[str, str]:
    """The settings of a GitHub App."""
    return app_of(hub)


async def _refusal(github: GitHub, method: str = "POST", path: str = COMMENTS, body: Any = None) -> Upstream:
    with pytest.raises(Upstream) as caught:
        await github.request(method, path, body=body or {"body": "hello"} if method == "POST" else None)
    return caught.value


async def test_writes_and_reads(hub: GitHubStandIn, github: GitHub) -> None:
    written = await github.request("POST", COMMENTS, body={"body": "hello"})
    assert [comment["id"] for comment in await github.request("GET", COMMENTS + "?per_page=5")] == [written["id"]]
    assert hub.repositories["acme/app"].comments[1][0]["body"] == "hello"


async def test_a_list_is_read_page_by_page(hub: GitHubStandIn, github: GitHub) -> None:
    hub.hooks.add("acme/app", "http://127.0.0.1:1/")
    sent = [hub.hooks.lose("acme/app", "push", {"n": n})[0]["id"] for n in range(5)]
    path, query, seen = "/repos/acme/app/hooks/1/deliveries", "per_page=2", []
    while query:
        page, following = await github.page(f"{path}?{query}")
        seen += [delivery["id"] for delivery in page]
        query = following or ""
        assert not query or ("cursor=v1_" in query and "per_page=2" in query)
    assert seen == sent[::-1]
    hub.callers["own"] = Caller("own-bot", may_administer=False)
    with pytest.raises(Upstream, match="knows nothing at GET /repos/acme/app/hooks/1/deliveries: "):
        await github.page(path, token="own")


async def test_an_integrations_own_token_goes_in_place_of_the_bots(hub: GitHubStandIn, github: GitHub) -> None:
    hub.callers = {"own": Caller("own-bot")}
    await github.request("POST", COMMENTS, body={"body": "hello"}, token="own")
    with pytest.raises(Upstream, match=r"github_token is wrong, expired or revoked.*configuration"):
        await github.request("POST", COMMENTS, body={"body": "hello"}, token="other")


async def test_without_a_token_it_is_not_configured(hub: GitHubStandIn) -> None:
    async with GitHub(settings(GITHUB_API_URL=hub.url), MovableClock()) as github:
        with pytest.raises(NotConfigured) as caught:
            await github.request("GET", COMMENTS)
        hub.callers["own"] = Caller("own-bot")
        assert await github.request("GET", COMMENTS, token="own") == []
    assert (caught.value.service, caught.value.settings) == ("github", ("GITHUB_TOKEN",))


async def test_a_wrong_token_is_said_without_it(hub: GitHubStandIn, github: GitHub) -> None:
    hub.callers = {}
    error = await _refusal(github)
    assert str(error).startswith("GitHub refuses the token: GITHUB_TOKEN is wrong, expired or revoked.")
    assert TOKEN not in str(error)
    assert not error.permanent


async def test_a_missing_scope_is_named(hub: GitHubStandIn, github: GitHub) -> None:
    hub.repositories["acme/app"].private = False
    hub.callers = {TOKEN: Caller("octocat", scopes=("gist", "read:org"))}
    assert str(await _refusal(github)) == (
        f"GITHUB_TOKEN lacks the scope for POST {COMMENTS}: "
        "it needs public_repo / repo and has gist, read:org. Add it to the token."
    )


async def test_a_missing_permission_of_a_fine_grained_token_is_named(hub: GitHubStandIn, github: GitHub) -> None:
    hub.callers = {TOKEN: Caller("octocat", scopes=None, may_write=False)}
    assert "it needs issues=write." in str(await _refusal(github))


async def test_a_repository_that_the_token_does_not_see(hub: GitHubStandIn, github: GitHub) -> None:
    hub.callers = {TOKEN: Caller("octocat", sees=frozenset())}
    error = await _refusal(github)
    assert "it is private and GITHUB_TOKEN may not see it" in str(error)
    assert not error.permanent


async def test_what_is_left_of_the_quota_is_remembered_of_refusals_too(
    hub: GitHubStandIn, clock: MovableClock, app: dict[str, str]
) -> None:
    hub.primary_limit_resets_at = clock.now() + 90
    for given, whose in (({"GITHUB_TOKEN": TOKEN}, "GITHUB_TOKEN:"), (app, "GITHUB_APP_ID:")):
        quotas = Quotas(clock.now)
        async with GitHub(settings(**given | {"GITHUB_API_URL": hub.url}), clock, quotas) as client:
            await _refusal(client)
            with pytest.raises(Upstream):
                await client.request("POST", COMMENTS, body={}, token="own")
        (heard,) = quotas.news()
        assert heard.quota == Quota(0, 5000, float(int(clock.now() + 90)))
        assert heard.credential.startswith(whose) and TOKEN not in heard.credential


async def test_the_primary_limit_says_when_it_ends(hub: GitHubStandIn, github: GitHub, clock: MovableClock) -> None:
    hub.primary_limit_resets_at = clock.now() + 90
    error = await _refusal(github)
    assert error.retry_after == 90
    assert "in 90 s" in str(error)
    clock.time += 200
    assert (await _refusal(github)).retry_after == 1


@pytest.mark.parametrize(("header", "expected"), [(17, 17.0), (0, 60.0)])
async def test_a_secondary_limit(hub: GitHubStandIn, github: GitHub, header: int, expected: float) -> None:
    hub.secondary_limit = header
    assert (await _refusal(github)).retry_after == expected


async def test_what_github_refuses_as_invalid_is_not_tried_again(github: GitHub) -> None:
    error = await _refusal(github, path="/repos/acme/app/issues", body={"body": "no title"})
    assert error.permanent
    assert str(error) == ("GitHub refuses the content of POST /repos/acme/app/issues: Validation Failed for 'title'.")


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_githubs_own_trouble_is_tried_again(hub: GitHubStandIn, github: GitHub, status: int) -> None:
    hub.broken = status
    error = await _refusal(github)
    assert f"trouble itself ({status})" in str(error)
    assert not error.permanent


async def test_a_moved_repository_is_not_taken_for_written(hub: GitHubStandIn, github: GitHub) -> None:
    hub.repositories["acme/app"].moved = True
    assert "renamed or moved" in str(await _refusal(github))
    assert ("GET", "/repositories/1/issues") not in hub.requests


async def test_a_broken_connection(hub: GitHubStandIn, github: GitHub) -> None:
    hub.hang_up_after_writing = 1
    error = await _refusal(github)
    assert "cannot be reached" in str(error)
    assert len(hub.repositories["acme/app"].comments[1]) == 1, "not repeated behind the engine's back"


async def test_nobody_listens(unused_tcp_port: int) -> None:
    given = settings(GITHUB_TOKEN=TOKEN, GITHUB_API_URL=f"http://127.0.0.1:{unused_tcp_port}")
    async with GitHub(given, MovableClock()) as github:
        assert "cannot be reached" in str(await _refusal(github))


@pytest.mark.parametrize(
    ("status", "content_type", "text"),
    [(200, "application/json", "<html>"), (422, "application/json", "{}"), (599, "text/plain", "?")],
)
async def test_something_else_answers(status: int, content_type: str, text: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, content_type=content_type, text=text)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with TestServer(app) as server:
        given = settings(GITHUB_TOKEN=TOKEN, GITHUB_API_URL=str(server.make_url("/api/v3")))
        async with GitHub(given, MovableClock()) as github:
            assert "is not GitHub's API" in str(await _refusal(github))


@pytest.mark.parametrize("path", ["https://127.0.0.1:1/steal", "//127.0.0.1:1/steal", "/https://127.0.0.1:1/steal"])
async def test_no_path_leads_the_token_to_another_host(github: GitHub, path: str) -> None:
    assert "knows nothing" in str(await _refusal(github, "GET", path))


async def test_only_methods_of_the_api(github: GitHub) -> None:
    with pytest.raises(ValueError, match="CONNECT"):
        await github.request("CONNECT", COMMENTS)


async def test_an_app_acts_by_its_installation(hub: GitHubStandIn, clock: MovableClock, app: dict[str, str]) -> None:
    async with GitHub(settings(**app), clock) as github:
        await github.request("POST", COMMENTS, body={"body": "one"})
        await github.request("POST", COMMENTS, body={"body": "two"})
        assert hub.installation_tokens == ["ghs_standin1"], "kept"
        clock.time += hub.token_lifetime - 299
        await github.request("POST", COMMENTS, body={"body": "three"})
        assert hub.installation_tokens == ["ghs_standin1", "ghs_standin2"], "renewed before it ends"


async def test_a_revoked_installation_token_is_replaced(
    hub: GitHubStandIn, clock: MovableClock, app: dict[str, str]
) -> None:
    async with GitHub(settings(**app), clock) as github:
        await github.request("GET", COMMENTS)
        del hub.callers["ghs_standin1"]
        await github.request("POST", COMMENTS, body={"body": "hello"})
        assert len(await github.request("GET", COMMENTS)) == 1
        hub.token_lifetime = 400.0
        hub.callers.clear()
        await github.page(COMMENTS)
        hub.now = lambda: clock.now() + 500  # GitHub's clock is ahead, so that new ones are ended too
        hub.token_lifetime = -1.0
        assert "GITHUB_APP_ID" in str(await _refusal(github)), "tried once more, not for ever"
        assert len(hub.installation_tokens) == 4


async def test_a_permission_that_the_app_lacks_is_named(
    hub: GitHubStandIn, clock: MovableClock, app: dict[str, str]
) -> None:
    hub.app_permissions = {"issues": "read"}
    async with GitHub(settings(**app), clock) as github:
        error = await _refusal(github)
    assert "GITHUB_APP_ID lacks the permission" in str(error) and error.details["missing_permissions"] == [
        "issues=write"
    ]


async def test_an_app_that_is_not_installed(hub: GitHubStandIn, clock: MovableClock, app: dict[str, str]) -> None:
    hub.repositories = {"acme/other": Repository()}
    async with GitHub(settings(**app), clock) as github:
        assert "GET /repos/acme/app/installation" in str(await _refusal(github))


async def test_an_app_needs_a_repository(hub: GitHubStandIn, clock: MovableClock, app: dict[str, str]) -> None:
    del app["GITHUB_REPOSITORY"]
    async with GitHub(settings(**app), clock) as github:
        with pytest.raises(NotConfigured) as caught:
            await github.request("GET", COMMENTS)
    assert caught.value.settings == ("GITHUB_REPOSITORY",)


async def test_an_apps_wrong_key_is_no_wrong_token(
    hub: GitHubStandIn, clock: MovableClock, app: dict[str, str]
) -> None:
    hub.app_id = "8"
    async with GitHub(settings(**app), clock) as github:
        error = await _refusal(github)
    assert "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY do not belong together" in str(error)


async def test_a_key_that_is_none_is_said_without_it(clock: MovableClock, app: dict[str, str]) -> None:
    async with GitHub(settings(**{**app, "GITHUB_APP_PRIVATE_KEY": "not-a-key"}), clock) as github:
        error = await _refusal(github)
    assert "GITHUB_APP_PRIVATE_KEY is no RSA private key" in str(error)
    assert "not-a-key" not in str(error)


async def test_who_we_are_is_asked_once(hub: GitHubStandIn, github: GitHub, app: dict[str, str]) -> None:
    assert [await github.login(), await github.login()] == ["octocat", "octocat"]
    assert hub.requests == [("GET", "/user")]
    async with GitHub(settings(**app), MovableClock()) as bot:
        assert await bot.login() == "ccb[bot]"


async def test_a_scope_that_is_hidden_behind_a_404_is_named(hub: GitHubStandIn, github: GitHub) -> None:
    hub.callers = {TOKEN: Caller("octocat", scopes=("gist",))}
    error = await _refusal(github)
    assert "lacks the scope" in str(error)
    assert error.details["status"] == 404
