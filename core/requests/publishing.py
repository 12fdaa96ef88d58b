"""Publishing a package as a pull request, and installing what was merged."""

from __future__ import annotations

import orjson

from core import integrations, packages
from core.actors import SYSTEM
from core.context import Context
from core.errors import CcbError, Conflict, NotConfigured, NotFound
from core.github import branches, pulls
from core.integrations import Wish
from core.requests import pull as text
from core.requests.model import Asked, Line, Next
from core.texts import T
from storage import requests as rows

FOLDER = "integrations"
"""Where packages lie in the team's repository, each in a folder of its slug."""


async def publish(ctx: Context, asked: Asked) -> Next:
    """Put the package on its branch, and see that there is one pull request for it."""
    repository = _repository(ctx, asked)
    written = await ctx.db.read(rows.rounds, asked.id)
    last = written[-1]
    assert last.files is not None
    package = packages.read(orjson.loads(last.files))
    slug = package.manifest.slug
    branch = asked.row.branch or f"ccb/{slug}"
    base = await branches.default(ctx.github, repository)
    commit = await branches.commit(
        ctx.github,
        repository,
        branch=branch,
        base=base,
        folder=f"{FOLDER}/{slug}",
        files=package.files,
        message=f"{text.title(package.manifest)}\n\nRequest {asked.id}, round {last.round}.",
    )
    opened = await pulls.ensure(
        ctx.github,
        repository,
        branch=branch,
        base=base,
        title=text.title(package.manifest),
        body=text.body(asked, package.manifest, written),
        draft=ctx.settings.draft_pull_requests,
    )
    told = T("The pull request is {repository}#{number}.", repository=repository, number=opened.number)
    line = Line("publish", told, fields={"pull_request": opened.url, "commit": commit, "branch": branch})
    values = {
        "repository": repository,
        "branch": branch,
        "slug": slug,
        "pull": opened.number,
        "pull_url": opened.url,
        "pull_state": "open",
    }
    return Next("inactive", "", (line,), values=values)


async def install(ctx: Context, asked: Asked) -> Next:
    """Install the package as it was merged, under the request's id; switch it on if nothing is missing."""
    repository, commit = _repository(ctx, asked), asked.row.merge_commit
    assert commit is not None
    try:
        await integrations.find(ctx, asked.id)
    except NotFound:
        files = await branches.read(ctx.github, repository, ref=commit, folder=f"{FOLDER}/{asked.row.slug}")
        provenance = {
            "kind": "pull_request",
            "repository": repository,
            "folder": asked.row.slug,
            "number": asked.row.pull,
            "commit": commit,
        }
        wish = Wish(files=files, provenance=provenance, config={}, id=asked.id)
        await integrations.install(ctx, wish, actor=SYSTEM)
    line = Line("install", T("Installed at {commit}; it is inactive.", commit=commit[:12]))
    if not ctx.settings.activate_merged:
        return Next("installed", "", (line,))
    try:
        await integrations.activate(ctx, asked.id, actor=SYSTEM)
    except Conflict as error:
        return Next("installed", "", (line, Line("install", error.message, "warning")))
    except CcbError as error:
        return Next("installed", "", (line, Line("install", error.message, "error")))
    return Next("installed", "", (line, Line("install", T("Active."))))


def _repository(ctx: Context, asked: Asked) -> str:
    """Return the repository of the request, or the one that the settings name."""
    repository = asked.row.repository or ctx.settings.github_repository
    if repository is None:
        raise NotConfigured(
            T("There is no repository for pull requests: {setting} is not set.", setting="GITHUB_REPOSITORY"),
            service="github",
            settings=("GITHUB_REPOSITORY",),
        )
    return repository.lower()
