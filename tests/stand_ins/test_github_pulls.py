"""The stand-in's pull requests and reviews."""

from __future__ import annotations

from typing import Any

import pytest

from core.demo.stand_ins.github.answers import Refused
from core.demo.stand_ins.github.hub import BOT_TOKEN, GitHubStandIn
from tests.stand_ins.github_asking import REPO, ask

PULLS = f"{REPO}/pulls"


@pytest.fixture(autouse=True)
def branch(hub: GitHubStandIn) -> str:
    return hub.push("acme/app", "x", {"a.txt": "1\n2\n", "README.md": None}, as_user="dev")


async def open_one(hub: GitHubStandIn, *, status: int = 201, **more: Any) -> Any:
    wish = {"head": "x", "base": "main", "title": "Add a", "body": "Fixes #1", **more}
    got, answer, _ = await ask(hub, "POST", PULLS, wish, token=BOT_TOKEN)
    assert got == status, answer
    return answer


async def listed(hub: GitHubStandIn, query: str = "") -> list[int]:
    return [one["number"] for one in (await ask(hub, "GET", f"{PULLS}?{query}"))[1]]


async def test_one_from_opening_to_merging(hub: GitHubStandIn, branch: str) -> None:
    made = await open_one(hub, draft=True)
    assert (made["number"], made["state"], made["draft"], made["mergeable"]) == (2, "open", True, True)
    assert (made["head"]["label"], made["head"]["sha"]) == ("acme:x", branch)
    assert (await ask(hub, "GET", f"{REPO}/issues/2"))[1]["pull_request"]["html_url"] == made["html_url"]
    changed = (await ask(hub, "PATCH", f"{PULLS}/2", {"title": "Add a file"}))[1]
    assert changed["title"] == "Add a file"
    files = (await ask(hub, "GET", f"{PULLS}/2/files"))[1]
    assert [(one["filename"], one["status"], one["changes"]) for one in files] == [
        ("README.md", "removed", 1), ("a.txt", "added", 2),
    ]  # fmt: skip
    assert [one["sha"] for one in (await ask(hub, "GET", f"{PULLS}/2/commits"))[1]] == [branch]
    status, answer, _ = await ask(hub, "PUT", f"{PULLS}/2/merge", {})
    assert (status, answer["message"]) == (405, "Pull Request is still a draft")
    hub.ready("acme/app", 2)
    assert (await ask(hub, "PUT", f"{PULLS}/2/merge", {"sha": "0" * 40}))[0] == 409
    assert (await ask(hub, "PUT", f"{PULLS}/2/merge", {"merge_method": "rebase"}))[0] == 405
    status, answer, _ = await ask(hub, "PUT", f"{PULLS}/2/merge", {"sha": branch})
    assert (status, answer["merged"]) == (200, True)
    merged = (await ask(hub, "GET", f"{PULLS}/2"))[1]
    assert (merged["state"], merged["merged"], merged["merge_commit_sha"]) == ("closed", True, answer["sha"])
    assert hub.repositories["acme/app"].git.refs["heads/main"] == answer["sha"]
    assert (await ask(hub, "GET", f"{REPO}/issues/1"))[1]["state"] == "closed"
    assert (await ask(hub, "PUT", f"{PULLS}/2/merge"))[0] == 405


async def test_what_is_refused(hub: GitHubStandIn) -> None:
    def first(answer: Any) -> Any:
        return answer["errors"][0]

    assert first(await open_one(hub, status=422, head="gone"))["field"] == "head"
    assert first(await open_one(hub, status=422, base="gone"))["field"] == "base"
    assert first(await open_one(hub, status=422, title=""))["code"] == "missing_field"
    assert first(await open_one(hub, status=422, head="main"))["message"] == "No commits between main and main"
    await open_one(hub, head="acme:x")
    assert first(await open_one(hub, status=422))["message"] == "A pull request already exists for acme:x."
    hub.repositories["acme/app"].drafts = False
    assert "not supported" in (await open_one(hub, status=422, draft=True))["message"]
    for path, body in ((f"{PULLS}/2", {"state": "merged"}), (f"{PULLS}/2", {"base": "gone"})):
        assert (await ask(hub, "PATCH", path, body))[0] == 422
    for path in (f"{PULLS}/1", f"{PULLS}/x", f"{PULLS}/9/files"):
        assert (await ask(hub, "GET", path))[0] == 404
    assert (await ask(hub, "GET", f"{PULLS}?state=merged"))[0] == 422


