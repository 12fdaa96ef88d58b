"""What a GitHub token really grants, asked of GitHub.

A classic token's scopes come as a header, a GitHub App's permissions with its installation. A fine-grained token says
nothing of itself, and the `permissions` of a repository are those of the user behind it, so it is tried: an issue
without a title is refused in any case, with 403 who may not write issues and with 422 who may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.context import GitHubAccess, RepositoryAccess
from core.errors import Upstream
from core.github.failures import scopes
from core.texts import T

if TYPE_CHECKING:
    from core.github.client import GitHub

_INSTALLATION_TOKEN = "ghs_"  # noqa: S105 - what such tokens begin with
_REFUSED = frozenset({301, 307, 403, 404, 410, 451})
"""Answers that mean this repository, not GitHub as a whole."""


async def ask(github: GitHub, repositories: Sequence[str], *, token: str | None) -> GitHubAccess:
    """Return what `token` grants (None: the bot's); raise `Upstream` or `NotConfigured`."""
    if token is None and github.acts_as_app:
        return await _of_app(github, repositories)
    login, granted = "", None
    if token is None or not token.startswith(_INSTALLATION_TOKEN):  # an installation is no user
        answer = await github.answer("GET", "/user", token=token)
        login = str(answer.json["login"])
        header = answer.headers.get("x-oauth-scopes")
        granted = None if header is None else scopes(header)
    found = await asyncio.gather(*(_repository(github, name, granted, token) for name in repositories))
    return GitHubAccess(
        kind="classic" if granted is not None else "fine-grained" if login else "app",
        login=login,
        granted=tuple(sorted(granted or ())),
        repositories=dict(zip(repositories, found, strict=True)),
    )


async def _repository(github: GitHub, name: str, granted: frozenset[str] | None, token: str | None) -> RepositoryAccess:
    try:
        shown = (await github.answer("GET", f"/repos/{name}", token=token)).json
    except Upstream as error:
        if error.details.get("status") not in _REFUSED or error.retry_after is not None:
            raise
        return RepositoryAccess(issues=False, hooks=False, problem=error.message)
    hooks = await _allowed(github, "GET", f"/repos/{name}/hooks?per_page=1", token)
    if shown.get("archived"):
        return RepositoryAccess(False, hooks, T("{repository} is archived.", repository=name))
    if shown.get("has_issues") is False:
        return RepositoryAccess(False, hooks, T("Issues are switched off in {repository}.", repository=name))
    if granted is None:
        return RepositoryAccess(await _allowed(github, "POST", f"/repos/{name}/issues", token), hooks)
    return RepositoryAccess("repo" in granted or ("public_repo" in granted and not shown["private"]), hooks)


async def _allowed(github: GitHub, method: str, path: str, token: str | None) -> bool | None:
    """Say whether this may be asked; a POST is sent without what it needs, so that nothing can come of it."""
    try:
        await github.answer(method, path, body={} if method == "POST" else None, token=token)
    except Upstream as error:
        if error.retry_after is not None:
            raise
        status = error.details.get("status")
        return True if status == 422 else False if status in _REFUSED else None
    return True


async def _of_app(github: GitHub, repositories: Sequence[str]) -> GitHubAccess:
    app, own = await asyncio.gather(github.app(), github.installation(github.repository))
    found = await asyncio.gather(*(_installed(github, name, own.json["id"]) for name in repositories))
    return GitHubAccess(
        kind="app",
        login=f"{app.json['slug']}[bot]",
        granted=tuple(f"{name}: {level}" for name, level in sorted(_permissions(own.json).items())),
        repositories=dict(zip(repositories, found, strict=True)),
    )


async def _installed(github: GitHub, name: str, own: Any) -> RepositoryAccess:
    try:
        installation = (await github.installation(name)).json
    except Upstream as error:
        if error.details.get("status") not in _REFUSED or error.retry_after is not None:
            raise
        return RepositoryAccess(False, False, T("The app is not installed on {repository}.", repository=name))
    if installation["id"] != own:
        return RepositoryAccess(
            False, False,
            T("The app acts for the owner of {own} only, and {repository} has another owner.", own=github.repository,
              repository=name),
        )  # fmt: skip
    may = _permissions(installation)
    return RepositoryAccess(may.get("issues") == "write", "repository_hooks" in may)


def _permissions(installation: Any) -> dict[str, str]:
    return {str(name): str(level) for name, level in (installation.get("permissions") or {}).items()}
