"""Questions to GitHub that several parts ask: what may be missing, and what comes in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from core.context import GitHubPort
from core.errors import Upstream

_PAGE = 100


def missing(error: Upstream) -> bool:
    """Say whether GitHub knows nothing at that path (or hides it: it answers 404 for both).

    What it hides for want of a scope is not missing.
    """
    return error.details.get("status") == 404 and "missing_scopes" not in error.details


def refused(error: Upstream) -> bool:
    """Say whether GitHub refused the content: something is there already, has moved on, or is not allowed."""
    return error.details.get("status") == 422


async def find(github: GitHubPort, path: str) -> Any:
    """Return what is at `path`, None where there is nothing."""
    try:
        return await github.request("GET", path)
    except Upstream as error:
        if missing(error):
            return None
        raise


async def each(github: GitHubPort, path: str, *, pages: int = 25) -> AsyncIterator[dict[str, Any]]:
    """Give the items of a list, page after page; `path` may have a query."""
    mark = "&" if "?" in path else "?"
    for page in range(1, pages + 1):
        items = await github.request("GET", f"{path}{mark}per_page={_PAGE}&page={page}")
        for item in items:
            yield item
        if len(items) < _PAGE:
            return


def same_text(one: str | None, other: str | None) -> bool:
    """Say whether two texts differ in line ends at most: what was edited on the web has CR LF."""
    return _plain(one) == _plain(other)


def _plain(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()
