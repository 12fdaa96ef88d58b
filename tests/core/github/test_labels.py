from __future__ import annotations

import contextlib

import pytest

from core.demo.stand_ins.github.hub import GitHubStandIn
from core.errors import Upstream
from core.github import labels
from core.github.client import GitHub
from tests.core.github.conftest import writes

LABEL = {"color": "1d76db", "description": "Asks for an integration"}


async def test_a_label_is_made_once_and_left_as_it_is(hub: GitHubStandIn, bot: GitHub) -> None:
    assert await labels.ensure(bot, "acme/app", "integration-request", **LABEL)
    hub.repositories["acme/app"].labels["integration-request"]["color"] = "000000"
    assert not await labels.ensure(bot, "acme/app", "Integration-Request", **LABEL)
    assert [label["color"] for label in hub.repositories["acme/app"].labels.values()] == ["000000"]
    assert writes(hub) == 1


async def test_one_that_we_never_heard_of_is_there(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.hang_up_after_writing = 1
    with contextlib.suppress(Upstream):
        await labels.ensure(bot, "acme/app", "needs info?", **LABEL)
    assert not await labels.ensure(bot, "acme/app", "needs info?", **LABEL)


async def test_what_github_refuses_is_told(bot: GitHub) -> None:
    with pytest.raises(Upstream, match="'color'"):
        await labels.ensure(bot, "acme/app", "x", color="#1d76db", description="")


async def test_on_an_issue_and_off_it_twice(hub: GitHubStandIn, bot: GitHub) -> None:
    issue = hub.repositories["acme/app"].issues[0]
    for _ in range(2):
        await labels.add(bot, "acme/app", 1, "needs-info")
        assert [label["name"] for label in issue["labels"]] == ["needs-info"]
    for _ in range(2):
        await labels.remove(bot, "acme/app", 1, "needs-info")
        assert issue["labels"] == []


async def test_a_limit_is_no_missing_label(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.secondary_limit = 5
    for call in (labels.remove(bot, "acme/app", 1, "x"), labels.ensure(bot, "acme/app", "x", **LABEL)):
        with pytest.raises(Upstream) as limited:
            await call
        assert limited.value.retry_after == 5
