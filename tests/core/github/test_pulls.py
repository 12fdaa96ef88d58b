from __future__ import annotations

import contextlib
from typing import Any

import pytest

from core.context import GitHubPort
from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from core.errors import Upstream
from core.github import pulls
from core.github.client import GitHub
from core.github.pulls import Pull
from tests.core.github.conftest import Dying, Killed, writes


@pytest.fixture(autouse=True)
def branch(hub: GitHubStandIn) -> str:
    return hub.push("acme/app", "ccb/deploys", {"integrations/deploys/handler.py": "x = 1\n"})


async def ensure(github: GitHubPort, **more: Any) -> Pull:
    wish = {"branch": "ccb/deploys", "base": "main", "title": "Add Deploys", "body": "Closes #1", **more}
    return await pulls.ensure(github, "acme/app", **wish)


def there(hub: GitHubStandIn) -> list[tuple[str, str, bool]]:
    known = hub.repositories["acme/app"]
    return [(known.issues[n - 1]["title"], known.issues[n - 1]["body"], one["draft"]) for n, one in known.pulls.items()]


async def test_it_is_opened_once(hub: GitHubStandIn, bot: GitHub, branch: str) -> None:
    first = await ensure(bot, draft=True)
    assert first == await ensure(bot, draft=True) == await pulls.state(bot, "acme/app", first.number)
    assert there(hub) == [("Add Deploys", "Closes #1", True)]
    assert writes(hub) == 1
    assert (first.number, first.url, first.state) == (2, "https://github.example/acme/app/pull/2", "open")
    assert (first.author, first.branch, first.base, first.head) == ("ccb-bot", "ccb/deploys", "main", branch)


async def test_title_and_body_follow(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await ensure(bot)
    second = await ensure(bot, title="Add Deploys, round 2", body="Closes #1\nmore")
    assert second.number == first.number
    hub.edit_issue("acme/app", 2, body="Closes #1\r\nmore\r\n")
    await ensure(bot, title="Add Deploys, round 2", body="Closes #1\nmore")
    assert there(hub) == [("Add Deploys, round 2", "Closes #1\r\nmore\r\n", False)]
    assert writes(hub) == 2


async def test_killed_or_unheard_it_is_one(hub: GitHubStandIn, bot: GitHub) -> None:
    with pytest.raises(Killed):
        await ensure(Dying(bot, after=1))
    hub.hang_up_after_writing = 1
    with contextlib.suppress(Upstream):
        await ensure(bot, title="Other")
    await ensure(bot, title="Other")
    assert there(hub) == [("Other", "Closes #1", False)]


async def test_a_list_that_is_behind_makes_no_second_one(hub: GitHubStandIn, bot: GitHub) -> None:
    class Behind(Dying):
        async def request(self, method: str, path: str, *, body: Any = None, token: str | None = None) -> Any:
            if "/pulls?" in path and not seen:
                seen.append(path)
                return []
            return await self._github.request(method, path, body=body, token=token)

    seen: list[str] = []
    first = await ensure(bot)
    assert await ensure(Behind(bot, after=0)) == first


async def test_a_closed_one_stays_closed(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await ensure(bot)
    hub.close("acme/app", first.number)
    closed = await pulls.state(bot, "acme/app", first.number)
    assert closed is not None
    assert (closed.state, closed.merge_commit) == ("closed", None)
    assert (await ensure(bot)).number == 3


async def test_what_merging_made_is_told(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await ensure(bot, draft=True)
    sha = hub.merge("acme/app", first.number, method="squash")
    merged = await pulls.state(bot, "acme/app", first.number)
    assert merged is not None
    assert (merged.state, merged.merge_commit) == ("merged", sha)
    assert hub.repositories["acme/app"].issues[0]["state"] == "closed"
    assert await pulls.state(bot, "acme/app", 1) is None
    assert await pulls.state(bot, "acme/app", 9) is None


async def test_where_there_are_no_drafts_it_is_a_ready_one(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.repositories["acme/app"].drafts = False
    assert not (await ensure(bot, draft=True)).draft
    assert not (await ensure(bot, draft=True)).draft
    assert len(there(hub)) == 1


async def test_another_branchs_is_not_taken_for_ours(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.push("acme/app", "ccb/other", {"integrations/other/handler.py": "x = 1\n"})
    other = await ensure(bot, branch="ccb/other")
    assert (await ensure(bot)).number != other.number


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"branch": "main"}, "No commits between main and main"),
        ({"branch": "gone"}, "Validation Failed for 'head'"),
        ({"base": "gone"}, "Validation Failed for 'base'"),
    ],
)
async def test_what_github_will_not_have(hub: GitHubStandIn, bot: GitHub, wish: dict[str, str], reason: str) -> None:
    with pytest.raises(Upstream, match=reason) as refused:
        await ensure(bot, **wish)
    assert refused.value.permanent
    assert there(hub) == []


async def test_limits_and_refusals_come_through(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.secondary_limit = 0
    with pytest.raises(Upstream) as limited:
        await ensure(bot)
    assert limited.value.retry_after == 60
    hub.secondary_limit = None
    hub.callers[BOT_TOKEN] = Caller("ccb-bot", scopes=None, may_write=False)
    with pytest.raises(Upstream, match="it needs pull_requests=write"):
        await ensure(bot)
