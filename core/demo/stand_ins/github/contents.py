"""The stand-in's git over REST (https://docs.github.com/en/rest/git): refs, commits, trees, blobs; and contents."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Callable
from typing import Any

from aiohttp import web

from core.demo.stand_ins.github.answers import Caller, Handle, Hub, Refused, Repository, fields, page, stamp
from core.demo.stand_ins.github.git import EXECUTABLE, FILE, FOLDER, LINK, Git

_REPO = "/repos/{owner}/{repo}"
_GIT = _REPO + "/git"
_INLINE = 2**20
"""Larger files come without their content."""


class Contents:
    """The files of all repositories."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def push(self, name: str, branch: str, files: dict[str, str | None], message: str, login: str) -> str:
        """Commit on a branch (a new one starts at the default branch) as if from a clone; None deletes a file."""
        known = self._hub.repositories[name]
        git = known.git
        before = git.refs.get(f"heads/{branch}")
        parent = before or git.refs[f"heads/{known.default_branch}"]
        kept = git.files(git.commits[parent].tree)
        for path, content in files.items():
            if content is None:
                del kept[path]
            else:
                kept[path] = (FILE, git.blob(content.encode()))
        after = git.commit(git.tree(kept), (parent,), message, author=login, at=self._hub.now())
        self.move(name, f"heads/{branch}", after, login)
        return after

    def move(self, name: str, ref: str, after: str | None, login: str) -> None:
        """Let a ref name another commit, or none."""
        refs = self._hub.repositories[name].git.refs
        before = refs.pop(ref, None)
        if after is not None:
            refs[ref] = after
        self._hub.pushed(name, ref, before, after, login)

    def routes(self, handler: Callable[[Handle], Any]) -> list[web.RouteDef]:
        """Return the files' part of the API."""
        return [
            web.get(_GIT + "/ref/{ref:.+}", handler(self._ref)),
            web.get(_GIT + "/matching-refs/{ref:.+}", handler(self._refs)),
            web.post(_GIT + "/refs", handler(self._new_ref)),
            web.patch(_GIT + "/refs/{ref:.+}", handler(self._move_ref)),
            web.delete(_GIT + "/refs/{ref:.+}", handler(self._drop_ref)),
            web.get(_GIT + "/commits/{sha}", handler(self._commit)),
            web.post(_GIT + "/commits", handler(self._new_commit)),
            web.get(_GIT + "/trees/{sha:.+}", handler(self._tree)),
            web.post(_GIT + "/trees", handler(self._new_tree)),
            web.get(_GIT + "/blobs/{sha}", handler(self._blob)),
            web.post(_GIT + "/blobs", handler(self._new_blob)),
            web.get(_REPO + "/branches", handler(self._branches)),
            web.get(_REPO + "/branches/{branch:.+}", handler(self._branch)),
            web.get(_REPO + "/contents", handler(self._contents)),
            web.get(_REPO + "/contents/{path:.*}", handler(self._contents)),
        ]

    def _git(self, request: web.Request, caller: Caller, *, write: bool = False) -> tuple[str, Repository, Git]:
        name, found = self._hub.visible(request, caller, write="contents" if write else "")
        if not found.git.refs:
            raise Refused(409, "Git Repository is empty.")
        return name, found, found.git

    async def _ref(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller)
        ref = request.match_info["ref"]
        if ref not in git.refs:
            raise Refused(404, "Not Found")
        return web.json_response(self._shown_ref(name, ref, git.refs[ref]))

    async def _refs(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller)
        start = request.match_info["ref"]
        found = [self._shown_ref(name, ref, sha) for ref, sha in sorted(git.refs.items()) if ref.startswith(start)]
        return web.json_response(page(request, found))

    async def _new_ref(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller, write=True)
        body = await fields(request)
        ref, sha = body.get("ref"), body.get("sha")
        if not isinstance(ref, str) or not ref.startswith("refs/") or ref.count("/") < 2 or ".." in ref or " " in ref:
            raise Refused(422, "Reference name is invalid")
        if sha not in git.commits:
            raise Refused(422, "Object does not exist")
        short = ref.removeprefix("refs/")
        if short in git.refs:
            raise Refused(422, "Reference already exists")
        if any(one.startswith(short + "/") or short.startswith(one + "/") for one in git.refs):
            raise Refused(422, "Reference update failed")
        self.move(name, short, sha, caller.login)
        return web.json_response(self._shown_ref(name, short, sha), status=201)

    async def _move_ref(self, request: web.Request, caller: Caller) -> web.Response:
        name, found, git = self._git(request, caller, write=True)
        ref, body = request.match_info["ref"], await fields(request)
        if ref not in git.refs:
            raise Refused(422, "Reference does not exist")
        sha = body.get("sha")
        if sha not in git.commits:
            raise Refused(422, "Object does not exist")
        if ref.removeprefix("heads/") in found.protected:
            rule = "Changes must be made through a pull request."
            raise Refused(422, f"Repository rule violations found\n\n{rule}\n\n")
        if git.refs[ref] not in git.history(sha) and not body.get("force", False):
            raise Refused(422, "Update is not a fast forward")
        if git.refs[ref] != sha:
            self.move(name, ref, sha, caller.login)
        return web.json_response(self._shown_ref(name, ref, sha))

    async def _drop_ref(self, request: web.Request, caller: Caller) -> web.Response:
        name, found, git = self._git(request, caller, write=True)
        ref = request.match_info["ref"]
        if ref not in git.refs:
            raise Refused(422, "Reference does not exist")
        if ref == f"heads/{found.default_branch}":
            raise Refused(422, "Cannot delete the default branch")
        self.move(name, ref, None, caller.login)
        return web.Response(status=204)

    async def _commit(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller)
        return web.json_response(self._shown_commit(name, git, request.match_info["sha"]))

    async def _new_commit(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller, write=True)
        body = await fields(request)
        message, tree, parents = body.get("message"), body.get("tree"), body.get("parents", [])
        if not isinstance(message, str) or not message:
            raise Refused(422, 'Invalid request.\n\n"message" wasn\'t supplied.')
        if tree not in git.trees:
            raise Refused(422, "Tree SHA does not exist")
        if any(parent not in git.commits for parent in parents):
            raise Refused(422, "Parent SHA does not exist or is not a commit object")
        sha = git.commit(tree, tuple(parents), message, author=caller.login, at=self._hub.now())
        return web.json_response(self._shown_commit(name, git, sha), status=201)

    async def _tree(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller)
        tree = git.tree_of(request.match_info["sha"])
        if tree is None:
            raise Refused(404, "Not Found")
        # Any value asks for it, "0" and "false" too.
        return web.json_response(self._shown_tree(name, git, tree, deep="recursive" in request.query))

    async def _new_tree(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller, write=True)
        body = await fields(request)
        entries, base = body.get("tree"), body.get("base_tree")
        if not isinstance(entries, list) or not entries:
            raise Refused(422, "Invalid tree info")
        start = git.tree_of(base) if base else None
        if base and start is None:
            raise Refused(422, "base_tree is not a valid tree oid")
        files = git.files(start) if start else {}
        for entry in entries:
            path = _path(entry)
            if "sha" in entry and entry["sha"] is None:
                if path not in files:
                    raise Refused(422, "GitRPC::BadObjectState")
                del files[path]
            else:
                files[path] = (entry["mode"], _content(git, entry))
        tree = git.tree(files)
        return web.json_response(self._shown_tree(name, git, tree, deep=False), status=201)

    async def _blob(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller)
        sha = request.match_info["sha"]
        if sha not in git.blobs:
            raise Refused(404, "Not Found")
        content = git.blobs[sha]
        more = {"size": len(content), "encoding": "base64", "content": _lines(content)}
        return web.json_response({"sha": sha, "url": self._url(name, f"git/blobs/{sha}"), **more})

    async def _new_blob(self, request: web.Request, caller: Caller) -> web.Response:
        name, _, git = self._git(request, caller, write=True)
        body = await fields(request)
        content, encoding = body.get("content"), body.get("encoding", "utf-8")
        if not isinstance(content, str) or encoding not in ("utf-8", "base64"):
            raise Refused(422, "Invalid request.\n\nInvalid input: object is missing required key: content.")
        try:
            raw = (
                base64.b64decode(content.replace("\n", ""), validate=True) if encoding == "base64" else content.encode()
            )
        except ValueError:
            raise Refused(422, "content is not valid Base64") from None
        sha = git.blob(raw)
        return web.json_response({"sha": sha, "url": self._url(name, f"git/blobs/{sha}")}, status=201)

    async def _branches(self, request: web.Request, caller: Caller) -> web.Response:
        name, found, _ = self._git(request, caller)
        names = sorted(ref.removeprefix("heads/") for ref in found.git.refs if ref.startswith("heads/"))
        return web.json_response(page(request, [self._shown_branch(name, found, branch) for branch in names]))

    async def _branch(self, request: web.Request, caller: Caller) -> web.Response:
        name, found, git = self._git(request, caller)
        branch = request.match_info["branch"]
        if f"heads/{branch}" not in git.refs:
            raise Refused(404, "Branch not found")
        return web.json_response(self._shown_branch(name, found, branch))

    async def _contents(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._hub.visible(request, caller)
        git, path = found.git, request.match_info.get("path", "").strip("/")
        ref = request.query.get("ref") or found.default_branch
        if not git.refs:
            raise Refused(404, "This repository is empty.")
        tree = git.tree_of(ref)
        if tree is None:
            raise Refused(404, f"No commit found for the ref {ref}")
        there = dict(git.walked(tree))
        if path and path not in there:
            raise Refused(404, "Not Found")
        if path and there[path][0] != FOLDER:
            return web.json_response(self._shown_file(name, git, path, there[path], ref, content=True))
        start = f"{path}/" if path else ""
        inside = [one for one in there if one.startswith(start) and "/" not in one.removeprefix(start)]
        return web.json_response([self._shown_file(name, git, one, there[one], ref) for one in inside[:1000]])

    def _url(self, name: str, path: str) -> str:
        return f"{self._hub.url}/repos/{name}/{path}"

    def _shown_ref(self, name: str, ref: str, sha: str) -> dict[str, Any]:
        target = {"type": "commit", "sha": sha, "url": self._url(name, f"git/commits/{sha}")}
        return {"ref": f"refs/{ref}", "url": self._url(name, f"git/refs/{ref}"), "object": target}

    def _shown_commit(self, name: str, git: Git, sha: str) -> dict[str, Any]:
        commit = git.commits.get(sha)
        if commit is None:
            raise Refused(404, "Not Found")
        who = {
            "name": commit.author,
            "email": f"{commit.author}@users.noreply.github.example",
            "date": stamp(commit.at),
        }
        return {
            "sha": sha,
            "url": self._url(name, f"git/commits/{sha}"),
            "html_url": f"https://github.example/{name}/commit/{sha}",
            "author": who,
            "committer": who,
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": self._url(name, f"git/trees/{commit.tree}")},
            "parents": [{"sha": parent, "url": self._url(name, f"git/commits/{parent}")} for parent in commit.parents],
        }

    def _shown_tree(self, name: str, git: Git, tree: str, *, deep: bool) -> dict[str, Any]:
        entries = [entry for entry in git.walked(tree) if deep or "/" not in entry[0]]
        shown = []
        for path, (mode, sha) in entries:
            folder = mode == FOLDER
            one = {"path": path, "mode": mode, "type": "tree" if folder else "blob", "sha": sha}
            shown.append(one if folder else one | {"size": len(git.blobs[sha])})
        return {"sha": tree, "url": self._url(name, f"git/trees/{tree}"), "tree": shown, "truncated": False}

    def _shown_branch(self, name: str, found: Repository, branch: str) -> dict[str, Any]:
        sha = found.git.refs[f"heads/{branch}"]
        commit = self._shown_commit(name, found.git, sha)
        return {"name": branch, "commit": {"sha": sha, "commit": commit}, "protected": branch in found.protected}

    def _shown_file(
        self, name: str, git: Git, path: str, entry: tuple[str, str], ref: str, *, content: bool = False
    ) -> dict[str, Any]:
        mode, sha = entry
        kind = "dir" if mode == FOLDER else "symlink" if mode == LINK else "file"
        size = 0 if kind == "dir" else len(git.blobs[sha])
        shown = {
            "type": kind,
            "size": size,
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": sha,
            "url": self._url(name, f"contents/{path}?ref={ref}"),
            "git_url": self._url(name, f"git/{'trees' if kind == 'dir' else 'blobs'}/{sha}"),
            "html_url": f"https://github.example/{name}/blob/{ref}/{path}",
        }
        if not content:
            return shown
        inline = size <= _INLINE
        more = {"encoding": "base64" if inline else "none", "content": _lines(git.blobs[sha]) if inline else ""}
        return shown | more


def _path(entry: dict[str, Any]) -> str:
    path = entry.get("path")
    if not isinstance(path, str) or not path or {"", ".", "..", ".git"} & set(path.split("/")):
        raise Refused(422, "tree.path contains a malformed path component")
    if entry.get("mode") not in (FILE, EXECUTABLE, LINK):
        raise Refused(422, f"Must supply a valid tree.mode: {entry.get('mode')}")
    if ("sha" in entry) == ("content" in entry):
        what = "Must supply either tree.sha or tree.content."
        raise Refused(422, f"{what} Request will be rejected if both are present.")
    return path


def _content(git: Git, entry: dict[str, Any]) -> str:
    if "content" in entry:
        return git.blob(entry["content"].encode())
    if entry["sha"] not in git.blobs:
        raise Refused(422, f"tree.sha {entry['sha']} is not a valid blob")
    return str(entry["sha"])


def _lines(content: bytes) -> str:
    """Return base64 in lines of 60 characters, as GitHub writes it."""
    return "".join(line + "\n" for line in textwrap.wrap(base64.b64encode(content).decode(), 60))
