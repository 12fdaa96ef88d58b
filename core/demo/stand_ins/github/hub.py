"""A strict stand-in for GitHub's REST API (https://docs.github.com/en/rest): users, issues, hooks, GitHub Apps."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import jwt
from aiohttp import web

from core.demo.stand_ins.github.answers import ANONYMOUS, Caller, Handle, Refused, Repository, user
from core.demo.stand_ins.github.contents import Contents
from core.demo.stand_ins.github.hooks import Hooks
from core.demo.stand_ins.github.issues import Issues
from core.demo.stand_ins.github.pulls import Pulls
from core.demo.stand_ins.github.pushes import payload as push
from core.demo.stand_ins.github.reviews import Reviews
from core.demo.stand_ins.github.web import Web
from core.demo.stand_ins.server import hang_up, main

__all__ = ["TOKEN", "Caller", "GitHubStandIn", "Repository"]

TOKEN = "ghp_standin"


BOT_TOKEN = "ghp_standinbot"


class GitHubStandIn(Web):
    """octocat's GitHub: the private acme/app with issue 1, and the app `ccb` (id 7) installed there."""

    def __init__(self) -> None:
        super().__init__()
        self.callers = {TOKEN: Caller("octocat"), BOT_TOKEN: Caller("ccb-bot")}
        self.repositories = {"acme/app": Repository()}
        self.people = {"octocat": "admin", "ccb-bot": "write", "dev": "write", "stranger": "none"}
        """Whom GitHub knows, and what they may do: admin, maintain, write, triage, read, none."""
        self.app_id = "7"
        self.app_public_key = ""
        """PEM; without it every app is refused."""
        self.app_permissions = {"issues": "write", "metadata": "read"}
        self.installation_tokens: list[str] = []
        self.token_lifetime = 3600.0
        self.installation: int | None = None
        """The installation that payloads name, where the hooks are an app's."""
        self.site = "https://github.example"
        """Where people look at it: what `html_url` begins with."""
        self.now: Callable[[], float] = time.time
        """The clock that tokens expire by and limits are counted from."""
        self.primary_limit_resets_at: float | None = None
        self.secondary_limit: int | None = None
        """Retry-After in seconds; 0: GitHub leaves the header out."""
        self.broken = 0
        """The status of every answer (500, 502, …) as long as it is not 0."""
        self.limits_each_write_once: int | None = None
        """Retry-After in seconds: every write is refused the first time, by a limit that says no more than that."""
        self._limited: set[tuple[str, str]] = set()
        self.hang_up_after_writing = 0
        """How many of the next writes are done without the caller learning of it."""
        self.hooks = Hooks(self)
        """The repositories' webhooks: `add` one, let something `happen`, or `lose` it on the way."""
        self._made = 0
        self.issues, self.contents = Issues(self), Contents(self)
        self.pulls = Pulls(self, self.issues, self.contents)
        self.reviews = Reviews(self, self.pulls)
        self.open_issue("acme/app", "It is broken")

    def next_id(self) -> int:
        """Return an id that nothing has yet."""
        self._made += 1
        return self._made

    def announce(self, repository: str, event: str, login: str, **payload: Any) -> None:
        """Deliver an event to the hooks, after those before it."""
        shown = {**self._shown_repository(repository), "url": f"https://github.example/{repository}"}
        told = {**payload, "repository": shown, "sender": user(login)}
        if self.installation is not None:
            told["installation"] = {"id": self.installation}
        self.hooks.announce(repository, event, told)

    def pushed(self, repository: str, ref: str, before: str | None, after: str | None, login: str) -> None:
        """Tell the hooks, and the pull requests of the branch, that a ref moved."""
        if before is None or after is None:
            kind, _, short = ref.partition("/")
            event = "create" if before is None else "delete"
            self.announce(repository, event, login, ref=short, ref_type="branch" if kind == "heads" else "tag")
        git = self.repositories[repository].git
        self.announce(repository, "push", login, **push(repository, git, ref, before, after, login))
        self.pulls.follow(repository, ref, after, login)

    def routes(self) -> list[web.RouteDef]:
        repo = "/repos/{owner}/{repo}"
        return [
            web.get("/user", self._handler(self._user)),
            web.get("/app", self._handler(self._app)),
            web.get(repo, self._handler(self._repo)),
            web.get(repo + "/installation", self._handler(self._installation)),
            web.get(repo + "/collaborators/{login}/permission", self._handler(self._permission)),
            web.post("/app/installations/{id}/access_tokens", self._handler(self._access_token)),
            *self.issues.routes(self._handler),
            *self.contents.routes(self._handler),
            *self.reviews.routes(self._handler),
            *self.pulls.routes(self._handler),
            *self.hooks.routes(self._handler),
            web.route("*", "/{rest:.*}", self._handler(_nothing)),
        ]

    async def stop(self) -> None:
        """Stop listening, and delivering."""
        await self.hooks.close()
        await super().stop()

    def _handler(self, handle: Handle) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            caller = ANONYMOUS
            try:
                caller = self._caller(request)
                self._limits(request)
                response = await handle(request, caller)
                response.headers.update(self._headers(caller))
                return self._or_hang_up(request, response)
            except Refused as refused:
                headers = {**_scopes(caller), **refused.headers}
                return web.json_response(refused.body, status=refused.status, headers=headers)

        return answer

    def _or_hang_up(self, request: web.Request, response: web.Response) -> web.Response:
        written = request.method != "GET" and not request.path.startswith("/app/")
        if not written or not self.hang_up_after_writing:
            return response
        self.hang_up_after_writing -= 1
        return hang_up(request)

    def _headers(self, caller: Caller) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": "5000" if caller.login else "60",
            "X-RateLimit-Remaining": "4999" if caller.login else "59",
            "X-RateLimit-Reset": str(int(self.now()) + 3600),
            **_scopes(caller),
        }

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
        caller = self.callers[token]
        if caller.expires_at is not None and caller.expires_at <= self.now():
            raise Refused(401, "Bad credentials")
        return caller

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

    def _limits(self, request: web.Request) -> None:
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
        asked = (request.method, request.path)
        if self.limits_each_write_once is not None and request.method != "GET" and asked not in self._limited:
            self._limited.add(asked)
            status = 403 if len(self._limited) % 2 else 429
            raise Refused(status, "Wait.", headers={"Retry-After": str(self.limits_each_write_once)})

    def visible(self, request: web.Request, caller: Caller, *, write: str = "") -> tuple[str, Repository]:
        """Return the repository that a request is about; `write`: the permission that is needed."""
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
                raise Refused(404, "Not Found", headers={"X-Accepted-OAuth-Scopes": "repo"})
            if write and "public_repo" not in scopes:
                raise Refused(
                    403,
                    "Must have push access",
                    headers={"X-Accepted-OAuth-Scopes": "public_repo, repo"},
                )
        if write and caller.permissions is not None and caller.permissions.get(write) != "write":
            message = "Resource not accessible by integration"
            raise Refused(403, message, headers={"X-Accepted-GitHub-Permissions": f"{write}=write"})
        if write and not caller.may_write:
            message = "Resource not accessible by personal access token"
            raise Refused(403, message, headers={"X-Accepted-GitHub-Permissions": f"{write}=write"})
        return name, found

    async def _user(self, request: web.Request, caller: Caller) -> web.Response:
        if caller.permissions is not None:
            raise Refused(403, "Resource not accessible by integration")
        return web.json_response({"login": caller.login, "id": 1, "type": "User"})

    async def _app(self, request: web.Request, caller: Caller) -> web.Response:
        return web.json_response({"id": int(self.app_id), "slug": "ccb", "name": "Claude Code Bot"})

    async def _repo(self, request: web.Request, caller: Caller) -> web.Response:
        name, _ = self.visible(request, caller)
        shown = self._shown_repository(name)
        if caller.login:
            pushes, admin = caller.may_write, caller.may_write and caller.may_administer
            may = {"admin": admin, "maintain": admin, "push": pushes, "triage": pushes, "pull": True}
            shown["permissions"] = may
        return web.json_response(shown)

    def _shown_repository(self, name: str) -> dict[str, Any]:
        known = self.repositories[name]
        owner, _, short = name.partition("/")
        return {
            "id": known.id,
            "name": short,
            "full_name": name,
            "owner": {"login": owner},
            "private": known.private,
            "default_branch": known.default_branch,
            "html_url": f"https://github.example/{name}",
        }

    async def _permission(self, request: web.Request, caller: Caller) -> web.Response:
        """Tell what somebody may do; the older field knows four words only."""
        _, found = self.visible(request, caller)
        if not caller.may_write:
            raise Refused(403, "Must have push access to view collaborator permission.")
        login = request.match_info["login"]
        known = next((one for one in self.people if one.lower() == login.lower()), None)
        if known is None:
            raise Refused(404, f"{login} is not a user")
        role = self.people[known]
        if role == "none" and not found.private:
            role = "read"  # everybody reads what is public
        permission = {"maintain": "write", "triage": "read"}.get(role, role)
        return web.json_response({"permission": permission, "role_name": role, "user": user(known)})

    async def _installation(self, request: web.Request, caller: Caller) -> web.Response:
        self.visible(request, caller)
        return web.json_response({"id": 99, "app_id": int(self.app_id), "permissions": self.app_permissions})

    async def _access_token(self, request: web.Request, caller: Caller) -> web.Response:
        if request.match_info["id"] != "99":
            raise Refused(404, "Not Found")
        token = f"ghs_standin{len(self.installation_tokens) + 1}"
        self.installation_tokens.append(token)
        end = int(self.now() + self.token_lifetime)
        self.callers[token] = Caller("ccb[bot]", scopes=None, permissions=dict(self.app_permissions), expires_at=end)
        expires = datetime.fromtimestamp(end, UTC)
        made = {"token": token, "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return web.json_response(made, status=201)


def _scopes(caller: Caller) -> dict[str, str]:
    return {} if caller.scopes is None else {"X-OAuth-Scopes": ", ".join(caller.scopes)}


async def _nothing(request: web.Request, caller: Caller) -> web.Response:
    raise Refused(404, "Not Found")


if __name__ == "__main__":
    main(GitHubStandIn())
