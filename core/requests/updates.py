"""What is pushed to the default branch under integrations/<slug>/ becomes the version that runs.

Wider capabilities than those that an admin has approved wait: the new version is kept beside the running one until
somebody activates the integration again.
"""

from __future__ import annotations

from collections.abc import Iterable

from core import integrations
from core.actors import Actor
from core.context import Context
from core.errors import CcbError, Unavailable, Upstream
from core.github import branches
from core.requests.publishing import FOLDER
from core.texts import T, Text


def slugs_in(paths: Iterable[str]) -> set[str]:
    """Return the slugs of the integrations that files belong to."""
    parts = (path.split("/") for path in paths)
    return {part[1] for part in parts if len(part) > 2 and part[0] == FOLDER}


def is_final(error: CcbError) -> bool:
    """Say whether trying again would fail the same way: a package that is wrong stays wrong at its commit."""
    return not isinstance(error, Unavailable) and not (isinstance(error, Upstream) and not error.permanent)


async def update(ctx: Context, repository: str, slug: str, commit: str, *, by: str) -> Text:
    """Take up a package as it is at `commit`; return, in a few words, what became of it."""
    installed = await integrations.from_repository(ctx, repository, slug)
    if installed is None:
        return T("not installed from here")
    files = await branches.read(ctx.github, repository, ref=commit, folder=f"{FOLDER}/{slug}")
    actor = Actor("github", by, by, frozenset({"integrations.write"}))
    waits = await integrations.update(ctx, installed.id, files, commit=commit, actor=actor)
    if waits:
        return T("waits for an admin: {wider}", wider=", ".join(waits))
    return T("runs {commit}", commit=commit[:12])
