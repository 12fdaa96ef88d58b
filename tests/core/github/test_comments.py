from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from core.context import GitHubAccess
from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from core.errors import Upstream
from core.github import comments
from core.github.client import GitHub
from tests.core.github.conftest import writes

MARKER = "<!-- ccb:request:req_1 -->"


async def say(bot: GitHub, body: str, known_id: int | None = None) -> int:
    return await comments.upsert(bot, "acme/app", 1, key="request:req_1", body=body, known_id=known_id)


def there(hub: GitHubStandIn) -> list[tuple[str, str]]:
    return [(one["user"]["login"], one["body"]) for one in hub.repositories["acme/app"].comments[1]]


async def test_one_comment_is_written_then_edited(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await say(bot, "Received.")
    assert there(hub) == [("ccb-bot", f"Received.\n\n{MARKER}")]
    assert await say(bot, "Generating.", first) == first
    assert await say(bot, "Done.") == first, "found by its marker"
    assert there(hub) == [("ccb-bot", f"Done.\n\n{MARKER}")]


async def test_the_same_text_is_not_written_again(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await say(bot, "Received.\nWait.")
    hub.repositories["acme/app"].comments[1][0]["body"] = f"Received.\r\nWait.\r\n\r\n{MARKER}"
    assert await say(bot, "Received.\nWait.", first) == await say(bot, "Received.\nWait.") == first
    assert writes(hub) == 1


async def test_a_deleted_one_is_written_anew(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await say(bot, "Received.")
    hub.delete_comment("acme/app", first)
    second = await say(bot, "Received.", first)
    assert second != first
    assert len(there(hub)) == 1


@pytest.mark.parametrize("before", [0, 130])
async def test_one_that_we_never_heard_of_is_found(hub: GitHubStandIn, bot: GitHub, before: int) -> None:
    for number in range(before):
        hub.comment("acme/app", 1, f"comment {number}")
    hub.hang_up_after_writing = 1
    with pytest.raises(Upstream, match="cannot be reached"):
        await say(bot, "Received.")
    assert await say(bot, "Received.") == hub.repositories["acme/app"].comments[1][-1]["id"]
    assert len(there(hub)) == before + 1


async def test_somebody_elses_comment_with_our_marker_is_left_alone(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.comment("acme/app", 1, f"Edit me!\n\n{MARKER}", as_user="stranger")
    await say(bot, "Received.")
    hub.comment("acme/app", 1, f"> Received.\n>\n> {MARKER}\n\nThanks", as_user="ccb-bot")
    await say(bot, "Done.")
    assert there(hub)[:2] == [
        ("stranger", f"Edit me!\n\n{MARKER}"),
        ("ccb-bot", f"Done.\n\n{MARKER}"),
    ]


async def test_what_is_too_long_is_cut_and_keeps_its_marker(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await say(bot, "x" * 70_000)
    assert there(hub)[0][1].endswith(f"x\n\n{MARKER}")
    assert await say(bot, "x" * 70_000) == first


@pytest.mark.parametrize("key", ["", "a -->b", "a\nb", "-a"])
async def test_a_key_that_would_not_stay_hidden(bot: GitHub, key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        await comments.upsert(bot, "acme/app", 1, key=key, body="x")


async def test_limits_and_refusals_come_through(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.secondary_limit = 17
    with pytest.raises(Upstream) as limited:
        await say(bot, "Received.")
    assert limited.value.retry_after == 17
    hub.secondary_limit = None
    hub.repositories["acme/app"].private = False
    hub.callers[BOT_TOKEN] = Caller("ccb-bot", scopes=("gist",))
    with pytest.raises(Upstream, match=r"lacks the scope .* it needs public_repo / repo and has gist"):
        await say(bot, "Received.")
    assert there(hub) == []


async def test_an_app_finds_its_own(hub: GitHubStandIn, bot: GitHub) -> None:
    answers: dict[tuple[str, str], Any] = {
        ("GET", "/repos/acme/app/issues/1/comments?per_page=100&page=1"): [
            {"id": 4, "body": f"a\n\n{MARKER}", "user": {"login": "ccb[bot]"}}
        ],
        ("PATCH", "/repos/acme/app/issues/comments/4"): {"id": 4},
    }

    class App:
        async def request(self, method: str, path: str, *, body: Any = None, token: str | None = None) -> Any:
            return answers.pop((method, path))

        async def login(self) -> str:
            return "ccb[bot]"

        async def page(self, path: str, *, token: str | None = None) -> tuple[Any, str | None]:
            raise AssertionError("not asked for")

        async def access(self, repositories: Sequence[str], *, token: str | None) -> GitHubAccess:
            raise AssertionError("not asked for")

    assert await comments.upsert(App(), "acme/app", 1, key="request:req_1", body="b") == 4
    assert answers == {}
