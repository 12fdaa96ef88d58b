"""GitHub among the services: what configures it, and who we are there."""

from __future__ import annotations

from core.clock import SystemClock
from core.config import Settings
from core.github.client import GitHub
from core.github.failures import scopes
from core.services import Service, register
from core.texts import T, Text

WANTED = ("repo", "admin:repo_hook")
"""What a classic token needs: files, issues and pull requests; the repository's webhooks."""


async def check(settings: Settings) -> Text:
    """Return whom GitHub takes us for, and which scopes are there and missing; raise `Upstream` or `NotConfigured`."""
    async with GitHub(settings, SystemClock()) as github:
        if settings.github_token is None and settings.github_app_id and settings.github_app_private_key:
            app = (await github.app()).json
            if settings.github_repository:
                # Takes an installation token on the way, so a missing installation shows here.
                await github.request("GET", f"/repos/{settings.github_repository}")
            return T("as the app {name}", name=app["slug"])
        answer = await github.user()
        return _described(answer.json["login"], answer.headers.get("x-oauth-scopes"))


def _described(login: str, header: str | None) -> Text:
    # Fine-grained tokens have permissions in place of scopes, and GitHub does not list them.
    if header is None:
        return T("as {login}; a fine-grained token", login=login)
    granted = scopes(header)
    missing = [scope for scope in WANTED if scope not in granted]
    shown = ", ".join(scope.strip() for scope in header.split(",") if scope.strip()) or "-"
    if missing:
        return T(
            "as {login}; scopes {scopes}; missing {missing}", login=login, scopes=shown, missing=", ".join(missing)
        )
    return T("as {login}; scopes {scopes}", login=login, scopes=shown)


register(
    Service(
        name="github",
        title="GitHub",
        required=("GITHUB_TOKEN",),
        check=check,
        optional=("GITHUB_REPOSITORY", "GITHUB_WEBHOOK_SECRET"),
        alternatives=(("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"),),
    )
)
