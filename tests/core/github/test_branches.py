from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.context import GitHubPort
from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from core.errors import Conflict, Invalid, Upstream
from core.github import branches
from core.github.client import GitHub
from tests.contexts import MovableClock
from tests.core.github.conftest import Dying, Killed, writes

FILES = {"integration.yaml": "name: Deploys\n", "handler.py": "x = 1\n", "samples/push.json": '{"ü": 1}\n'}
BRANCH = "ccb/deploys"
FOLDER = "integrations/deploys"


async def commit(github: GitHubPort, files: dict[str, str] = FILES, **more: Any) -> str:
    wish = {"branch": BRANCH, "base": "main", "folder": FOLDER, "files": files, "message": "Add deploys", **more}
    return await branches.commit(github, "acme/app", **wish)


def all_files(hub: GitHubStandIn, ref: str = BRANCH) -> dict[str, str]:
    git = hub.repositories["acme/app"].git
    tree = git.tree_of(ref)
    assert tree is not None
    return {path: git.blobs[sha].decode() for path, (_, sha) in git.files(tree).items()}


def own_commits(hub: GitHubStandIn, branch: str = BRANCH) -> list[str]:
    git = hub.repositories["acme/app"].git
    return [git.commits[sha].message for sha in git.new(git.refs[f"heads/{branch}"], since=git.refs["heads/main"])]


def placed(files: dict[str, str]) -> dict[str, str]:
    return {f"{FOLDER}/{path}": text for path, text in files.items()}


async def test_the_first_commit_starts_at_the_base(hub: GitHubStandIn, bot: GitHub) -> None:
    sha = await commit(bot)
    assert (
        sha == hub.repositories["acme/app"].git.refs[f"heads/{BRANCH}"] == await branches.head(bot, "acme/app", BRANCH)
    )
    assert all_files(hub) == {"README.md": "# app\n"} | placed(FILES)
    assert own_commits(hub) == ["Add deploys"]
    assert all_files(hub, "main") == {"README.md": "# app\n"}


async def test_the_same_again_is_no_new_commit(hub: GitHubStandIn, bot: GitHub) -> None:
    first = await commit(bot)
    before = writes(hub)
    assert await commit(bot) == first
    assert writes(hub) == before


async def test_a_further_round_adds_replaces_and_deletes(hub: GitHubStandIn, bot: GitHub) -> None:
    await commit(bot)
    hub.push("acme/app", BRANCH, {"docs/more.md": "by somebody\n"})
    second = {"integration.yaml": "name: Deploys 2\n", "handler.py": "x = 1\n", "samples/tag.json": "{}\n"}
    await commit(bot, second, message="Second round")
    assert all_files(hub) == {"README.md": "# app\n", "docs/more.md": "by somebody\n"} | placed(second)
    assert own_commits(hub) == ["Add deploys", "Change", "Second round"]


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("afresh", [False, True])
async def test_killed_after_any_write_it_is_one_commit(
    hub: GitHubStandIn, bot: GitHub, clock: MovableClock, after: int, afresh: bool
) -> None:
    with pytest.raises(Killed):
        await commit(Dying(bot, after=after), afresh=afresh)
    clock.move(60)
    await commit(bot, afresh=afresh)
    assert own_commits(hub) == ["Add deploys"]
    assert all_files(hub) == {"README.md": "# app\n"} | placed(FILES)


async def test_answers_that_never_come_make_no_second_commit(hub: GitHubStandIn, bot: GitHub) -> None:
    for _ in range(6):
        hub.hang_up_after_writing = 1
        with contextlib.suppress(Upstream):
            await commit(bot)
    hub.hang_up_after_writing = 0
    await commit(bot)
    assert own_commits(hub) == ["Add deploys"]


async def test_somebody_who_is_quicker_keeps_their_commit(hub: GitHubStandIn, bot: GitHub) -> None:
    class Overtaken(Dying):
        async def request(self, method: str, path: str, *, body: Any = None, token: str | None = None) -> Any:
            if path.endswith("/git/commits") and not overtaken:
                overtaken.append(hub.push("acme/app", BRANCH, {"docs/more.md": "quicker\n"}))
            return await self._github.request(method, path, body=body, token=token)

    overtaken: list[str] = []
    await commit(Overtaken(bot, after=0))
    assert all_files(hub) == {"README.md": "# app\n", "docs/more.md": "quicker\n"} | placed(FILES)
    assert own_commits(hub) == ["Change", "Add deploys"]
    overtaken.clear()
    await commit(Overtaken(bot, after=0), {"handler.py": "y = 2\n"}, message="Second round")
    assert own_commits(hub) == ["Change", "Add deploys", "Change", "Second round"]


