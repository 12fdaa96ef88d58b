"""The stand-in's issues, their comments and labels (https://docs.github.com/en/rest/issues)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from core.demo.stand_ins.github.answers import (
    Caller,
    Handle,
    Hub,
    Refused,
    Repository,
    fields,
    invalid,
    may_push,
    page,
    parsed,
    stamp,
    user,
)

_REPO = "/repos/{owner}/{repo}"
_ISSUES = _REPO + "/issues"
_ISSUE = _ISSUES + "/{number}"
_COMMENT = _ISSUES + "/comments/{id}"
_GREY = "ededed"
LONGEST = 65_536
"""Characters of a body."""


class Issues:
    """The issues of all repositories; what people and programs do with them, and what hooks hear of it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def open(self, name: str, title: str, body: str, labels: list[str], login: str, **more: Any) -> dict[str, Any]:
        """Open an issue. `more`: what a pull request has beside; it tells of itself."""
        known = self._hub.repositories[name]
        number = len(known.issues) + 1
        issue: dict[str, Any] = {
            **self._written(name, f"issues/{number}", body, login),
            "number": number,
            "title": title,
            "state": "open",
            "state_reason": None,
            "closed_at": None,
            "labels": [],
            **more,
        }
        known.issues.append(issue)
        known.comments[number] = []
        for label in labels:
            self._put(known, issue, label)
        if "pull_request" not in issue:
            self._tell(name, issue, "opened", login)
            for label in labels:
                self._tell(name, issue, "labeled", login, label=_label(known, label))
        return issue

    def edit(self, name: str, number: int, login: str, **given: Any) -> dict[str, Any]:
        """Change title, body, state or the set of labels."""
        known = self._hub.repositories[name]
        issue = known.issues[number - 1]
        texts: dict[str, Any] = {
            key: given[key] for key in ("title", "body") if key in given and given[key] != issue[key]
        }
        if texts:
            changes = {key: {"from": issue[key]} for key in texts}
            issue.update(texts, updated_at=stamp(self._hub.now()))
            self._tell(name, issue, "edited", login, changes=changes)
        if given.get("state", issue["state"]) != issue["state"]:
            closed = given["state"] == "closed"
            at = stamp(self._hub.now())
            reason = given.get("state_reason") or ("completed" if closed else "reopened")
            issue |= {"state": given["state"], "state_reason": reason, "closed_at": at if closed else None}
            self._tell(name, issue, "closed" if closed else "reopened", login)
        if "labels" in given:
            for label in [label["name"] for label in issue["labels"]]:
                if label not in given["labels"]:
                    self.unlabel(name, number, label, login)
            self.label(name, number, given["labels"], login)
        return issue

    def label(self, name: str, number: int, labels: list[str], login: str) -> None:
        """Add labels; one that the repository lacks is made."""
        known = self._hub.repositories[name]
        issue = known.issues[number - 1]
        for label in labels:
            if self._put(known, issue, label):
                self._tell(name, issue, "labeled", login, label=_label(known, label))

    def unlabel(self, name: str, number: int, label: str, login: str) -> bool:
        """Take a label off; return whether it was there."""
        known = self._hub.repositories[name]
        issue = known.issues[number - 1]
        kept = [one for one in issue["labels"] if one["name"].lower() != label.lower()]
        if len(kept) == len(issue["labels"]):
            return False
        issue["labels"] = kept
        self._tell(name, issue, "unlabeled", login, label=_label(known, label))
        return True

    def comment(self, name: str, number: int, body: str, login: str) -> dict[str, Any]:
        """Comment on an issue or a pull request."""
        path = f"issues/{number}#issuecomment-{number}"
        comment = self._written(name, path, body, login)
        self._hub.repositories[name].comments[number].append(comment)
        self._tell_comment(name, number, comment, "created", login)
        return comment

    def edit_comment(self, name: str, comment_id: int, body: str, login: str) -> dict[str, Any]:
        """Change a comment's text."""
        number, comment = self.found_comment(name, comment_id)
        before = comment["body"]
        comment |= {"body": body, "updated_at": stamp(self._hub.now())}
        self._tell_comment(name, number, comment, "edited", login, changes={"body": {"from": before}})
        return comment

    def delete_comment(self, name: str, comment_id: int, login: str) -> None:
        """Delete a comment."""
        number, comment = self.found_comment(name, comment_id)
        self._hub.repositories[name].comments[number].remove(comment)
        self._tell_comment(name, number, comment, "deleted", login)

    def found_comment(self, name: str, comment_id: int) -> tuple[int, dict[str, Any]]:
        """Return a comment and the issue that it is on."""
        for number, comments in self._hub.repositories[name].comments.items():
            for comment in comments:
                if comment["id"] == comment_id:
                    return number, comment
        raise Refused(404, "Not Found")

    def shown(self, name: str, issue: dict[str, Any]) -> dict[str, Any]:
        """Return an issue as GitHub shows it, with its labels in full."""
        known = self._hub.repositories[name]
        labels = [_label(known, label["name"]) | label for label in issue["labels"]]
        return {**issue, "labels": labels, "comments": len(known.comments[issue["number"]])}

    def routes(self, handler: Callable[[Handle], Any]) -> list[web.RouteDef]:
        """Return the issues' part of the API; comments by id before the numbers, which would match too."""
        return [
            web.get(_REPO + "/labels", handler(self._list_labels)),
            web.post(_REPO + "/labels", handler(self._new_label)),
            web.get(_REPO + "/labels/{name}", handler(self._one_label)),
            web.get(_COMMENT, handler(self._one_comment)),
            web.patch(_COMMENT, handler(self._change_comment)),
            web.delete(_COMMENT, handler(self._drop_comment)),
            web.get(_ISSUES, handler(self._list)),
            web.post(_ISSUES, handler(self._new)),
            web.get(_ISSUE, handler(self._one)),
            web.patch(_ISSUE, handler(self._change)),
            web.get(_ISSUE + "/labels", handler(self._labels)),
            web.post(_ISSUE + "/labels", handler(self._add_labels)),
            web.delete(_ISSUE + "/labels/{name}", handler(self._drop_label)),
            web.get(_ISSUE + "/comments", handler(self._comments)),
            web.post(_ISSUE + "/comments", handler(self._new_comment)),
        ]

    def _written(self, name: str, path: str, body: str, login: str) -> dict[str, Any]:
        may = may_push(self._hub.people.get(login, "none"))
        return {
            "id": self._hub.next_id(),
            "html_url": f"{self._hub.site}/{name}/{path}",
            "body": body,
            "user": user(login),
            "author_association": "COLLABORATOR" if may else "NONE",
            "created_at": stamp(self._hub.now()),
            "updated_at": stamp(self._hub.now()),
        }

    def _put(self, known: Repository, issue: dict[str, Any], label: str) -> bool:
        if label.lower() in {one["name"].lower() for one in issue["labels"]}:
            return False
        made = known.labels.setdefault(label.lower(), self._made_label(label))
        issue["labels"].append({"name": made["name"]})
        return True

    def _made_label(self, label: str, color: str = _GREY, description: str | None = None) -> dict[str, Any]:
        made = {"name": label, "color": color, "default": False, "description": description}
        return {"id": self._hub.next_id(), **made}

    def _tell(self, name: str, issue: dict[str, Any], action: str, login: str, **more: Any) -> None:
        # Labels of pull requests are events of their own kind.
        if "pull_request" not in issue:
            self._hub.announce(name, "issues", login, action=action, issue=self.shown(name, issue), **more)

    def _tell_comment(
        self, name: str, number: int, comment: dict[str, Any], action: str, login: str, **more: Any
    ) -> None:
        issue = self.shown(name, self._hub.repositories[name].issues[number - 1])
        self._hub.announce(name, "issue_comment", login, action=action, issue=issue, comment=dict(comment), **more)

    async def _list_labels(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._hub.visible(request, caller)
        return web.json_response(page(request, list(found.labels.values())))

    async def _new_label(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._hub.visible(request, caller, write="issues")
        body = await fields(request)
        label, color, description = body.get("name"), body.get("color", _GREY), body.get("description")
        if not isinstance(label, str) or not label:
            raise invalid("Label", "name")
        if len(label) > 50:
            raise invalid("Label", "name", "invalid")
        if not isinstance(color, str) or not re.fullmatch(r"[0-9A-Fa-f]{6}", color):
            raise invalid("Label", "color", "invalid")
        if description is not None and (not isinstance(description, str) or len(description) > 100):
            raise invalid(
                "Label", "description", "custom", message="description is too long (maximum is 100 characters)"
            )
        if label.lower() in found.labels:
            raise invalid("Label", "name", "already_exists")
        made = found.labels[label.lower()] = self._made_label(label, color, description)
        return web.json_response(made, status=201)

    async def _one_label(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._hub.visible(request, caller)
        label = found.labels.get(request.match_info["name"].lower())
        if label is None:
            raise Refused(404, "Not Found")
        return web.json_response(label)

    async def _list(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._hub.visible(request, caller)
        state = request.query.get("state", "open")
        wanted = {label.lower() for label in request.query.get("labels", "").split(",") if label}
        fitting = [
            issue
            for issue in found.issues
            if state in ("all", issue["state"]) and wanted <= {label["name"].lower() for label in issue["labels"]}
        ]
        if request.query.get("direction", "desc") == "desc":
            fitting.reverse()
        return web.json_response([self.shown(name, issue) for issue in page(request, fitting)])

    async def _one(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._hub.visible(request, caller)
        return web.json_response(self.shown(name, found.issues[number_in(request, found) - 1]))

    async def _new(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._hub.visible(request, caller, write="issues")
        body = await fields(request)
        if not body.get("title"):
            raise invalid("Issue", "title")
        issue = self.open(name, body["title"], body.get("body") or "", body.get("labels") or [], caller.login)
        return web.json_response(self.shown(name, issue), status=201)

    async def _change(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._hub.visible(request, caller, write="issues")
        number = number_in(request, found)
        body = await fields(request)
        if "title" in body and not body["title"]:
            raise invalid("Issue", "title")
        if body.get("state", "open") not in ("open", "closed"):
            raise invalid("Issue", "state", "invalid")
        if "labels" in body:
            body["labels"] = _names(body["labels"])
        issue = self.edit(name, number, caller.login, **body)
        return web.json_response(self.shown(name, issue))

    async def _labels(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._hub.visible(request, caller)
        issue = found.issues[number_in(request, found) - 1]
        return web.json_response(page(request, self.shown(name, issue)["labels"]))

    async def _add_labels(self, request: web.Request, caller: Caller) -> web.Response:
        """Add labels. The body is an array, or an object that holds it."""
        name, found = self._hub.visible(request, caller, write="issues")
        number = number_in(request, found)
        body = await parsed(request)
        self.label(name, number, _names(body.get("labels") if isinstance(body, dict) else body), caller.login)
        return web.json_response(self.shown(name, found.issues[number - 1])["labels"])

    async def _drop_label(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._hub.visible(request, caller, write="issues")
        number = number_in(request, found)
        if not self.unlabel(name, number, request.match_info["name"], caller.login):
            raise Refused(404, "Label does not exist")
        return web.json_response(self.shown(name, found.issues[number - 1])["labels"])

    async def _comments(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._hub.visible(request, caller)
        return web.json_response(page(request, found.comments[number_in(request, found)]))

    async def _new_comment(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._hub.visible(request, caller, write="issues")
        number = number_in(request, found)
        comment = self.comment(name, number, await text(request, "IssueComment"), caller.login)
        return web.json_response(comment, status=201)

    async def _one_comment(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._hub.visible(request, caller)
        return web.json_response(self.found_comment(name, number_of(request, "id"))[1])

    async def _change_comment(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._hub.visible(request, caller, write="issues")
        self.found_comment(name, number_of(request, "id"))
        body = await text(request, "IssueComment")
        return web.json_response(self.edit_comment(name, number_of(request, "id"), body, caller.login))

    async def _drop_comment(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._hub.visible(request, caller, write="issues")
        self.delete_comment(name, number_of(request, "id"), caller.login)
        return web.Response(status=204)


def number_of(request: web.Request, part: str) -> int:
    """Return the number that stands in the path."""
    given = request.match_info[part]
    if not given.isdecimal():
        raise Refused(404, "Not Found")
    return int(given)


def number_in(request: web.Request, found: Repository) -> int:
    """Return the number of an issue that there is."""
    number = number_of(request, "number")
    if number not in found.comments:
        raise Refused(404, "Not Found")
    return number


async def text(request: web.Request, resource: str) -> str:
    """Return a comment's body."""
    body = (await fields(request)).get("body")
    if not isinstance(body, str) or not body:
        raise invalid(resource, "body")
    if len(body) > LONGEST:
        raise invalid(resource, "body", "custom", message=f"body is too long (maximum is {LONGEST} characters)")
    return body


def _label(known: Repository, label: str) -> dict[str, Any]:
    plain = {"id": 208, "name": label, "color": _GREY, "default": False, "description": None}
    return dict(known.labels.get(label.lower(), plain))


def _names(wanted: Any) -> list[str]:
    if not isinstance(wanted, list):
        raise invalid("Label", "labels", "invalid")
    names = [label.get("name") if isinstance(label, dict) else label for label in wanted]
    if not all(isinstance(name, str) and name for name in names):
        raise invalid("Label", "name", "invalid")
    return [str(name) for name in names]
