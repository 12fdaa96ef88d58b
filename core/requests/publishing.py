"""Publishing a package as a pull request, and installing what was merged."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import orjson
from sqlalchemy.exc import IntegrityError

from core import integrations, packages
from core.actors import SYSTEM
from core.context import Context
from core.errors import CcbError, Conflict, Invalid, NotConfigured
from core.github import asking, branches, pulls
from core.integrations import Installed, Wish
from core.requests import budgets, comparing
from core.requests import pull as text
from core.requests.comment import secret_of
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
    own = await _open_pull(ctx, asked, repository)
    branch = own.branch if own is not None else await _branch(ctx, asked, repository, slug)
    base = own.base if own is not None else await branches.default(ctx.github, repository)
    replaces = await _is_there(ctx, repository, base, slug)
    title = text.title(package.manifest, asked.row.language, replaces=replaces)
    commit = await branches.commit(
        ctx.github,
        repository,
        branch=branch,
        base=base,
        folder=f"{FOLDER}/{slug}",
        files=package.files,
        # What was closed unmerged lies on an old base.
        afresh=own is None and await pulls.opened(ctx.github, repository, branch=branch, base=base) is None,
        message=f"{title}\n\nRequest {asked.id}, round {last.round}.",
    )
    version, compared = await comparing.compare(ctx, repository, package)
    # Who may read a public repository need not be who may read its events.
    private = bool(compared) and bool((await ctx.github.request("GET", f"/repos/{repository}"))["private"])
    spent = await budgets.cost_of(ctx, asked)
    side_by_side = comparing.table(version, compared, asked.row.language, values=private)
    opened = await pulls.ensure(
        ctx.github,
        repository,
        branch=branch,
        base=base,
        title=title,
        body=text.body(asked, package.manifest, written, spent=spent, compared=side_by_side, replaces=replaces),
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
    there = await integrations.from_repository(ctx, repository, asked.row.slug)
    if there is not None and there.id != asked.id:
        return await _update(ctx, asked, there, repository, commit)
    if there is None:
        await _install(ctx, asked, repository, commit)
    installed = await integrations.find(ctx, asked.id)
    lines = [Line("install", T("Installed at {commit}; it is inactive.", commit=installed.version))]
    if installed.source.needs_secret:
        lines.append(Line("install", secret_of(installed.slug)))
    if ctx.settings.activate_merged:
        lines.append(await _activated(ctx, asked))
    return Next("installed", "", tuple(lines))


async def _activated(ctx: Context, asked: Asked) -> Line:
    try:
        await integrations.activate(ctx, asked.id, actor=SYSTEM)
    except Conflict as error:
        return Line("install", error.message, "warning")
    except CcbError as error:
        return Line("install", error.message, "error")
    return Line("install", T("Active."))


async def _install(ctx: Context, asked: Asked, repository: str, commit: str) -> None:
    """Install what was merged; where that is refused and has been mended since, what the default branch holds now."""
    try:
        await _install_at(ctx, asked, repository, commit)
    except Invalid:
        now = await branches.head(ctx.github, repository, await branches.default(ctx.github, repository))
        if now in (None, commit):
            raise
        await _install_at(ctx, asked, repository, str(now))


async def _install_at(ctx: Context, asked: Asked, repository: str, commit: str) -> None:
    slug = asked.row.slug
    provenance = {
        "kind": "pull_request", "repository": repository, "folder": slug, "number": asked.row.pull, "commit": commit,
    }  # fmt: skip
    files = await branches.read(ctx.github, repository, ref=commit, folder=f"{FOLDER}/{slug}")
    wish = Wish(files=files, provenance=provenance, config={}, id=asked.id)
    try:
        await integrations.install(ctx, wish, actor=SYSTEM)
    except Conflict:
        # Whoever had the request before the lease ended may have installed it at this very moment.
        if await integrations.from_repository(ctx, repository, slug) is None:
            # Such as one of the gallery's: theirs keeps the slug.
            await integrations.install(ctx, replace(wish, slug=f"{slug}-{_suffix(asked)}"), actor=SYSTEM)


async def _update(ctx: Context, asked: Asked, installed: Installed, repository: str, commit: str) -> Next:
    """Take up the merge of a request that revises what is installed from the same folder."""
    files = await branches.read(ctx.github, repository, ref=commit, folder=f"{FOLDER}/{asked.row.slug}")
    waits = await integrations.update(ctx, installed.id, files, commit=commit, actor=SYSTEM)
    told = T("{name} is updated to {commit}.", name=installed.name, commit=commit[:12])
    if waits:
        told = T("The new version of {name} waits for an admin: {wider}.", name=installed.name, wider=", ".join(waits))
    return Next("installed", "", (Line("install", told, "warning" if waits else "info"),))


async def _open_pull(ctx: Context, asked: Asked, repository: str) -> pulls.Pull | None:
    """Return the request's pull request while it is open; somebody may have pointed it at another branch."""
    if asked.row.pull is None or asked.row.pull_state != "open":
        return None
    found = await pulls.state(ctx.github, repository, asked.row.pull)
    return found if found is not None and found.state == "open" else None


async def _branch(ctx: Context, asked: Asked, repository: str, slug: str) -> str:
    """Return a branch that the request has to itself: the one it held before a crash, or the first that is free."""
    free = [f"ccb/{slug}", f"ccb/{slug}-{_suffix(asked)}"]
    free.sort(key=lambda branch: f"{repository}:{branch}" != asked.row.holds)
    for branch in free:
        try:
            held = await ctx.db.write(rows.hold, asked.id, asked.row.lease_token, f"{repository}:{branch}")
        except IntegrityError:  # another request has it
            continue
        if held:
            return branch
        break
    raise Conflict(T("{name} has moved on meanwhile.", name=asked.row.title))


async def _is_there(ctx: Context, repository: str, base: str, slug: str) -> bool:
    path = f"/repos/{repository}/contents/{FOLDER}/{slug}?ref={quote(base, safe='')}"
    return await asking.find(ctx.github, path) is not None


def _suffix(asked: Asked) -> str:
    return asked.id[-6:].lower()


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
