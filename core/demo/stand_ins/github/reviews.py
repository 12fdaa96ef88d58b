"""The stand-in's reviews of pull requests (https://docs.github.com/en/rest/pulls/reviews)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from core.demo.stand_ins.github.answers import Caller, Handle, Hub, Refused, fields, invalid, page, stamp, user
from core.demo.stand_ins.github.issues import number_of, text
from core.demo.stand_ins.github.pulls import Pulls

_PULL = "/repos/{owner}/{repo}/pulls/{number}"
_COMMENT = "/repos/{owner}/{repo}/pulls/comments/{id}"
STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


class Reviews:
    """The reviews of all pull requests, and the comments on their lines."""

    def __init__(self, hub: Hub, pulls: Pulls) -> None:
        self._hub = hub
        self._pulls = pulls

    def submit(
        self, name: str, number: int, event: str, body: str, comments: Sequence[tuple[str, int, str]], login: str
    ) -> dict[str, Any]:
        """Review a pull request; `comments`: path, line, text."""
        known = self._hub.repositories[name]
        if event != "COMMENT" and known.issues[number - 1]["user"]["login"] == login:
            what = "approve" if event == "APPROVE" else "request changes on"
            raise Refused(422, "Unprocessable Entity", errors=[f"Can not {what} your own pull request"])
        if event != "APPROVE" and not body and not comments:
            raise Refused(422, "Unprocessable Entity", errors=["Body is required"])
        self._there(name, number, [path for path, _, _ in comments])
        review = self._reviewed(name, number, STATES[event], body, login)
        made = [self._kept(name, number, path, line, said, review["id"], login) for path, line, said in comments]
        self._told(name, number, review, made, login)
        return review

    def remark(self, name: str, number: int, path: str, line: int, body: str, login: str) -> dict[str, Any]:
        """Comment on a line, by itself: GitHub makes a review of it that has no text (“Add single comment”)."""
        self._there(name, number, [path])
        review = self._reviewed(name, number, "COMMENTED", "", login)
        made = self._kept(name, number, path, line, body, review["id"], login)
        self._told(name, number, review, [made], login)
        return made

    def reply(self, name: str, number: int, comment_id: int, body: str, login: str) -> dict[str, Any]:
        """Answer a comment on a line: that too makes a review of its own."""
        _, known = self.found(name, comment_id)
        review = self._reviewed(name, number, "COMMENTED", "", login)
        made = self._kept(name, number, known["path"], known["line"], body, review["id"], login)
        made["in_reply_to_id"] = comment_id
        self._told(name, number, review, [made], login)
        return made

    def found(self, name: str, comment_id: int) -> tuple[int, dict[str, Any]]:
        """Return a comment on a line and the pull request that it is on."""
        for number, pull in self._hub.repositories[name].pulls.items():
            for comment in pull["review_comments"]:
                if comment["id"] == comment_id:
                    return number, comment
        raise Refused(404, "Not Found")

    def routes(self, handler: Callable[[Handle], Any]) -> list[web.RouteDef]:
        """Return the reviews' part of the API."""
        return [
            web.get(_COMMENT, handler(self._one)),
            web.patch(_COMMENT, handler(self._change)),
            web.delete(_COMMENT, handler(self._drop)),
            web.get(_PULL + "/reviews", handler(self._list)),
            web.post(_PULL + "/reviews", handler(self._new)),
            web.get(_PULL + "/reviews/{id}", handler(self._review)),
            web.get(_PULL + "/reviews/{id}/comments", handler(self._comments_of)),
            web.get(_PULL + "/comments", handler(self._comments)),
            web.post(_PULL + "/comments", handler(self._remark)),
            web.post(_PULL + "/comments/{id}/replies", handler(self._reply)),
        ]

    def _there(self, name: str, number: int, paths: Sequence[str]) -> None:
        known = self._hub.repositories[name]
        files = known.git.files(known.git.commits[known.pulls[number]["head"]["sha"]].tree)
        if any(path not in files for path in paths):
            raise Refused(422, "Unprocessable Entity", errors=["Path could not be resolved"])

    def _reviewed(self, name: str, number: int, state: str, body: str, login: str) -> dict[str, Any]:
        pull, review_id = self._hub.repositories[name].pulls[number], self._hub.next_id()
        review = {
            "id": review_id,
            "user": user(login),
            "body": body,
            "state": state,
            "html_url": f"https://github.example/{name}/pull/{number}#pullrequestreview-{review_id}",
            "submitted_at": stamp(self._hub.now()),
            "commit_id": pull["head"]["sha"],
        }
        pull["reviews"].append(review)
        return review

    def _told(
        self, name: str, number: int, review: dict[str, Any], comments: Sequence[dict[str, Any]], login: str
    ) -> None:
        # The hooks' payload has the state in small letters, and null for no text; the API capitals, and "".
        heard = review | {"state": review["state"].lower(), "body": review["body"] or None}
        self._tell(name, number, "pull_request_review", login, action="submitted", review=heard)
        for comment in comments:
            self._tell(name, number, "pull_request_review_comment", login, action="created", comment=comment)

    def _kept(self, name: str, number: int, path: str, line: int, body: str, review: int, login: str) -> dict[str, Any]:
        pull = self._hub.repositories[name].pulls[number]
        comment_id = self._hub.next_id()
        comment = {
            "id": comment_id,
            "pull_request_review_id": review,
            "path": path,
            "line": line,
            "side": "RIGHT",
            "body": body,
            "user": user(login),
            "commit_id": pull["head"]["sha"],
            "diff_hunk": f"@@ -0,0 +1,{line} @@",
            "html_url": f"https://github.example/{name}/pull/{number}#discussion_r{comment_id}",
            "created_at": stamp(self._hub.now()),
            "updated_at": stamp(self._hub.now()),
        }
        pull["review_comments"].append(comment)
        return comment

    def _tell(self, name: str, number: int, event: str, login: str, **more: Any) -> None:
        self._hub.announce(name, event, login, pull_request=self._pulls.shown(name, number, whole=False), **more)

    async def _list(self, request: web.Request, caller: Caller) -> web.Response:
        _, known = self._hub.visible(request, caller)
        return web.json_response(page(request, known.pulls[self._pulls.number_in(request, known)]["reviews"]))

    async def _new(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller, write="pull_requests")
        number, body = self._pulls.number_in(request, known), await fields(request)
        if body.get("event") not in STATES:
            raise invalid("PullRequestReview", "event", "invalid")
        comments = [(one["path"], one["line"], one["body"]) for one in body.get("comments", [])]
        return web.json_response(self.submit(name, number, body["event"], body.get("body", ""), comments, caller.login))

    async def _review(self, request: web.Request, caller: Caller) -> web.Response:
        _, known = self._hub.visible(request, caller)
        reviews = known.pulls[self._pulls.number_in(request, known)]["reviews"]
        found = next((one for one in reviews if one["id"] == number_of(request, "id")), None)
        if found is None:
            raise Refused(404, "Not Found")
        return web.json_response(found)

    async def _remark(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller, write="pull_requests")
        number, given = self._pulls.number_in(request, known), await fields(request)
        for needed in ("body", "commit_id", "path", "line"):
            if not given.get(needed):
                raise invalid("PullRequestReviewComment", needed)
        made = self.remark(name, number, given["path"], given["line"], given["body"], caller.login)
        return web.json_response(made, status=201)

    async def _comments(self, request: web.Request, caller: Caller) -> web.Response:
        _, known = self._hub.visible(request, caller)
        return web.json_response(page(request, known.pulls[self._pulls.number_in(request, known)]["review_comments"]))

    async def _comments_of(self, request: web.Request, caller: Caller) -> web.Response:
        _, known = self._hub.visible(request, caller)
        pull, review = known.pulls[self._pulls.number_in(request, known)], number_of(request, "id")
        if review not in {one["id"] for one in pull["reviews"]}:
            raise Refused(404, "Not Found")
        made = [one for one in pull["review_comments"] if one["pull_request_review_id"] == review]
        return web.json_response(page(request, made))

    async def _reply(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller, write="pull_requests")
        number, body = self._pulls.number_in(request, known), await text(request, "PullRequestReviewComment")
        made = self.reply(name, number, number_of(request, "id"), body, caller.login)
        return web.json_response(made, status=201)

    async def _one(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._hub.visible(request, caller)
        return web.json_response(self.found(name, number_of(request, "id"))[1])

    async def _change(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._hub.visible(request, caller, write="pull_requests")
        number, comment = self.found(name, number_of(request, "id"))
        changes = {"body": {"from": comment["body"]}}
        comment |= {"body": await text(request, "PullRequestReviewComment"), "updated_at": stamp(self._hub.now())}
        more = {"action": "edited", "comment": comment, "changes": changes}
        self._tell(name, number, "pull_request_review_comment", caller.login, **more)
        return web.json_response(comment)

    async def _drop(self, request: web.Request, caller: Caller) -> web.Response:
        name, known = self._hub.visible(request, caller, write="pull_requests")
        number, comment = self.found(name, number_of(request, "id"))
        known.pulls[number]["review_comments"].remove(comment)
        more = {"action": "deleted", "comment": comment}
        self._tell(name, number, "pull_request_review_comment", caller.login, **more)
        return web.Response(status=204)
