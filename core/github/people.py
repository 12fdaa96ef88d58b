"""What somebody may do in a repository: asked of GitHub, never believed from a payload."""

from __future__ import annotations

import re

from core.context import GitHubPort
from core.github import asking

_WRITERS = frozenset({"admin", "maintain", "write"})
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})")


async def may_write(github: GitHubPort, repository: str, login: str) -> bool:
    """Say whether a person may write to the repository: never an app, nor somebody GitHub does not know.

    Asked anew at every call. Raises `Upstream` (403 where we may not ask) or `NotConfigured`.
    """
    # An app's login ends in [bot]; others that are no users (Copilot, ghost) get 404.
    if not _LOGIN.fullmatch(login):
        return False
    found = await asking.find(github, f"/repos/{repository}/collaborators/{login}/permission")
    # `permission` knows admin, write, read and none; `role_name` may be a role of the organisation's own.
    return found is not None and found["permission"] in _WRITERS and (found.get("user") or {}).get("type") != "Bot"
