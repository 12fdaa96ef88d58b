"""Labels: of a repository, and on an issue. Each call can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from core.context import GitHubPort
from core.errors import Upstream
from core.github import asking

REQUEST = "integration-request"
"""What makes an issue a request."""
NEEDS_INFO = "needs-info"


@dataclass(frozen=True)
class Look:
    """How a label looks. `color`: six hexadecimal digits; `description`: at most 100 characters."""

    color: str
    description: str


OWN: Mapping[str, Look] = {
    REQUEST: Look("1d76db", "Asks for an integration"),
    NEEDS_INFO: Look("fbca04", "The request lacks something"),
}
"""The labels that the bot makes."""


async def ensure_own(github: GitHubPort, repository: str, name: str) -> bool:
    """Let the repository have one of the bot's labels; return whether it was made now."""
    return await ensure(github, repository, name, color=OWN[name].color, description=OWN[name].description)


async def ensure(github: GitHubPort, repository: str, name: str, *, color: str, description: str) -> bool:
    """Let the repository have the label; return whether it was made now. One that is there stays as it is.

    `color`: six hexadecimal digits. `description`: at most 100 characters.
    """
    path = f"/repos/{repository}/labels"
    if await asking.find(github, f"{path}/{quote(name, safe='')}") is not None:
        return False
    try:
        await github.request("POST", path, body={"name": name, "color": color, "description": description})
    except Upstream as error:
        # Made in the meantime?
        if not asking.refused(error) or await asking.find(github, f"{path}/{quote(name, safe='')}") is None:
            raise
        return False
    return True


async def add(github: GitHubPort, repository: str, number: int, name: str) -> None:
    """Put a label on an issue, where it may be already."""
    await github.request("POST", f"/repos/{repository}/issues/{number}/labels", body={"labels": [name]})


async def remove(github: GitHubPort, repository: str, number: int, name: str) -> None:
    """Take a label off an issue, where it may be gone already."""
    try:
        await github.request("DELETE", f"/repos/{repository}/issues/{number}/labels/{quote(name, safe='')}")
    except Upstream as error:
        if not asking.missing(error):
            raise
