"""A strict stand-in for GitHub's REST API (https://docs.github.com/en/rest): users, issues, comments, GitHub Apps."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from aiohttp import web

from tests.stand_ins.server import StandIn, hang_up, main

TOKEN = "ghp_standin"
_DOCS = "https://docs.github.com/rest"
Handle = Callable[[web.Request, "Caller"], Awaitable[web.Response]]


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {"message": message, "documentation_url": _DOCS, "status": str(status), **more}


class HungUp(Exception):
    """Done, but the connection breaks before the answer."""


@dataclass(frozen=True)
class Caller:
    """Who asks. `scopes` is None for fine-grained and installation tokens, which have permissions in their place."""

    login: str
    scopes: tuple[str, ...] | None = ("repo", "admin:repo_hook")
    sees: frozenset[str] | None = None
    """Private repositories that it sees; None: all."""
    may_write: bool = True


@dataclass
class Repository:
    """A repository's issues (oldest first), each with its comments."""

    private: bool = True
    moved: bool = False
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


class GitHubStandIn(StandIn):
    """octocat's GitHub: the private acme/app with issue 1, and the app `ccb` (id 7) installed there."""

    def __init__(self) -> None:
        super().__init__()
        self.callers = {TOKEN: Caller("octocat")}
        self.repositories = {"acme/app": Repository()}
        self.app_id = "7"
        self.app_public_key = ""
        """PEM; without it every app is refused."""
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
            web.get(issues + "/{number}/comments", self._handler(self._comments)),
            web.post(issues + "/{number}/comments", self._handler(self._new_comment)),
            web.route("*", "/{rest:.*}", self._handler(_nothing)),
        ]

    def _written(self, path: str, body: str) -> dict[str, Any]:
        self._made += 1
        return {
            "id": self._made,
            "html_url": f"https://github.example/{path}",
            "body": body,
            "user": {"login": "octocat"},
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
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "4999",
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
        return web.json_response({"full_name": name, "private": found.private})

    async def _installation(self, request: web.Request, caller: Caller) -> web.Response:
        self._visible(request, caller)
        return web.json_response({"id": 99, "app_id": int(self.app_id)})

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
        return web.json_response(_page(request, fitting))

    async def _new_issue(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self._visible(request, caller, write=True)
        body = await _body(request)
        if not body.get("title"):
            raise _invalid("Issue", "title")
        issue = self.open_issue(name, body["title"], body.get("body") or "", body.get("labels"))
        return self._created(issue)

    async def _comments(self, request: web.Request, caller: Caller) -> web.Response:
        _, found = self._visible(request, caller)
        return web.json_response(_page(request, found.comments[self._number(request, found)]))

    async def _new_comment(self, request: web.Request, caller: Caller) -> web.Response:
        name, found = self._visible(request, caller, write=True)
        number = self._number(request, found)
        body = (await _body(request)).get("body")
        if not isinstance(body, str) or not body:
            raise _invalid("IssueComment", "body")
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


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "Body should be a JSON object")
    return body


def _invalid(resource: str, name: str) -> Refused:
    problem = {"resource": resource, "field": name, "code": "missing_field"}
    return Refused(422, "Validation Failed", errors=[problem])


def _page(request: web.Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    size = min(int(request.query.get("per_page", "30")), 100)
    start = (int(request.query.get("page", "1")) - 1) * size
    return items[start : start + size]


async def _nothing(request: web.Request, caller: Caller) -> web.Response:
    raise Refused(404, "Not Found")


if __name__ == "__main__":
    main(GitHubStandIn())
