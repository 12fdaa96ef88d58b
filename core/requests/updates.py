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
from core.requests import service
from core.requests.model import Line
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
    """Take up a package as it is at `commit`; return, in a few words, what became of it, also where it is wrong.

    The log of the request that it came of says so too, and its issue where a version waits. Raises what may pass.
    """
    installed = await integrations.from_repository(ctx, repository, slug)
    if installed is None:
        return T("not installed from here")
    runs, short = T("runs {commit}", commit=commit[:12]), commit[:12]
    if installed.version == short:
        return runs  # a merge is told of twice: as that, and as a push
    actor = Actor("github", by, by, frozenset({"integrations.write"}))
    try:
        files = await branches.read(ctx.github, repository, ref=commit, folder=f"{FOLDER}/{slug}")
        waits = await integrations.update(ctx, installed.id, files, commit=commit, actor=actor)
    except CcbError as error:
        if not is_final(error):
            raise
        refused = T("The version {commit} by {name} is refused: {reason}", commit=short, name=by, reason=error.message)
        await service.note(ctx, installed.id, Line("update", refused, "error", error.details))
        return error.message
    wider = ", ".join(waits)
    if waits:
        told = T("The version {commit} by {name} waits for an admin, for it may do more: {wider}.",
                 commit=short, name=by, wider=wider)  # fmt: skip
        await service.note(ctx, installed.id, Line("update", told, "warning", {"commit": commit, "wider": waits}))
        return T("waits for an admin: {wider}", wider=wider)
    taken = T("The version {commit} by {name} runs.", commit=short, name=by)
    await service.note(ctx, installed.id, Line("update", taken, fields={"commit": commit}))
    return runs