async def test_lists_are_filtered(hub: GitHubStandIn) -> None:
    hub.push("acme/app", "y", {"b.txt": "1\n"})
    await open_one(hub)
    await open_one(hub, head="y")
    assert await listed(hub) == [3, 2]
    assert await listed(hub, "head=acme:x") == [2]
    assert await listed(hub, "head=x") == [3, 2], "passed over without its owner"
    assert await listed(hub, "head=other:x") == []
    assert await listed(hub, "base=x") == []
    hub.close("acme/app", 2)
    assert (await listed(hub), await listed(hub, "state=closed"), await listed(hub, "state=all")) == ([3], [2], [3, 2])
    assert "merged" not in (await ask(hub, "GET", PULLS))[1][0]


async def test_it_follows_its_branch_and_closes_with_it(hub: GitHubStandIn) -> None:
    await open_one(hub)
    later = hub.push("acme/app", "x", {"a.txt": "3\n"})
    assert (await ask(hub, "GET", f"{PULLS}/2"))[1]["head"]["sha"] == later
    hub.delete_branch("acme/app", "x")
    assert (await ask(hub, "GET", f"{PULLS}/2"))[1]["state"] == "closed"
    assert (await ask(hub, "PATCH", f"{PULLS}/2", {"state": "open"}))[0] == 422


async def test_what_both_sides_changed_cannot_be_merged(hub: GitHubStandIn) -> None:
    await open_one(hub)
    hub.push("acme/app", "main", {"c.txt": "c\n"})
    assert (await ask(hub, "GET", f"{PULLS}/2"))[1]["mergeable"] is True
    hub.push("acme/app", "main", {"README.md": "changed\n"})
    assert (await ask(hub, "GET", f"{PULLS}/2"))[1]["mergeable"] is False
    with pytest.raises(Refused, match="not mergeable"):
        hub.merge("acme/app", 2)
    with pytest.raises(PermissionError):
        hub.merge("acme/app", 2, as_user="stranger")


async def test_reviews_and_comments_on_lines(hub: GitHubStandIn) -> None:
    await open_one(hub)
    review = hub.review("acme/app", 2, "Please change", comments=[("a.txt", 2, "Why?")], as_user="dev")
    assert review["state"] == "CHANGES_REQUESTED"
    assert [one["id"] for one in (await ask(hub, "GET", f"{PULLS}/2/reviews"))[1]] == [review["id"]]
    [comment] = (await ask(hub, "GET", f"{PULLS}/2/comments"))[1]
    assert (comment["path"], comment["line"], comment["body"]) == ("a.txt", 2, "Why?")
    one = f"{PULLS}/comments/{comment['id']}"
    assert (await ask(hub, "PATCH", one, {"body": "Why 2?"}))[1]["body"] == "Why 2?"
    reply = (await ask(hub, "POST", f"{PULLS}/2/comments/{comment['id']}/replies", {"body": "So."}))[1]
    assert (reply["in_reply_to_id"], reply["path"]) == (comment["id"], "a.txt")
    assert len((await ask(hub, "GET", f"{PULLS}/2/comments"))[1]) == 2
    assert (await ask(hub, "DELETE", one))[0] == 204
    assert (await ask(hub, "GET", one))[0] == 404


async def test_reviews_that_are_refused(hub: GitHubStandIn) -> None:
    await open_one(hub)
    reviews = f"{PULLS}/2/reviews"
    assert (await ask(hub, "POST", reviews, {"event": "APPROVE"}))[0] == 200
    assert (await ask(hub, "POST", reviews, {"event": "APPROVE"}, token=BOT_TOKEN))[0] == 422
    assert (await ask(hub, "POST", reviews, {"event": "COMMENT"}))[0] == 422
    assert (await ask(hub, "POST", reviews, {"event": "SHOUT", "body": "x"}))[0] == 422
    elsewhere = {"event": "COMMENT", "body": "x", "comments": [{"path": "gone", "line": 1, "body": "y"}]}
    assert (await ask(hub, "POST", reviews, elsewhere))[0] == 422
