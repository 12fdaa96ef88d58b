"""What the GitHub token grants against what the integration needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.access.model import Access, Need
from core.context import Context, GitHubAccess, RepositoryAccess
from core.grants import Grants
from core.integrations import Installed
from core.services import SERVICES
from core.texts import T, Text

ACTION = "github_comment"
MOST = 20
"""Repositories that are asked about; of more nobody can tell."""
_UNKNOWN = RepositoryAccess(None, None)


async def look(ctx: Context, installed: Installed, wanted: Grants) -> Access:
    """Ask GitHub, if there is a token; raise what the port raises."""
    blank = begin(ctx, installed, wanted)
    if blank.token is None:
        return blank
    writes = sorted(wanted.repositories) if blank.needed else []
    listens = _listened(ctx, writes) if installed.source.kind == "github" else []
    asked = list(dict.fromkeys([*writes, *listens]))[:MOST]
    found = await ctx.github.access(asked, token=installed.engine.github_token)
    return replace(
        blank,
        kind=found.kind,
        login=found.login or None,
        granted=found.granted,
        required=[_issues(found, name) for name in writes],
        recommended=[_hooks(found, name) for name in listens],
    )


def begin(ctx: Context, installed: Installed, wanted: Grants) -> Access:
    """Return what is known before anybody is asked."""
    service = SERVICES["github"]
    own, configured = installed.engine.github_token is not None, service.configured(ctx.settings)
    return Access(
        needed=ACTION in wanted.actions,
        token="integration" if own else "bot" if configured else None,
        settings=service.required,
    )


def _listened(ctx: Context, writes: Sequence[str]) -> list[str]:
    """Return the repositories whose hooks send to the integration, as far as anybody can guess."""
    served = ctx.settings.github_repository
    return list(writes) or ([served.lower()] if served else [])


def _issues(found: GitHubAccess, name: str) -> Need:
    access = found.repositories.get(name, _UNKNOWN)
    how = _how(found.kind, name, "Issues", scope="repo")
    if access.problem is not None:
        how = T("{problem} {how}", problem=access.problem, how=how)
    return Need(f"issues: write on {name}", ACTION, access.issues, how)


def _hooks(found: GitHubAccess, name: str) -> Need:
    access = found.repositories.get(name, _UNKNOWN)
    permission = "admin:repo_hook" if found.kind == "classic" else "webhooks: write"
    why = T("so that events that never arrived are found and asked for again")
    return Need(
        f"{permission} on {name}", why, access.hooks, _how(found.kind, name, "Webhooks", scope="admin:repo_hook")
    )


def _how(kind: str, name: str, permission: str, *, scope: str) -> Text:
    match kind:
        case "classic":
            return T("Give the token the scope {scope}, and its user access to {repository}.", scope=scope,
                     repository=name)  # fmt: skip
        case "app":
            return T(
                "In the app's settings set Permissions → {permission} to Read and write, accept it in the "
                "installation, and install the app on {repository}.",
                permission=permission, repository=name,
            )  # fmt: skip
        case _:
            return T(
                "Edit the fine-grained token: Repository access → {repository}, Permissions → {permission} → "
                "Read and write.",
                permission=permission, repository=name,
            )  # fmt: skip