async def test_afresh_starts_at_the_base_again(hub: GitHubStandIn, bot: GitHub, clock: MovableClock) -> None:
    await commit(bot)
    hub.push("acme/app", "main", {"CHANGES.md": "new\n"})
    second = {"handler.py": "y = 2\n"}
    sha = await commit(bot, second, message="Again", afresh=True)
    assert own_commits(hub) == ["Again"]
    clock.move(60)
    assert all_files(hub) == {"README.md": "# app\n", "CHANGES.md": "new\n"} | placed(second)
    assert await commit(bot, second, message="Again", afresh=True) == sha


async def test_a_protected_branch_says_so(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.repositories["acme/app"].protected.add("main")
    with pytest.raises(Upstream, match="Changes must be made through a pull request") as refused:
        await commit(bot, branch="main")
    assert refused.value.permanent
    assert all_files(hub, "main") == {"README.md": "# app\n"}


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "", ".", "a/..", "a/.git/config", "a\\b", "a b", "x\n", ".GIT"])
async def test_no_path_leads_out_of_the_folder(hub: GitHubStandIn, bot: GitHub, path: str) -> None:
    with pytest.raises(Invalid):
        await commit(bot, {path: "x"})
    with pytest.raises(Invalid):
        await commit(bot, folder=f"integrations/{path}")
    assert hub.requests == []


async def test_what_is_in_the_way(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.push("acme/app", "main", {"integrations": "a file\n"})
    with pytest.raises(Conflict, match="is no folder"):
        await commit(bot)
    with pytest.raises(Upstream, match="has no branch other") as missing:
        await commit(bot, base="other")
    assert missing.value.permanent


async def test_limits_and_refusals_come_through(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.secondary_limit = 9
    with pytest.raises(Upstream) as limited:
        await commit(bot)
    assert limited.value.retry_after == 9
    hub.secondary_limit = None
    hub.callers[BOT_TOKEN] = Caller("ccb-bot", scopes=None, may_write=False)
    with pytest.raises(Upstream, match="it needs contents=write"):
        await commit(bot)


async def test_a_folder_is_read_at_a_commit_and_a_branch(hub: GitHubStandIn, bot: GitHub) -> None:
    sha = await commit(bot)
    assert await branches.read(bot, "acme/app", ref=sha, folder=FOLDER) == FILES
    hub.push("acme/app", BRANCH, {f"{FOLDER}/handler.py": "later\n"})
    assert await branches.read(bot, "acme/app", ref=sha, folder=FOLDER) == FILES
    assert (await branches.read(bot, "acme/app", ref=BRANCH, folder=FOLDER))["handler.py"] == "later\n"
    assert await branches.read(bot, "acme/app", ref="main", folder=FOLDER) == {}
    with pytest.raises(Upstream, match="no branch other"):
        await branches.read(bot, "acme/app", ref="other", folder=FOLDER)
    with pytest.raises(Upstream, match="knows nothing"):
        await branches.read(bot, "acme/app", ref="0" * 40, folder=FOLDER)


async def test_what_is_read_is_bounded(hub: GitHubStandIn, bot: GitHub) -> None:
    hub.push("acme/app", "many", {f"{FOLDER}/{number}.txt": "" for number in range(51)})
    hub.push("acme/app", "large", {f"{FOLDER}/{number}.txt": "x" * 600_000 for number in range(2)})
    git = hub.repositories["acme/app"].git
    for branch, mode, content in (("link", "120000", b"/etc/passwd"), ("binary", "100644", b"\xff\xfe")):
        tree = git.tree({f"{FOLDER}/handler.py": (mode, git.blob(content))})
        git.refs[f"heads/{branch}"] = git.commit(tree, (), "x", author="octocat", at=0)
    for branch, reason in (("many", "50 files"), ("large", "bytes"), ("link", "a link"), ("binary", "not UTF-8")):
        with pytest.raises(Invalid, match=reason):
            await branches.read(bot, "acme/app", ref=branch, folder=FOLDER)


async def test_the_default_branch(hub: GitHubStandIn, bot: GitHub) -> None:
    assert await branches.default(bot, "acme/app") == "main"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_content_has_gits_own_name(text: str) -> None:
    assert branches._blob(text) == GitHubStandIn().repositories["acme/app"].git.blob(text.encode())
