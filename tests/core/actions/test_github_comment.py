from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.actions.github_comment import GitHubCommentParams
from core.context import Context
from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn
from core.effects import ACTIONS, Call, Outcome, plan
from core.errors import Denied, Invalid, NotConfigured, Upstream
from core.github.client import GitHub
from core.grants import Grants
from tests.contexts import MovableClock, context, settings

GRANTS = Grants(actions=frozenset({"github_comment"}), repositories=frozenset({"acme/app"}))
COMMENT: dict[str, Any] = {"type": "github_comment", "repository": "Acme/app", "issue": 1, "body": "Mended."}
ISSUE: dict[str, Any] = {"type": "github_comment", "repository": "Acme/app", "title": "It broke", "body": "Again."}
MARKER = "<!-- ccb:evt_1:1:1 -->"


@pytest.fixture
async def hub() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def ctx(hub: GitHubStandIn) -> AsyncIterator[Context]:
    given = settings(GITHUB_TOKEN=TOKEN, GITHUB_API_URL=hub.url)
    async with GitHub(given, MovableClock()) as github:
        yield context(given=given, github=github)


async def _run(
    ctx: Context, action: dict[str, Any], *, repeated: bool = False, tokens: dict[str, str] | None = None
) -> Outcome:
    (planned,) = plan([action], GRANTS)
    params = GitHubCommentParams.model_validate(planned.params)
    call = Call(params, GRANTS, "int_1", "Demo", "evt_1", key="evt_1:1:1", repeated=repeated, tokens=tokens or {})
    return await ACTIONS.get("github_comment").run(ctx, call)


def _comments(hub: GitHubStandIn) -> list[dict[str, Any]]:
    return hub.repositories["acme/app"].comments[1]


def _issues(hub: GitHubStandIn) -> list[dict[str, Any]]:
    return hub.repositories["acme/app"].issues


async def test_comments_with_a_hidden_marker(hub: GitHubStandIn, ctx: Context) -> None:
    outcome = await _run(ctx, COMMENT)
    (comment,) = _comments(hub)
    assert comment["body"] == f"Mended.\n\n{MARKER}"
    assert outcome == Outcome("Acme/app#1", {"id": comment["id"], "url": comment["html_url"]})
    assert len(hub.requests) == 1, "looked for only when repeated"


async def test_opens_an_issue(hub: GitHubStandIn, ctx: Context) -> None:
    outcome = await _run(ctx, {**ISSUE, "labels": ["bug"]})
    issue = _issues(hub)[-1]
    assert (issue["title"], issue["body"]) == ("It broke", f"Again.\n\n{MARKER}")
    assert issue["labels"] == [{"name": "bug"}]
    assert outcome == Outcome("Acme/app#2", {"id": issue["id"], "url": issue["html_url"]})


async def test_a_comment_is_written_once_though_the_answer_was_lost(hub: GitHubStandIn, ctx: Context) -> None:
    for number in range(150):
        hub.comment("acme/app", 1, f"comment {number}")
    hub.hang_up_after_writing = 1
    with pytest.raises(Upstream):
        await _run(ctx, COMMENT)
    assert len(_comments(hub)) == 151
    outcome = await _run(ctx, COMMENT, repeated=True)
    assert len(_comments(hub)) == 151
    assert outcome.answer["id"] == _comments(hub)[-1]["id"]


async def test_an_issue_is_opened_once_though_the_answer_was_lost(hub: GitHubStandIn, ctx: Context) -> None:
    hub.hang_up_after_writing = 1
    with pytest.raises(Upstream):
        await _run(ctx, ISSUE)
    _issues(hub)[-1]["state"] = "closed"
    for number in range(40):
        hub.open_issue("acme/app", f"later {number}")
    outcome = await _run(ctx, ISSUE, repeated=True)
    assert [issue["title"] for issue in _issues(hub)].count("It broke") == 1
    assert outcome.detail == "Acme/app#2"


@pytest.mark.parametrize("action", [COMMENT, ISSUE])
async def test_a_repeat_of_what_did_not_get_through_writes(
    hub: GitHubStandIn, ctx: Context, action: dict[str, Any]
) -> None:
    hub.comment("acme/app", 1, f"> {MARKER}\n\nWhat is this?")
    hub.open_issue("acme/app", "Quoted", f"{MARKER} hm")
    before = len(_comments(hub)) + len(_issues(hub))
    await _run(ctx, action, repeated=True)
    assert len(_comments(hub)) + len(_issues(hub)) == before + 1


async def test_takes_the_integrations_own_token(hub: GitHubStandIn, ctx: Context) -> None:
    hub.callers = {"own": Caller("own-bot")}
    await _run(ctx, COMMENT, tokens={"github_token": "own"})
    await _run(ctx, COMMENT, tokens={"github_token": "own"}, repeated=True)
    assert len(_comments(hub)) == 1


async def test_without_a_token_it_waits_for_one(hub: GitHubStandIn) -> None:
    async with GitHub(settings(GITHUB_API_URL=hub.url), MovableClock()) as github:
        with pytest.raises(NotConfigured):
            await _run(context(github=github), COMMENT)


def test_only_to_granted_repositories() -> None:
    with pytest.raises(Denied, match="'acme/other' is not among this integration's repositories"):
        plan([{**COMMENT, "repository": "acme/other"}], GRANTS)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({**COMMENT, "title": "and a title"}, "-"),
        ({**COMMENT, "issue": None}, "-"),
        ({**COMMENT, "labels": ["bug"]}, "-"),
        ({**COMMENT, "issue": 0}, "issue"),
        ({**COMMENT, "issue": "1"}, "issue"),
        ({**COMMENT, "body": ""}, "body"),
        ({**COMMENT, "body": "x" * 65_001}, "body"),
        ({**COMMENT, "repository": "acme"}, "repository"),
        ({**COMMENT, "repository": "acme/app/../../user"}, "repository"),
        ({**COMMENT, "repository": "acme/.."}, "repository"),
        ({**COMMENT, "repository": "acme/app?x=1"}, "repository"),
        ({**COMMENT, "repository": "acme/app\n"}, "repository"),
        ({**ISSUE, "title": ""}, "title"),
        ({**ISSUE, "labels": [""]}, "labels.0"),
    ],
)
def test_wrong_parameters_are_refused_by_place(wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid, match=rf"Action 1 \(github_comment\): {where}: "):
        plan([wrong], GRANTS)
