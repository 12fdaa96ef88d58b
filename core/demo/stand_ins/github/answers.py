"""What every part of the stand-in for GitHub answers with, and whom it answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from aiohttp import web

from core.demo.stand_ins.github.git import Git, seeded

DOCS = "https://docs.github.com/rest"


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {"message": message, "documentation_url": DOCS, "status": str(status), **more}


@dataclass(frozen=True)
class Caller:
    """Who asks. `scopes` is None for fine-grained and installation tokens, which have permissions in their place."""

    login: str
    scopes: tuple[str, ...] | None = ("repo", "admin:repo_hook")
    sees: frozenset[str] | None = None
    """Private repositories that it sees; None: all."""
    may_write: bool = True
    may_administer: bool = True
    """Also the repositories' settings, such as their hooks."""
    permissions: Mapping[str, str] | None = None
    """An installation token's; None: it is somebody's own token."""
    expires_at: float | None = None


ANONYMOUS = Caller("", scopes=None, sees=frozenset(), may_write=False, may_administer=False)


@dataclass
class Repository:
    """A repository's issues (oldest first), each with its comments; pull requests are among the issues."""

    private: bool = True
    moved: bool = False
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    id: int = 456
    default_branch: str = "main"
    git: Git = field(default_factory=seeded)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By their names in small letters."""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    """What a pull request has beyond its issue."""
    drafts: bool = True
    """False as on the plans that have no draft pull requests."""
    protected: set[str] = field(default_factory=set)
    """Branches that change through pull requests alone."""


class Hub(Protocol):
    """What the parts of the stand-in share."""

    url: str
    site: str
    now: Callable[[], float]
    repositories: dict[str, Repository]
    people: dict[str, str]

    def visible(self, request: web.Request, caller: Caller, *, write: str = "") -> tuple[str, Repository]:
        """Return the repository that a request is about; `write`: the permission that is needed."""
        ...

    def next_id(self) -> int:
        """Return an id that nothing has yet."""
        ...

    def announce(self, repository: str, event: str, login: str, **payload: Any) -> None:
        """Deliver an event to the hooks, after those before it."""
        ...

    def pushed(self, repository: str, ref: str, before: str | None, after: str | None, login: str) -> None:
        """Tell everybody that a ref moved; None where there is no commit."""
        ...


Handle = Callable[[web.Request, Caller], Awaitable[web.Response]]


async def parsed(request: web.Request) -> Any:
    """Return the body, which GitHub reads as JSON whatever its content type says."""
    try:
        return json.loads(await request.text())
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None


async def fields(request: web.Request) -> dict[str, Any]:
    """Return a body that has to be an object."""
    body = await parsed(request)
    if not isinstance(body, dict):
        raise Refused(400, "Body should be a JSON object")
    return body


def invalid(resource: str, name: str, code: str = "missing_field", **more: Any) -> Refused:
    """Return a refusal for a body that says the wrong thing."""
    return Refused(422, "Validation Failed", errors=[{"resource": resource, "field": name, "code": code, **more}])


def page(request: web.Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of the page that is asked for by number."""
    size = per_page(request)
    start = (int(request.query.get("page", "1")) - 1) * size
    return items[start : start + size]


def per_page(request: web.Request) -> int:
    """Return how many items are asked for; at most 100 are given."""
    return min(int(request.query.get("per_page", "30")), 100)


def stamp(at: float) -> str:
    """Return a time as GitHub writes it."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login: str) -> dict[str, Any]:
    """Return somebody as GitHub shows them."""
    return {
        "login": login,
        "id": sum(login.encode()),
        "type": "Bot" if login.endswith("[bot]") else "User",
        "html_url": f"https://github.example/{login}",
        "site_admin": False,
    }


def may_push(permission: str) -> bool:
    """Say whether somebody with this permission may write."""
    return permission in ("admin", "maintain", "write")
