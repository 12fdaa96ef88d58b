from __future__ import annotations

import pytest

from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from core.errors import Upstream
from core.github.client import GitHub
from core.github.people import may_write


@pytest.mark.parametrize(
    ("permission", "expected"),
    [("admin", True), ("maintain", True), ("write", True), ("triage", False), ("read", False), ("none", False)],
)
async def test_by_what_github_says(hub: GitHubStandIn, bot: GitHub, permission: str, expected: bool) -> None:
    hub.people["someone"] = permission
    assert await may_write(bot, "acme/app", "someone") is expected
    hub.repositories["acme/app"].private = False
    assert await may_write(bot, "acme/app", "Someone") is expected


@pytest.mark.parametrize("login", ["", "ghost", "Copilot", "ccb[bot]", "../../user", "a/b", "a?b", "dev\n"])
async def test_nobody_that_github_knows_as_a_person(bot: GitHub, login: str) -> None:
    assert not await may_write(bot, "acme/app", login)


async def test_an_app_is_not_even_asked_about(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.people["ccb[bot]"] = "admin"
    assert not await may_write(bot, "acme/app", "ccb[bot]")
    assert hub.requests == []


async def test_who_may_not_ask_is_told(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.callers[BOT_TOKEN] = Caller("ccb-bot", may_write=False)
    with pytest.raises(Upstream, match="Must have push access"):
        await may_write(bot, "acme/app", "dev")
