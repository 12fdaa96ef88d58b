"""The stand-in's pull requests (https://docs.github.com/en/rest/pulls): each is an issue, and a branch to be merged."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from core.demo.stand_ins.github.answers import Caller, Handle, Hub, Refused, Repository, fields, invalid, page, stamp
from core.demo.stand_ins.github.contents import Contents
from core.demo.stand_ins.github.git import Git
from core.demo.stand_ins.github.issues import Issues, number_of

_PULLS = "/repos/{owner}/{repo}/pulls"
_PULL = _PULLS + "/{number}"
_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? #(\d+)", re.IGNORECASE)


class Pulls:
    """The pull requests of all repositories, within one repository each: no forks."""

    def __init__(self, hub: Hub, issues: Issues, contents: Contents) -> None:
        self._hub = hub
        self._issues = issues
        self._contents = contents

    def open(
        self, name: str, head: str, base: str, title: str, body: str, login: str, *, draft: bool = False
    ) -> dict[str, Any]:
        """Open a pull request; refuse as GitHub does."""
        known = self._hub.repositories[name]
        git = known.git
        owner = name.partition("/")[0]
        head = head.removeprefix(f"{owner}:")
        for field, branch in (("head", head), ("base", base)):
            if f"heads/{branch}" not in git.refs:
                raise invalid("PullRequest", field, "invalid")
        if draft and not known.drafts:
            raise Refused(422, "Draft pull requests are not supported in this repository.")
        if not git.new(git.refs[f"heads/{head}"], since=git.refs[f"heads/{base}"]):
            raise _custom(f"No commits between {base} and {head}")
        if self._of_branch(known, head, base):
            raise _custom(f"A pull request already exists for {owner}:{head}.")
        number = len(known.issues) + 1
        address = f"{self._hub.site}/{name}/pull/{number}"
        link = {"url": f"{self._hub.url}/repos/{name}/pulls/{number}", "html_url": address}
        issue = self._issues.open(name, title, body, [], login, pull_request=link, html_url=address)
        known.pulls[number] = {
            "draft": draft,
            "merged": False,
            "merged_at": None,
            "merged_by": None,
            "merge_commit_sha": None,
            "head": {"ref": head, "sha": git.refs[f"heads/{head}"]},
            "base": {"ref": base, "sha": git.refs[f"heads/{base}"]},
            "reviews": [],
            "review_comments": [],
        }
        self.tell(name, number, "opened", login)
        return issue

    def close(self, name: str, number: int, login: str) -> None:
        """Close one without merging it."""
        self._set_state(name, number, "closed", login)

    def edit(self, name: str, number: int, login: str, **given: Any) -> None:
        """Change title, body, state or base."""
        known = self._hub.repositories[name]
        issue, pull = known.issues[number - 1], known.pulls[number]
        texts: dict[str, Any] = {
            key: given[key] for key in ("title", "body") if key in given and given[key] != issue[key]
        }
        changes: dict[str, Any] = {key: {"from": issue[key]} for key in texts}
        if given.get("base", pull["base"]["ref"]) != pull["base"]["ref"]:
            changes["base"] = {"ref": {"from": pull["base"]["ref"]}}
            pull["base"] = {"ref": given["base"], "sha": known.git.refs[f"heads/{given['base']}"]}
        if changes:
            issue.update(texts, updated_at=stamp(self._hub.now()))
            self.tell(name, number, "edited", login, changes=changes)
        if given.get("state", issue["state"]) != issue["state"]:
            self._set_state(name, number, given["state"], login)

    def merge(self, name: str, number: int, login: str, *, method: str = "merge", message: str = "") -> str:
        """Merge it; close what its text says it closes. Returns the base's new commit."""
        known = self._hub.repositories[name]
        issue, pull, git = known.issues[number - 1], known.pulls[number], known.git
        head, base = self._tips(known, pull)
        if issue["state"] != "open" or head is None or base is None:
            raise Refused(405, "Pull Request is not mergeable")
        if pull["draft"]:
            raise Refused(405, "Pull Request is still a draft")
        tree = git.merged(base, head)
        if tree is None:
            raise Refused(405, "Pull Request is not mergeable")
        parents = (base,) if method == "squash" else (base, head)
        plain = f"{issue['title']} (#{number})" if method == "squash" else f"Merge pull request #{number}"
        after = git.commit(tree, parents, message or plain, author=login, at=self._hub.now())
        at = stamp(self._hub.now())
        pull |= {"merged": True, "merged_at": at, "merge_commit_sha": after, "merged_by": login}
        issue |= {"state": "closed", "closed_at": at}
        self._contents.move(name, f"heads/{pull['base']['ref']}", after, login)
        self.tell(name, number, "closed", login)
        if pull["base"]["ref"] == known.default_branch:
            for closed in _CLOSES.findall(issue["body"] or ""):
                if int(closed) in known.comments and int(closed) not in known.pulls:
                    self._issues.edit(name, int(closed), login, state="closed")
        return after

    def follow(self, name: str, ref: str, after: str | None, login: str) -> None:
        """Let open pull requests follow their branch; one whose branch is gone is closed."""
        known = self._hub.repositories[name]
        for number, pull in known.pulls.items():
            if f"heads/{pull['head']['ref']}" != ref or known.issues[number - 1]["state"] != "open":
                continue
            if after is None:
                self.close(name, number, login)
            elif pull["head"]["sha"] != after:
                before, pull["head"]["sha"] = pull["head"]["sha"], after
                self.tell(name, number, "synchronize", login, before=before, after=after)

    def tell(self, name: str, number: int, action: str, login: str, **more: Any) -> None:
        """Tell the hooks what happened to a pull request."""
        pull = self.shown(name, number)
        self._hub.announce(name, "pull_request", login, action=action, number=number, pull_request=pull, **more)

    def shown(self, name: str, number: int, *, whole: bool = True) -> dict[str, Any]:
        """Return a pull request as GitHub shows it; lists show less of it."""
        known = self._hub.repositories[name]
        issue, pull, git = known.issues[number - 1], known.pulls[number], known.git
        kept = ("id", "number", "title", "body", "state", "user", "html_url", "created_at", "updated_at", "closed_at")
        shown = {key: issue[key] for key in kept} | {
            "url": f"{self._hub.url}/repos/{name}/pulls/{number}",
            "labels": self._issues.shown(name, issue)["labels"],
            "draft": pull["draft"],
            "merged_at": pull["merged_at"],
            "merge_commit_sha": pull["merge_commit_sha"],
            "head": self._side(name, known, pull["head"]),
            "base": self._side(name, known, pull["base"]),
        }
        if not whole:
            return shown
        start = git.common(pull["base"]["sha"], pull["head"]["sha"])
        by = pull["merged_by"]
        return shown | {
            "merged": pull["merged"],
            "merged_by": {"login": by, "type": "User"} if by else None,
            "mergeable": None if pull["merged"] else self._mergeable(known, pull),
            "comments": len(known.comments[number]),
            "review_comments": len(pull["review_comments"]),
            "commits": len(git.new(pull["head"]["sha"], since=pull["base"]["sha"])),
            "changed_files": len(git.changes(start, pull["head"]["sha"])),
        }

    def routes(self, handler: Callable[[Handle], Any]) -> list[web.RouteDef]:
        """Return the pull requests' part of the API."""
        return [
            web.get(_PULLS, handler(self._list)),
            web.post(_PULLS, handler(self._new)),
            web.get(_PULL, handler(self._one)),
            web.patch(_PULL, handler(self._change)),
            web.put(_PULL + "/merge", handler(self._merge)),
            web.get(_PULL + "/files", handler(self._files)),
            web.get(_PULL + "/commits", handler(self._commits)),
        ]

    def _set_state(self, name: str, number: int, state: str, login: str) -> None:
        known = self._hub.repositories[name]
        issue, pull = known.issues[number - 1], known.pulls[number]
        if state == "open":
            if f"heads/{pull['head']['ref']}" not in known.git.refs or pull["merged"]:
                raise _custom(f"state cannot be changed. The {pull['head']['ref']} branch has been deleted.")
            pull["head"]["sha"] = known.git.refs[f"heads/{pull['head']['ref']}"]
        issue |= {"state": state, "closed_at": stamp(self._hub.now()) if state == "closed" else None}
        self.tell(name, number, "closed" if state == "closed" else "reopened", login)

    def _of_branch(self, known: Repository, head: str, base: str) -> bool:
        return any(
            (pull["head"]["ref"], pull["base"]["ref"], known.issues[number - 1]["state"]) == (head, base, "open")
            for number, pull in known.pulls.items()
        )

    def _tips(self, known: Repository, pull: dict[str, Any]) -> tuple[str | None, str | None]:
        refs = known.git.refs
        return refs.get(f"heads/{pull['head']['ref']}"), refs.get(f"heads/{pull['base']['ref']}")

    def _mergeable(self, known: Repository, pull: dict[str, Any]) -> bool:
        head, base = self._tips(known, pull)
        return head is not None and base is not None and known.git.merged(base, head) is not None

    def _side(self, name: str, known: Repository, side: dict[str, str]) -> dict[str, Any]:
        owner = name.partition("/")[0]
        repo = {"id": known.id, "full_name": name, "private": known.private, "default_branch": known.default_branch}
        return {**side, "label": f"{owner}:{side['ref']}", "user": {"login": owner}, "repo": repo}

    def number_in(self, request: web.Request, known: Repository) -> int:
        """Return the number of a pull request that there is."""
        number = number_of(request, "number")
        if number not in known.pulls:
            raise Refused(404, "Not Found")
        return number

    async def _list(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller)
        state, head, base = request.query.get("state", "open"), request.query.get("head", ""), request.query.get("base")
        if state not in ("open", "closed", "all"):
            raise invalid("PullRequest", "state", "invalid")
        owner, _, branch = head.partition(":")
        found = [
            number
            for number, pull in reversed(known.pulls.items())
            if state in ("all", known.issues[number - 1]["state"])
            and base in (None, pull["base"]["ref"])
            # GitHub passes over a head that names no owner.
            and (not branch or (owner.lower(), branch) == (name.partition("/")[0], pull["head"]["ref"]))
        ]
        return web.json_response(page(request, [self.shown(name, number, whole=False) for number in found]))

    async def _new(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._hub.visible(request, caller, write="pull_requests")
        body = await fields(request)
        for needed in ("head", "base", "title"):
            if not isinstance(body.get(needed), str) or not body[needed]:
                raise invalid("PullRequest", needed)
        head, base, title = body["head"], body["base"], body["title"]
        draft = bool(body.get("draft", False))
        issue = self.open(name, head, base, title, body.get("body") or "", caller.login, draft=draft)
        return web.json_response(self.shown(name, issue["number"]), status=201)

    async def _one(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller)
        return web.json_response(self.shown(name, self.number_in(request, known)))

    async def _change(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller, write="pull_requests")
        number, body = self.number_in(request, known), await fields(request)
        if body.get("state", "open") not in ("open", "closed"):
            raise invalid("PullRequest", "state", "invalid")
        if f"heads/{body.get('base', known.default_branch)}" not in known.git.refs:
            raise invalid("PullRequest", "base", "invalid")
        self.edit(name, number, caller.login, **body)
        return web.json_response(self.shown(name, number))

    async def _merge(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller, write="contents")
        number = self.number_in(request, known)
        body = await fields(request) if request.can_read_body else {}
        if body.get("sha", known.pulls[number]["head"]["sha"]) != known.pulls[number]["head"]["sha"]:
            raise Refused(409, "Head branch was modified. Review and try the merge again.")
        if body.get("merge_method", "merge") not in ("merge", "squash"):
            raise Refused(405, "Rebase merges are not allowed on this repository.")
        method, title = body.get("merge_method", "merge"), body.get("commit_title", "")
        sha = self.merge(name, number, caller.login, method=method, message=title)
        return web.json_response({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})

    async def _files(self, request: web.Request, caller: Caller) -> web.Response:
        _, known = self._hub.visible(request, caller)
        pull, git = known.pulls[self.number_in(request, known)], known.git
        head = pull["head"]["sha"]
        start = git.common(pull["base"]["sha"], head)
        shown = [self._shown_file(git, start, head, path, how) for path, how in git.changes(start, head).items()]
        return web.json_response(page(request, shown))

    async def _commits(self, request: web.Request, caller: Caller) -> web.Response:
        _, known = self._hub.visible(request, caller)
        pull, git = known.pulls[self.number_in(request, known)], known.git
        new = git.new(pull["head"]["sha"], since=pull["base"]["sha"])
        shown = [{"sha": sha, "commit": {"message": git.commits[sha].message}} for sha in new]
        return web.json_response(page(request, shown))

    def _shown_file(self, git: Git, start: str, head: str, path: str, how: str) -> dict[str, Any]:
        old, new = git.files(git.commits[start].tree), git.files(git.commits[head].tree)
        plus = git.blobs[new[path][1]].count(b"\n") if path in new else 0
        minus = git.blobs[old[path][1]].count(b"\n") if path in old else 0
        sha = (new.get(path) or old[path])[1]
        counts = {"additions": plus, "deletions": minus, "changes": plus + minus}
        return {"sha": sha, "filename": path, "status": how, **counts}


def _custom(message: str) -> Refused:
    return Refused(422, "Validation Failed", errors=[{"resource": "PullRequest", "code": "custom", "message": message}])
