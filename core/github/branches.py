"""One folder of a repository: read at a commit, and written on a branch as one commit at a time.

Git's objects have no owner and no order, so what a cut-off call left of them harms nothing; the branch moves last.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.context import GitHubPort
from core.errors import Conflict, Invalid, Upstream
from core.github import asking
from core.texts import T

MAX_FILES = 50
MAX_SIZE = 1 << 20
"""Bytes of all files of a folder together."""
_FILE, _EXECUTABLE = "100644", "100755"
_SHA = re.compile(r"[0-9a-f]{40}")
_PART = re.compile(r"(?!\.{1,2}$|\.git$)[A-Za-z0-9._-]+", re.IGNORECASE)
_TRIES = 3


@dataclass(frozen=True)
class _Head:
    """Where a commit goes: on `parent`; `former` is what the branch names now, None where it is not there."""

    parent: str
    former: str | None


async def commit(
    github: GitHubPort,
    repository: str,
    *,
    branch: str,
    base: str,
    folder: str,
    files: Mapping[str, str],
    message: str,
    afresh: bool = False,
    only_add: bool = False,
) -> str:
    """Let `folder` on `branch` hold exactly `files` (path within it → text); return the branch's commit.

    A branch that is not there starts at the head of `base`; one that is gets one commit more, unless it holds the files
    already. `afresh`: one that is there begins again at the head of `base` (for a branch that nothing is open for).
    `only_add`: what is in `folder` beside `files` stays. Nothing outside `folder` is touched.
    Raises `Invalid` for a path, `Conflict`, `Upstream` or `NotConfigured`.
    """
    wanted = {f"{_checked(folder)}/{_checked(path)}": text for path, text in files.items()}
    for last in (False,) * (_TRIES - 1) + (True,):
        head = await _head(github, repository, branch, base, afresh=afresh)
        made = await _made(github, repository, head.parent, folder, wanted, message, only_add=only_add)
        if made == head.former:
            return made
        try:
            await _move(github, repository, branch, head, made, force=afresh)
        except Upstream as error:
            # Somebody was quicker, or it was done and we never heard of it: look again.
            if last or not asking.refused(error) or await _ref(github, repository, branch) == head.former:
                raise
        else:
            return made
    raise AssertionError("the last try returns or raises")


async def head(github: GitHubPort, repository: str, branch: str) -> str | None:
    """Return the commit that a branch names, None where there is no such branch."""
    return await _ref(github, repository, branch)


async def default(github: GitHubPort, repository: str) -> str:
    """Return the name of the repository's default branch."""
    return str((await github.request("GET", f"/repos/{repository}"))["default_branch"])


async def read(github: GitHubPort, repository: str, *, ref: str, folder: str) -> dict[str, str]:
    """Return the files of `folder` (path within it → text) at a commit or branch; none where there is no such folder.

    Raises `Invalid` for a link, for what is not UTF-8, or more than `MAX_FILES` and `MAX_SIZE`.
    """
    sha = ref if _SHA.fullmatch(ref) else await _ref(github, repository, ref)
    if sha is None:
        raise _no_branch(repository, ref)
    entries = await _folder(github, repository, await _tree(github, repository, sha), _checked(folder))
    if len(entries) > MAX_FILES:
        raise Invalid(T("{folder} holds more than {most} files.", folder=folder, most=MAX_FILES), path=folder)
    if sum(entry.get("size", 0) for entry in entries.values()) > MAX_SIZE:
        raise Invalid(T("{folder} holds more than {most} bytes.", folder=folder, most=MAX_SIZE), path=folder)
    return {path: await _text(github, repository, f"{folder}/{path}", entry) for path, entry in entries.items()}


async def _head(github: GitHubPort, repository: str, branch: str, base: str, *, afresh: bool) -> _Head:
    former = await _ref(github, repository, branch)
    if former is not None and not afresh:
        return _Head(former, former)
    start = await _ref(github, repository, base)
    if start is None:
        raise _no_branch(repository, base)
    if former is not None:
        # Begun again already, by a call that was cut off.
        parents = (await github.request("GET", f"/repos/{repository}/git/commits/{former}"))["parents"]
        if [parent["sha"] for parent in parents] == [start]:
            return _Head(former, former)
    return _Head(start, former)


