"""The stand-in's branches and files: names as git gives them, refusals as GitHub's."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

import pytest

from core.demo.stand_ins.github.git import Git
from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from tests.stand_ins.github_asking import REPO, ask

NOWHERE = "0" * 39 + "1"


def head(hub: GitHubStandIn, branch: str = "main") -> str:
    return hub.repositories["acme/app"].git.refs[f"heads/{branch}"]


async def write(hub: GitHubStandIn, path: str, body: Any, *, method: str = "POST", status: int = 201) -> Any:
    got, answer, _ = await ask(hub, method, f"{REPO}/git/{path}", body)
    assert got == status, answer
    return answer


async def refusal(hub: GitHubStandIn, path: str, body: Any, *, method: str = "POST") -> str:
    return str((await write(hub, path, body, method=method, status=422))["message"])


def test_objects_have_the_names_that_git_gives_them(tmp_path: Path) -> None:
    files = {"a.txt": "1\n", "a/b.txt": "2\n", "a-b": "3\n", "ü/ß.json": "{}"}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in (
        ("NAME", "dev"), ("EMAIL", "dev@users.noreply.github.example"), ("DATE", "1700000000 +0000"))}  # fmt: skip
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "One", "--no-gpg-sign"]):
        subprocess.run(
            ["git", *words], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)} | who, check=True
        )
    named = subprocess.run(
        ["git", "rev-parse", "HEAD^{tree}", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    git = Git()
    tree = git.tree({path: ("100644", git.blob(text.encode())) for path, text in files.items()})
    assert [tree, git.commit(tree, (), "One\n", author="dev", at=1_700_000_000)] == named


async def test_a_commit_from_blob_to_branch(hub: GitHubStandIn) -> None:
    blob = await write(hub, "blobs", {"content": base64.b64encode(b"\xffx").decode(), "encoding": "base64"})
    base = (await ask(hub, "GET", f"{REPO}/git/commits/{head(hub)}"))[1]["tree"]["sha"]
    entries = [
        {"path": "a/bin", "mode": "100755", "type": "blob", "sha": blob["sha"]},
        {"path": "a/text", "mode": "100644", "type": "blob", "content": "ü\n"},
    ]
    tree = await write(hub, "trees", {"base_tree": base, "tree": entries})
    made = await write(hub, "commits", {"message": "Add", "tree": tree["sha"], "parents": [head(hub)]})
    ref = await write(hub, "refs", {"ref": "refs/heads/x/y", "sha": made["sha"]})
    assert (ref["ref"], ref["object"]["sha"]) == ("refs/heads/x/y", made["sha"])
    assert (await ask(hub, "GET", f"{REPO}/git/ref/heads/x/y"))[1] == ref
    assert (await ask(hub, "GET", f"{REPO}/git/matching-refs/heads/x"))[1] == [ref]
    flat = (await ask(hub, "GET", f"{REPO}/git/trees/{made['sha']}"))[1]["tree"]
    assert [(one["path"], one["type"]) for one in flat] == [("README.md", "blob"), ("a", "tree")]
    deep = (await ask(hub, "GET", f"{REPO}/git/trees/x/y?recursive=0"))[1]["tree"]
    assert [one["path"] for one in deep] == ["README.md", "a", "a/bin", "a/text"]
    read = (await ask(hub, "GET", f"{REPO}/git/blobs/{blob['sha']}"))[1]
    assert base64.b64decode(read["content"]) == b"\xffx"
    branch = (await ask(hub, "GET", f"{REPO}/branches/x/y"))[1]
    assert (branch["commit"]["sha"], branch["protected"]) == (made["sha"], False)
    assert [one["name"] for one in (await ask(hub, "GET", f"{REPO}/branches"))[1]] == ["main", "x/y"]
    assert (await ask(hub, "DELETE", f"{REPO}/git/refs/heads/x/y"))[0] == 204
    assert (await ask(hub, "GET", f"{REPO}/git/ref/heads/x/y"))[0] == 404


async def test_trees_that_are_refused(hub: GitHubStandIn) -> None:
    one = {"path": "a", "mode": "100644", "type": "blob", "content": "x"}
    assert await refusal(hub, "trees", {"tree": []}) == "Invalid tree info"
    assert await refusal(hub, "trees", {"tree": [one], "base_tree": NOWHERE}) == "base_tree is not a valid tree oid"
    gone = {"path": "gone", "mode": "100644", "type": "blob", "sha": None}
    assert await refusal(hub, "trees", {"tree": [gone], "base_tree": head(hub)}) == "GitRPC::BadObjectState"
    assert "either tree.sha or tree.content" in await refusal(hub, "trees", {"tree": [one | {"sha": NOWHERE}]})
    nowhere = {"path": "a", "mode": "100644", "type": "blob", "sha": NOWHERE}
    assert "not a valid blob" in await refusal(hub, "trees", {"tree": [nowhere]})
    assert "tree.mode" in await refusal(hub, "trees", {"tree": [one | {"mode": "644"}]})
    for path in ("", "/a", "../a", "a//b", ".git/config"):
        assert "malformed path" in await refusal(hub, "trees", {"tree": [one | {"path": path}]})


async def test_commits_and_blobs_that_are_refused(hub: GitHubStandIn) -> None:
    tree = hub.repositories["acme/app"].git.commits[head(hub)].tree
    assert "message" in await refusal(hub, "commits", {"tree": tree})
    assert await refusal(hub, "commits", {"message": "x", "tree": NOWHERE}) == "Tree SHA does not exist"
    assert "Parent SHA" in await refusal(hub, "commits", {"message": "x", "tree": tree, "parents": [NOWHERE]})
    assert "Base64" in await refusal(hub, "blobs", {"content": "ß", "encoding": "base64"})
    for kind in ("commits", "trees", "blobs"):
        assert (await ask(hub, "GET", f"{REPO}/git/{kind}/{NOWHERE}"))[0] == 404


async def test_refs_that_are_refused(hub: GitHubStandIn) -> None:
    first = head(hub)
    second = hub.push("acme/app", "main", {"a": "1"})
    other = hub.push("acme/app", "other", {"b": "1"})
    assert await refusal(hub, "refs", {"ref": "refs/heads/other", "sha": second}) == "Reference already exists"
    assert await refusal(hub, "refs", {"ref": "refs/heads/new", "sha": NOWHERE}) == "Object does not exist"
    assert await refusal(hub, "refs", {"ref": "refs/heads/other/x", "sha": second}) == "Reference update failed"
    for ref in ("heads/new", "refs/new", "refs/heads/a b"):
        assert "invalid" in await refusal(hub, "refs", {"ref": ref, "sha": second})
    for method, body in (("PATCH", {"sha": second}), ("DELETE", None)):
        assert await refusal(hub, "refs/heads/gone", body, method=method) == "Reference does not exist"
    hub.push("acme/app", "main", {"a": "2"})
    back = {"sha": other}
    assert await refusal(hub, "refs/heads/main", back, method="PATCH") == "Update is not a fast forward"
    await write(hub, "refs/heads/main", back | {"force": True}, method="PATCH", status=200)
    assert head(hub) == other
    assert "default branch" in await refusal(hub, "refs/heads/main", None, method="DELETE")
    hub.repositories["acme/app"].protected.add("main")
    forced = {"sha": first, "force": True}
    assert "through a pull request" in await refusal(hub, "refs/heads/main", forced, method="PATCH")


async def test_contents(hub: GitHubStandIn) -> None:
    hub.push("acme/app", "main", {"docs/a.md": "x" * 100, "docs/deep/b.md": "b"})
    hub.push("acme/app", "other", {"docs/a.md": "other"})
    one = (await ask(hub, "GET", f"{REPO}/contents/docs/a.md"))[1]
    assert base64.b64decode(one["content"]) == b"x" * 100
    assert [len(line) for line in one["content"].splitlines()] == [60, 60, 16]
    assert (await ask(hub, "GET", f"{REPO}/contents/docs/a.md?ref=other"))[1]["size"] == 5
    folder = (await ask(hub, "GET", f"{REPO}/contents/docs"))[1]
    assert [(entry["path"], entry["type"]) for entry in folder] == [("docs/a.md", "file"), ("docs/deep", "dir")]
    assert "content" not in folder[0]
    assert [entry["name"] for entry in (await ask(hub, "GET", f"{REPO}/contents"))[1]] == ["README.md", "docs"]
    assert (await ask(hub, "GET", f"{REPO}/contents/gone"))[1]["message"] == "Not Found"
    assert "No commit found" in (await ask(hub, "GET", f"{REPO}/contents/docs?ref=gone"))[1]["message"]
    hub.push("acme/app", "main", {"large": "x" * (2**20 + 1)})
    large = (await ask(hub, "GET", f"{REPO}/contents/large"))[1]
    assert (large["content"], large["encoding"]) == ("", "none")


async def test_an_empty_repository_and_who_may_not(hub: GitHubStandIn) -> None:
    hub.callers[BOT_TOKEN] = Caller("reader", scopes=None, may_write=False)
    status, _, headers = await ask(hub, "POST", f"{REPO}/git/blobs", {"content": "x"}, token=BOT_TOKEN)
    assert (status, headers["X-Accepted-GitHub-Permissions"]) == (403, "contents=write")
    with pytest.raises(PermissionError):
        hub.push("acme/app", "main", {"a": "1"}, as_user="stranger")
    hub.repositories["acme/app"].git.refs.clear()
    assert (await ask(hub, "GET", f"{REPO}/git/ref/heads/main"))[0] == 409
    assert (await ask(hub, "GET", f"{REPO}/contents"))[1]["message"] == "This repository is empty."
