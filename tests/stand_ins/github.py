"""A strict stand-in for GitHub's REST API (https://docs.github.com/en/rest): users, issues, hooks, GitHub Apps."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import jwt
from aiohttp import web

from tests.stand_ins.github_answers import (
    ANONYMOUS,
    Caller,
    Handle,
    HungUp,
    Refused,
    Repository,
    fields,
    invalid,
    page,
    parsed,
)
from tests.stand_ins.github_hooks import Hooks
from tests.stand_ins.server import StandIn, hang_up, main

__all__ = ["TOKEN", "Caller", "GitHubStandIn", "Repository"]

TOKEN = "ghp_standin"


class GitHubStandIn(StandIn):
    """octocat's GitHub: the private acme/app with issue 1, and the app `ccb` (id 7) installed there."""

    def __init__(self) -> None:
        super().__init__()
        self.callers = {TOKEN: Caller("octocat")}
        self.repositories = {"acme/app": Repository()}
        self.app_id = "7"
        self.app_public_key = ""
        """PEM; without it every app is refused."""
        self.app_permissions = {"issues": "write", "metadata": "read"}
        self.installation_tokens: list[str] = []
        self.token_lifetime = 3600.0
        self.now: Callable[[], float] = time.time
        """The clock that tokens expire by and limits are counted from."""
        self.primary_limit_resets_at: float | None = None
        self.secondary_limit: int | None = None
        """Retry-After in seconds; 0: GitHub leaves the header out."""
        self.broken = 0
        """The status of every answer (500, 502, …) as long as it is not 0."""
        self.hang_up_after_writing = 0
        """How many of the next writes are done without the caller learning of it."""
        self.hooks = Hooks(self)
        """The repositories' webhooks: `add` one, let something `happen`, or `lose` it on the way."""
        self._made = 0
        self.open_issue("acme/app", "It is broken")

    def open_issue(
        self, repository: str, title: str, body: str = "", labels: list[str] | None = None
    ) -> dict[str, Any]:
        """Open an issue as somebody would on the web."""
        known = self.repositories[repository]
        number = len(known.issues) + 1
        issue = {
            **self._written(f"{repository}/issues/{number}", body),
            "number": number,
            "title": title,
            "state": "open",
            "labels": [{"name": label} for label in labels or []],
        }
        known.issues.append(issue)
        known.comments[number] = []
        return issue

    def comment(self, repository: str, number: int, body: str) -> dict[str, Any]:
        """Comment as somebody would on the web."""
        path = f"{repository}/issues/{number}#issuecomment-{self._made + 1}"
        comment = self._written(path, body)
        self.repositories[repository].comments[number].append(comment)
        return comment

    def routes(self) -> list[web.RouteDef]:
        issues = "/repos/{owner}/{repo}/issues"
        return [
            web.get("/user", self._handler(self._user)),
            web.get("/app", self._handler(self._app)),
            web.get("/repos/{owner}/{repo}", self._handler(self._repo)),
            web.get("/repos/{owner}/{repo}/installation", self._handler(self._installation)),
            web.post("/app/installations/{id}/access_tokens", self._handler(self._access_token)),
            web.get(issues, self._handler(self._issues)),
            web.post(issues, self._handler(self._new_issue)),
            web.get(issues + "/{number}", self._handler(self._issue)),
            web.get(issues + "/{number}/labels", self._handler(self._labels)),
            web.post(issues + "/{number}/labels", self._handler(self._add_labels)),
            web.get(issues + "/{number}/comments", self._handler(self._comments)),
            web.post(issues + "/{number}/comments", self._handler(self._new_comment)),
            *self.hooks.routes(self._handler),
            web.route("*", "/{rest:.*}", self._handler(_nothing)),
        ]

    async def stop(self) -> None:
        """Stop listening, and delivering."""
        await self.hooks.close()
        await super().stop()

    def _written(self, path: str, body: str) -> dict[str, Any]:
        self._made += 1
        return {
            "id": self._made,
            "html_url": f"https://github.example/{path}",
            "body": body,
            "user": {"login": "octocat", "type": "User"},
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        }

    def _handler(self, handle: Handle) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                caller = self._caller(request)
                self._limits()
                response = await handle(request, caller)
                response.headers.update(self._headers(caller))
                return response
            except Refused as refused:
                return web.json_response(refused.body, status=refused.status, headers=refused.headers)
            except HungUp:
                return hang_up(request)

        return answer

    def _headers(self, caller: Caller) -> dict[str, str]:
        headers = {
            "X-RateLimit-Limit": "5000" if caller.login else "60",
            "X-RateLimit-Remaining": "4999" if caller.login else "59",
            "X-RateLimit-Reset": str(int(self.now()) + 3600),
        }
        if caller.scopes is not None:
            headers["X-OAuth-Scopes"] = ", ".join(caller.scopes)
        return headers

    def _caller(self, request: web.Request) -> Caller:
        if not request.headers.get("User-Agent"):
            # GitHub's own answer here is plain text.
            raise web.HTTPForbidden(
                text="Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            )
        if "json" not in request.headers.get("Accept", "*/*") and request.headers["Accept"] != "*/*":
            raise Refused(415, "Unsupported 'Accept' header. Must accept 'application/json'.")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if not kind and request.method in ("GET", "HEAD") and request.path.startswith("/repos/"):
            return ANONYMOUS  # who sees what is public
        if kind.lower() not in ("token", "bearer") or not token:
            raise Refused(401, "Requires authentication")
        if token.count(".") == 2:
            return self._as_app(request, token)
        if token not in self.callers:
            raise Refused(401, "Bad credentials")
        if request.path == "/app" or request.path.startswith("/app/"):
            raise Refused(401, "A JSON web token could not be decoded")
        return self.callers[token]

    def _as_app(self, request: web.Request, token: str) -> Caller:
        try:
            claims = jwt.decode(token, self.app_public_key, algorithms=["RS256"], options={"verify_iat": False})
        except (jwt.PyJWTError, ValueError):
            raise Refused(401, "A JSON web token could not be decoded") from None
        if claims["iss"] != self.app_id or claims["exp"] - time.time() > 600:
            raise Refused(401, "'Issuer' claim ('iss') must be an Integration")
        if request.path != "/app" and "/installation" not in request.path:
            raise Refused(401, "A JSON web token could not be decoded")
        return Caller("ccb[bot]", scopes=None)

    def _limits(self) -> None:
        if self.broken:
            raise Refused(self.broken, "Server Error")
        if self.primary_limit_resets_at is not None:
            raise Refused(
                403,
                "API rate limit exceeded for user ID 1.",
                headers={
                    "X-RateLimit-Limit": "5000",
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": str(int(self.primary_limit_resets_at)),
                },
            )
        if self.secondary_limit is not None:
            headers = {"Retry-After": str(self.secondary_limit)} if self.secondary_limit else {}
            raise Refused(403, "You have exceeded a secondary rate limit. Please wait a few minutes.", headers=headers)

    def _visible(self, request: web.Request, caller: Caller, *, write: bool = False) -> tuple[str, Repository]:
        name = f"{request.match_info['owner']}/{request.match_info['repo']}".lower()
        found = self.repositories.get(name)
        scopes = caller.scopes
        if found is None or (found.private and caller.sees is not None and name not in caller.sees):
            raise Refused(404, "Not Found")
        if found.moved:
            location = {"Location": f"{self.url}/repositories/1/issues"}
            raise Refused(301, "Moved Permanently", headers=location, url=location["Location"])
        if scopes is not None and "repo" not in scopes:
            if found.private:
                raise Refused(404, "Not Found")
            if write and "public_repo" not in scopes:
                raise Refused(
                    403,
                    "Must have push access",
                    headers={"X-OAuth-Scopes": ", ".join(scopes), "X-Accepted-OAuth-Scopes": "public_repo, repo"},
                )
        if write and not caller.may_write:
            message = "Resource not accessible by personal access token"
            raise Refused(403, message, headers={"X-Accepted-GitHub-Permissions": "issues=write"})
        return name, found

    async def _user(self, request: web.Request, caller: Caller) -> web.Response:
        return web.json_response({"login": caller.login, "id": 1, "type": "User"})

    async def _app(self, request: web.Request, caller: Caller) -> web.Response:
        return web.json_response({"id": int(self.app_id), "slug": "ccb", "name": "Claude Code Bot"})

    async def _repo(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._visible(request, caller)
        shown: dict[str, Any] = {"id": found.id, "full_name": name, "private": found.private}
        if caller.login:
            pushes, admin = caller.may_write, caller.may_write and caller.may_administer
            may = {"admin": admin, "maintain": admin, "push": pushes, "triage": pushes, "pull": True}
            shown["permissions"] = may
        return web.json_response(shown)

    async def _installation(self, request: web.Request, caller: Caller) -> web.Response:
        self._visible(request, caller)
        return web.json_response({"id": 99, "app_id": int(self.app_id), "permissions": self.app_permissions})

    async def _access_token(self, request: web.Request, caller: Caller) -> web.Response:
        if request.match_info["id"] != "99":
            raise Refused(404, "Not Found")
        token = f"ghs_standin{len(self.installation_tokens) + 1}"
        self.installation_tokens.append(token)
        self.callers[token] = Caller("ccb[bot]", scopes=None)
        expires = datetime.fromtimestamp(int(self.now() + self.token_lifetime), UTC)
        made = {"token": token, "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return web.json_response(made, status=201)

    async def _issues(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._visible(request, caller)
        state = request.query.get("state", "open")
        fitting = [issue for issue in found.issues if state in ("all", issue["state"])]
        if request.query.get("direction", "desc") == "desc":
            fitting.reverse()
        return web.json_response([_issue(issue) for issue in page(request, fitting)])

    async def _issue(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._visible(request, caller)
        return web.json_response(_issue(found.issues[self._number(request, found) - 1]))

    async def _labels(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._visible(request, caller)
        issue = found.issues[self._number(request, found) - 1]
        return web.json_response(page(request, _issue(issue)["labels"]))

    async def _add_labels(self, request: web.Request, caller: Caller) -> web.Response:
        """Add labels; one that the repository lacks is made. The body is an array, or an object that holds it."""
        _, found = self._visible(request, caller, write=True)
        issue = found.issues[self._number(request, found) - 1]
        body = await parsed(request)
        wanted = body.get("labels") if isinstance(body, dict) else body
        if not isinstance(wanted, list):
            raise invalid("Label", "labels", "invalid")
        for label in wanted:
            name = label.get("name") if isinstance(label, dict) else label
            if not isinstance(name, str) or not name:
                raise invalid("Label", "name", "invalid")
            if name.lower() not in {known["name"].lower() for known in issue["labels"]}:
                issue["labels"].append({"name": name})
        return web.json_response(_issue(issue)["labels"])

    async def _new_issue(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._visible(request, caller, write=True)
        body = await fields(request)
        if not body.get("title"):
            raise invalid("Issue", "title")
        issue = self.open_issue(name, body["title"], body.get("body") or "", body.get("labels"))
        return self._created(issue)

    async def _comments(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._visible(request, caller)
        return web.json_response(page(request, found.comments[self._number(request, found)]))

    async def _new_comment(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._visible(request, caller, write=True)
        number = self._number(request, found)
        body = (await fields(request)).get("body")
        if not isinstance(body, str) or not body:
            raise invalid("IssueComment", "body")
        return self._created(self.comment(name, number, body))

    def _number(self, request: web.Request, found: Repository) -> int:
        number = request.match_info["number"]
        if not number.isdecimal() or int(number) not in found.comments:
            raise Refused(404, "Not Found")
        return int(number)

    def _created(self, written: dict[str, Any]) -> web.Response:
        if self.hang_up_after_writing:
            self.hang_up_after_writing -= 1
            raise HungUp
        return web.json_response(written, status=201)


def _issue(issue: dict[str, Any]) -> dict[str, Any]:
    """Return an issue as GitHub shows it, with its labels in full."""
    labels = [
        {"id": 208, "color": "ededed", "default": False, "description": None, **known} for known in issue["labels"]
    ]
    return {**issue, "labels": labels}


async def _nothing(request: web.Request, caller: Caller) -> web.Response:
    raise Refused(404, "Not Found")


if __name__ == "__main__":
    main(GitHubStandIn())