async def _made(
    github: GitHubPort,
    repository: str,
    parent: str,
    folder: str,
    wanted: Mapping[str, str],
    message: str,
    *,
    only_add: bool,
) -> str:
    """Return a commit on `parent` that holds the files; `parent` itself where it does."""
    tree = await _tree(github, repository, parent)
    there = {f"{folder}/{path}": entry for path, entry in (await _folder(github, repository, tree, folder)).items()}
    changes: list[dict[str, Any]] = [
        {"path": path, "mode": _FILE, "type": "blob", "content": text}
        for path, text in wanted.items()
        if path not in there or (there[path]["sha"], there[path]["mode"]) != (_blob(text), _FILE)
    ]
    gone = [] if only_add else [path for path in there if path not in wanted]
    changes += [{"path": path, "mode": _FILE, "type": "blob", "sha": None} for path in gone]
    if not changes:
        return parent
    git = f"/repos/{repository}/git"
    made = await github.request("POST", f"{git}/trees", body={"base_tree": tree, "tree": changes})
    new = {"message": message, "tree": made["sha"], "parents": [parent]}
    return str((await github.request("POST", f"{git}/commits", body=new))["sha"])


async def _move(github: GitHubPort, repository: str, branch: str, head: _Head, sha: str, *, force: bool) -> None:
    git = f"/repos/{repository}/git"
    if head.former is None:
        await github.request("POST", f"{git}/refs", body={"ref": f"refs/heads/{branch}", "sha": sha})
    else:
        await github.request("PATCH", f"{git}/refs/heads/{quote(branch)}", body={"sha": sha, "force": force})


async def _ref(github: GitHubPort, repository: str, branch: str) -> str | None:
    found = await asking.find(github, f"/repos/{repository}/git/ref/heads/{quote(branch)}")
    return None if found is None else str(found["object"]["sha"])


async def _tree(github: GitHubPort, repository: str, sha: str) -> str:
    return str((await github.request("GET", f"/repos/{repository}/git/commits/{sha}"))["tree"]["sha"])


async def _folder(github: GitHubPort, repository: str, tree: str, folder: str) -> dict[str, dict[str, Any]]:
    """Return a folder's files by their paths within it, step by step down: a whole tree may be cut off."""
    for part in folder.split("/"):
        entries = (await github.request("GET", f"/repos/{repository}/git/trees/{tree}"))["tree"]
        found = next((entry for entry in entries if entry["path"] == part), None)
        if found is None:
            return {}
        if found["type"] != "tree":
            raise Conflict(
                T("{path} in {repository} is no folder. Move it out of the way.", path=folder, repository=repository)
            )
        tree = found["sha"]
    whole = await github.request("GET", f"/repos/{repository}/git/trees/{tree}?recursive=1")
    return {entry["path"]: entry for entry in whole["tree"] if entry["type"] != "tree"}


async def _text(github: GitHubPort, repository: str, path: str, entry: Mapping[str, Any]) -> str:
    if entry["type"] != "blob" or entry["mode"] not in (_FILE, _EXECUTABLE):
        raise Invalid(T("{path} is a link or a submodule, not a file.", path=path), path=path)
    blob = await github.request("GET", f"/repos/{repository}/git/blobs/{entry['sha']}")
    try:
        return base64.b64decode(blob["content"]).decode()
    except UnicodeDecodeError:
        raise Invalid(T("{path} is not UTF-8 text.", path=path), path=path) from None


def _blob(text: str) -> str:
    """Return the name that git gives to a file's content (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)."""
    content = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _checked(path: str) -> str:
    if not all(_PART.fullmatch(part) for part in path.split("/")):
        raise Invalid(
            T("{path} is no path within a folder: letters, digits, . _ and - only.", path=repr(path)), path=path
        )
    return path


def _no_branch(repository: str, branch: str) -> Upstream:
    return Upstream(
        T("{repository} has no branch {branch}. An empty repository needs a first commit.",
          repository=repository, branch=branch),
        permanent=True,
        status=404,
    )  # fmt: skip
