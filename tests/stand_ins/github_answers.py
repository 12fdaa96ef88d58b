"""What every part of the stand-in for GitHub answers with, and whom it answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

DOCS = "https://docs.github.com/rest"


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {"message": message, "documentation_url": DOCS, "status": str(status), **more}


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
    may_administer: bool = True
    """Also the repositories' settings, such as their hooks."""


ANONYMOUS = Caller("", scopes=None, sees=frozenset(), may_write=False, may_administer=False)


@dataclass
class Repository:
    """A repository's issues (oldest first), each with its comments."""

    private: bool = True
    moved: bool = False
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    id: int = 456


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
