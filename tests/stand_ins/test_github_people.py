"""What people do on the stand-in's pages and programs through its API: done, allowed, and told to the hooks."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from tests.stand_ins.github_asking import REPO, Target, ask

ISSUE = f"{REPO}/issues/1"


@pytest.fixture(autouse=True)
def listening(hub: GitHubStandIn, target: Target) -> None:
    hub.hooks.add("acme/app", target.url, secret="your-webhook-secret", events=("*",))


async def told(hub: GitHubStandIn, target: Target) -> list[str]:
    await hub.hooks.settled()
    names = target.names
    target.got.clear()
    return names


@pytest.mark.parametrize(
    ("login", "private", "expected"),
    [
        ("octocat", True, (200, "admin", "admin")),
        ("DEV", True, (200, "write", "write")),
        ("stranger", True, (200, "none", "none")),
        ("stranger", False, (200, "read", "read")),
        ("keeper", True, (200, "write", "maintain")),
        ("sorter", True, (200, "read", "triage")),
        ("ghost", True, (404, None, None)),
    ],
)
async def test_permissions(
    hub: GitHubStandIn, login: str, private: bool, expected: tuple[int, str | None, str | None]
) -> None:
    hub.people |= {"keeper": "maintain", "sorter": "triage"}
    hub.repositories["acme/app"].private = private
    status, answer, _ = await ask(hub, "GET", f"{REPO}/collaborators/{login}/permission")
    assert (status, answer.get("permission"), answer.get("role_name")) == expected
    hub.callers[BOT_TOKEN] = Caller("reader", may_write=False)
    assert (await ask(hub, "GET", f"{REPO}/collaborators/dev/permission", token=BOT_TOKEN))[0] == 403


async def test_an_issues_life_is_told_in_order_and_signed(hub: GitHubStandIn, target: Target) -> None:
    issue = hub.open_issue("acme/app", "Slack", "Please", ["integration-request"], as_user="stranger")
    hub.edit_issue("acme/app", 2, body="Please!", as_user="stranger")
    hub.label_issue("acme/app", 2, "bug", as_user="dev")
    hub.label_issue("acme/app", 2, "Bug", as_user="dev")
    hub.unlabel_issue("acme/app", 2, "bug", as_user="dev")
    said = hub.comment("acme/app", 2, "/ccb retry", as_user="stranger")
    hub.edit_comment("acme/app", said["id"], "/ccb stop", as_user="stranger")
    hub.delete_comment("acme/app", said["id"])
    hub.close("acme/app", 2, as_user="stranger")
    hub.reopen("acme/app", 2)
    await hub.hooks.settled()
    for headers, body in target.got:
        expected = hmac.new(b"your-webhook-secret", body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={expected}"
    opened = target.told[0][1]
    assert opened["issue"]["number"] == issue["number"] == 2
    assert [label["name"] for label in opened["issue"]["labels"]] == ["integration-request"]
    assert (opened["issue"]["user"]["login"], opened["issue"]["author_association"]) == ("stranger", "NONE")
    assert (opened["repository"]["full_name"], opened["repository"]["default_branch"]) == ("acme/app", "main")
    assert "installation" not in opened
    assert target.told[2][1]["changes"] == {"body": {"from": "Please"}}
    assert target.told[3][1]["label"]["name"] == "bug"
    assert target.told[5][1]["comment"]["body"] == "/ccb retry", "as it was then"
    assert await told(hub, target) == [
        "issues.opened stranger", "issues.labeled stranger", "issues.edited stranger", "issues.labeled dev",
        "issues.unlabeled dev", "issue_comment.created stranger", "issue_comment.edited stranger",
        "issue_comment.deleted octocat", "issues.closed stranger", "issues.reopened octocat",
    ]  # fmt: skip
    assert len(hub.hooks.all[1].deliveries) == 10


async def test_who_may_not_is_stopped(hub: GitHubStandIn, target: Target) -> None:
    with pytest.raises(PermissionError):
        hub.label_issue("acme/app", 1, "integration-request", as_user="stranger")
    with pytest.raises(PermissionError):
        hub.edit_issue("acme/app", 1, body="x", as_user="stranger")
    with pytest.raises(PermissionError):
        hub.close("acme/app", 1, as_user="stranger")
    assert await told(hub, target) == []


async def test_a_pull_requests_life_is_told(hub: GitHubStandIn, target: Target) -> None:
    sha = hub.push("acme/app", "x", {"a": "1"}, as_user="dev")
    await hub.hooks.settled()
    push = target.told[1][1]
    assert (push["ref"], push["after"], push["created"]) == ("refs/heads/x", sha, True)
    assert [(commit["id"], commit["added"]) for commit in push["commits"]] == [(sha, ["a"])]
    wish = {"head": "x", "base": "main", "title": "Add", "body": "Closes #1", "draft": True}
    await ask(hub, "POST", f"{REPO}/pulls", wish, token=BOT_TOKEN)
    hub.edit_issue("acme/app", 2, title="Add a", as_user="ccb-bot")
    hub.push("acme/app", "x", {"a": "2"}, as_user="dev")
    hub.comment("acme/app", 2, "Hm", as_user="stranger")
    hub.review("acme/app", 2, "No", comments=[("a", 1, "Why?")], as_user="stranger")
    merged = hub.merge("acme/app", 2, method="squash", as_user="dev")
    await hub.hooks.settled()
    payloads = target.told
    assert "pull_request" in payloads[6][1]["issue"]
    assert payloads[7][1]["review"]["state"] == "changes_requested"
    assert payloads[8][1]["comment"]["path"] == "a"
    closed = payloads[11][1]["pull_request"]
    assert (closed["merged"], closed["merge_commit_sha"], closed["draft"]) == (True, merged, False)
    assert await told(hub, target) == [
        "create dev", "push dev", "pull_request.opened ccb-bot", "pull_request.edited ccb-bot", "push dev",
        "pull_request.synchronize dev", "issue_comment.created stranger", "pull_request_review.submitted stranger",
        "pull_request_review_comment.created stranger", "pull_request.ready_for_review dev", "push dev",
        "pull_request.closed dev", "issues.closed dev",
    ]  # fmt: skip
    hub.delete_branch("acme/app", "x")
    assert await told(hub, target) == ["delete octocat", "push octocat"]


async def test_what_the_bot_does_is_told_as_its_doing(hub: GitHubStandIn, target: Target) -> None:
    hub.installation = 99
    said = (await ask(hub, "POST", f"{ISSUE}/comments", {"body": "Hi"}, token=BOT_TOKEN))[1]
    one = f"{REPO}/issues/comments/{said['id']}"
    assert (await ask(hub, "GET", one))[1]["user"] == said["user"] and said["user"]["login"] == "ccb-bot"
    assert (await ask(hub, "PATCH", one, {"body": "Hello"}, token=BOT_TOKEN))[1]["body"] == "Hello"
    await ask(hub, "POST", f"{ISSUE}/labels", ["needs-info"], token=BOT_TOKEN)
    assert (await ask(hub, "DELETE", f"{ISSUE}/labels/needs-info", token=BOT_TOKEN))[:2] == (200, [])
    await ask(hub, "PATCH", ISSUE, {"title": "T", "state": "closed", "labels": ["a"]}, token=BOT_TOKEN)
    assert (await ask(hub, "DELETE", one, token=BOT_TOKEN))[0] == 204
    await hub.hooks.settled()
    assert target.told[0][1]["installation"] == {"id": 99}
    assert await told(hub, target) == [
        f"{name} ccb-bot" for name in (
            "issue_comment.created", "issue_comment.edited", "issues.labeled", "issues.unlabeled", "issues.edited",
            "issues.closed", "issues.labeled", "issue_comment.deleted",
        )
    ]  # fmt: skip


async def test_issues_comments_and_labels_that_are_refused(hub: GitHubStandIn) -> None:
    labels = f"{REPO}/labels"
    assert (await ask(hub, "POST", labels, {"name": "a", "color": "ffffff"}))[0] == 201
    assert (await ask(hub, "GET", f"{labels}/A"))[1]["color"] == "ffffff"
    status, answer, _ = await ask(hub, "POST", labels, {"name": "A"})
    assert (status, answer["errors"][0]["code"]) == (422, "already_exists")
    for wrong in ({}, {"name": "b", "color": "#ffffff"}, {"name": "b", "description": "x" * 101}, {"name": "b" * 51}):
        assert (await ask(hub, "POST", labels, wrong))[0] == 422
    for path in (f"{labels}/b", f"{REPO}/issues/comments/99", f"{REPO}/issues/comments/x"):
        assert (await ask(hub, "GET", path))[0] == 404
    status, answer, _ = await ask(hub, "DELETE", f"{ISSUE}/labels/a")
    assert (status, answer["message"]) == (404, "Label does not exist")
    for wrong in ({"title": ""}, {"state": "done"}, {"labels": "a"}):
        assert (await ask(hub, "PATCH", ISSUE, wrong))[0] == 422
    for body in ("", "x" * 65_537):
        assert (await ask(hub, "POST", f"{ISSUE}/comments", {"body": body}))[0] == 422


async def test_any_write_can_be_done_without_an_answer(hub: GitHubStandIn, target: Target) -> None:
    hub.hang_up_after_writing = 1
    with pytest.raises(Exception, match=r"disconnected|reset"):
        await ask(hub, "PATCH", ISSUE, {"title": "Changed"})
    assert (await ask(hub, "GET", ISSUE))[1]["title"] == "Changed"
    assert await told(hub, target) == ["issues.edited octocat"]
