from __future__ import annotations

import pytest

from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn
from core.errors import NotConfigured, Upstream
from core.github import service
from core.services import SERVICES
from tests.contexts import settings


async def _check(caller: Caller | None) -> str:
    async with GitHubStandIn() as hub:
        hub.callers = {TOKEN: caller} if caller else {}
        return str(await SERVICES["github"].check(settings(GITHUB_TOKEN=TOKEN, GITHUB_API_URL=hub.url)))


async def test_says_who_we_are() -> None:
    assert await _check(Caller("octocat")) == "as octocat; scopes repo, admin:repo_hook"


async def test_says_which_scopes_are_missing() -> None:
    assert await _check(Caller("octocat", scopes=("repo",))) == "as octocat; scopes repo; missing admin:repo_hook"
    assert await _check(Caller("octocat", scopes=())) == "as octocat; scopes -; missing repo, admin:repo_hook"


async def test_a_fine_grained_token_has_none_to_list() -> None:
    assert await _check(Caller("octocat", scopes=None)) == "as octocat; a fine-grained token"


async def test_a_wrong_token() -> None:
    with pytest.raises(Upstream, match="GITHUB_TOKEN is wrong, expired or revoked"):
        await _check(None)


async def test_nothing_set() -> None:
    with pytest.raises(NotConfigured):
        await service.check(settings())


def test_a_token_or_an_app_configures_it() -> None:
    github = SERVICES["github"]
    assert github.configured(settings(GITHUB_TOKEN=TOKEN))
    assert github.configured(settings(GITHUB_APP_ID="7", GITHUB_APP_PRIVATE_KEY="pem"))
    assert not github.configured(settings(GITHUB_APP_ID="7"))
