"""Pull requests: one that is open for a branch, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from core.context import GitHubPort
from core.errors import Upstream
from core.github import asking

_NO_DRAFTS = "Draft pull requests are not supported"


@dataclass(frozen=True)
class Pull:
    """A pull request. `head`: its branch's commit; `merge_commit`: what merging it made, once it is merged."""

    number: int
    url: str
    state: Literal["open", "closed", "merged"]
    draft: bool
    title: str
    body: str
    author: str
    branch: str
    base: str
    head: str
    merge_commit: str | None


async def ensure(
    github: GitHubPort, repository: str, *, branch: str, base: str, title: str, body: str, draft: bool = False
) -> Pull:
    """Return the pull request that is open from `branch` to `base`, with this title and body; open it if there is none.

    A draft where the repository's plan has drafts. Raises `Upstream`, `permanent` where GitHub will not have it (such
    as a branch without commits of its own).
    """
    found = await opened(github, repository, branch=branch, base=base)
    if found is None:
        try:
            return await _open(github, repository, branch, base, title, body, draft=draft)
        except Upstream as error:
            # It was opened, and we never heard of it; lists can be a moment behind.
            found = await opened(github, repository, branch=branch, base=base) if asking.refused(error) else None
            if found is None:
                raise
    if (found.title, asking.same_text(found.body, body)) == (title, True):
        return found
    changed = {"title": title, "body": body}
    return _pull(await github.request("PATCH", f"/repos/{repository}/pulls/{found.number}", body=changed))


async def opened(github: GitHubPort, repository: str, *, branch: str, base: str) -> Pull | None:
    """Return the pull request that is open from `branch` to `base`."""
    owner = repository.partition("/")[0]
    query = f"state=open&head={quote(f'{owner}:{branch}')}&base={quote(base)}"
    found = await github.request("GET", f"/repos/{repository}/pulls?{query}")
    # A filter that GitHub does not understand lets everything through, forks' branches of that name too.
    return next((_pull(one) for one in found if one["head"]["label"].lower() == f"{owner}:{branch}".lower()), None)


async def state(github: GitHubPort, repository: str, number: int) -> Pull | None:
    """Return pull request `number` as it is now, None where there is none."""
    found = await asking.find(github, f"/repos/{repository}/pulls/{number}")
    return None if found is None else _pull(found)


async def _open(
    github: GitHubPort, repository: str, branch: str, base: str, title: str, body: str, *, draft: bool
) -> Pull:
    new = {"title": title, "body": body, "head": branch, "base": base, "draft": draft}
    try:
        return _pull(await github.request("POST", f"/repos/{repository}/pulls", body=new))
    except Upstream as error:
        if not draft or _NO_DRAFTS not in str(error):
            raise
        return await _open(github, repository, branch, base, title, body, draft=False)


def _pull(shown: dict[str, Any]) -> Pull:
    merged = shown["merged_at"] is not None
    return Pull(
        number=shown["number"],
        url=shown["html_url"],
        state="merged" if merged else shown["state"],
        draft=shown["draft"],
        title=shown["title"],
        body=shown["body"] or "",
        author=shown["user"]["login"],
        branch=shown["head"]["ref"],
        base=shown["base"]["ref"],
        head=shown["head"]["sha"],
        merge_commit=shown["merge_commit_sha"] if merged else None,
    )
