from __future__ import annotations

import contextlib

import pytest

from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from core.errors import Upstream
from core.github.client import GitHub
from core.github.hooks import ensure_hook

URL = "http://127.0.0.1:9/webhooks/github"


async def ensure(bot: GitHub, secret: str = "your-webhook-secret") -> str:
    return await ensure_hook(bot, "acme/app", url=URL, secret=secret, events=("push", "issues"))


async def test_it_is_made_once(hub: GitHubStandIn, bot: GitHub) -> None:
    assert [await ensure(bot), await ensure(bot)] == ["made", "there"]
    [hook] = hub.hooks.all.values()
    assert (hook.active, hook.events) == (True, ["issues", "push"])
    assert hook.config == {
        "url": URL, "content_type": "json", "insecure_ssl": "0", "secret": "your-webhook-secret",
    }  # fmt: skip


async def test_a_new_secret_reaches_it(hub: GitHubStandIn, bot: GitHub) -> None:
    await ensure(bot)
    await ensure(bot, "another-secret")
    assert hub.hooks.all[1].config["secret"] == "another-secret"


async def test_one_that_is_set_up_wrongly_is_put_right(hub: GitHubStandIn, bot: GitHub) -> None:
    hook = hub.hooks.add("acme/app", URL + "/", events=("release",))
    hook.active, hook.config["content_type"] = False, "form"
    assert [await ensure(bot), await ensure(bot)] == ["changed", "there"]
    assert (hook.active, hook.events, hook.config["url"]) == (True, ["issues", "push", "release"], URL)
    assert hook.config["content_type"] == "json"


async def test_two_become_one_and_others_stay(hub: GitHubStandIn, bot: GitHub) -> None:
    other = hub.hooks.add("acme/app", "http://127.0.0.1:9/other", events=("push",))
    first = hub.hooks.add("acme/app", URL, secret="a", events=("push",))
    hub.hooks.add("acme/app", URL, secret="a", events=("issues", "release"))
    assert await ensure(bot) == "changed"
    assert list(hub.hooks.all.values()) == [other, first]
    assert first.events == ["issues", "push", "release"]


async def test_one_for_all_events_stays_so(hub: GitHubStandIn, bot: GitHub) -> None:
    hook = hub.hooks.add("acme/app", URL, secret="a", events=("*",))
    await ensure(bot)
    assert hook.events == ["*"]


async def test_one_that_we_never_heard_of_is_there(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.hang_up_after_writing = 1
    with contextlib.suppress(Upstream):
        await ensure(bot)
    await ensure(bot)
    assert len(hub.hooks.all) == 1


async def test_without_the_scope_it_says_so(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.callers[BOT_TOKEN] = Caller("ccb-bot", scopes=None, may_administer=False)
    with pytest.raises(Upstream, match="it needs repository_hooks=read"):
        await ensure(bot)
    hub.callers[BOT_TOKEN] = Caller("ccb-bot", scopes=("gist",))
    with pytest.raises(Upstream, match=r"lacks the scope .* it needs admin:repo_hook .* and has gist"):
        await ensure(bot)
