"""The action `github_comment`: a comment on an issue or pull request, or a new issue."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from core.context import Context, GitHubPort
from core.effects import ACTIONS, Action, ActionParams, Call, Outcome
from core.grants import Grants, require
from core.texts import T

_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_PAGE = 100
_LAST_PAGE = 25
"""GitHub takes at most 2500 comments on an issue."""


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise ValueError("must be owner/repo")
    return value


class GitHubCommentParams(ActionParams):
    """Where, and what: with `issue` a comment on it, with `title` a new issue."""

    repository: Annotated[str, AfterValidator(_repository)] = Field(description="owner/repo.")
    issue: int | None = Field(None, ge=1, description="The number of the issue or pull request to comment on.")
    title: str | None = Field(None, min_length=1, max_length=256, description="The title of a new issue.")
    body: str = Field(min_length=1, max_length=65_000, description="Markdown.")
    labels: list[Annotated[str, Field(min_length=1, max_length=50)]] = Field(
        default_factory=list, max_length=100, description="Labels of a new issue."
    )

    @model_validator(mode="after")
    def _comment_or_issue(self) -> Self:
        if (self.issue is None) == (self.title is None):
            raise ValueError("give either issue (to comment on it) or title (to open a new issue)")
        if self.issue is not None and self.labels:
            raise ValueError("labels go with a new issue only")
        return self


class GitHubComment(Action[GitHubCommentParams]):
    """Writes with the integration's own `github_token` where it has one, else with the bot's."""

    name = "github_comment"
    summary = T("Comment on a GitHub issue or pull request, or open a new issue.")
    repeats = T(
        "Ends in a hidden marker, and looks for it before it writes again: among the issue's comments, or for a new "
        "issue among the repository's 50 newest."
    )
    params = GitHubCommentParams

    def permit(self, params: GitHubCommentParams, grants: Grants) -> None:
        """The repository must be granted."""
        require(params.repository.lower(), grants.repositories, noun="repositories")

    def target(self, params: GitHubCommentParams) -> str:
        """Return `owner/repo#number`, or the repository alone for a new issue."""
        return params.repository if params.issue is None else f"{params.repository}#{params.issue}"

    async def run(self, ctx: Context, call: Call[GitHubCommentParams]) -> Outcome:
        """Write it, unless an earlier try already did."""
        params, token = call.params, call.tokens.get("github_token")
        marker = f"<!-- ccb:{call.key} -->"
        written = await _find(ctx.github, params, marker, token) if call.repeated else None
        if written is None:
            written = await _write(ctx.github, params, marker, token)
        detail = self.target(params) if params.issue is not None else f"{params.repository}#{written['number']}"
        return Outcome(detail=detail, answer={"id": written["id"], "url": written["html_url"]})


async def _write(github: GitHubPort, params: GitHubCommentParams, marker: str, token: str | None) -> Any:
    path = f"/repos/{params.repository}/issues"
    body = f"{params.body}\n\n{marker}"
    if params.issue is not None:
        return await github.request("POST", f"{path}/{params.issue}/comments", body={"body": body}, token=token)
    new = {"title": params.title, "body": body, "labels": params.labels}
    return await github.request("POST", path, body=new, token=token)


async def _find(github: GitHubPort, params: GitHubCommentParams, marker: str, token: str | None) -> Any:
    """Return what an earlier try wrote, or None."""
    path = f"/repos/{params.repository}/issues"
    if params.issue is None:
        newest = f"{path}?state=all&sort=created&direction=desc&per_page=50"
        return _marked(await github.request("GET", newest, token=token), marker)
    for page in range(1, _LAST_PAGE + 1):
        comments = await github.request(
            "GET", f"{path}/{params.issue}/comments?per_page={_PAGE}&page={page}", token=token
        )
        found = _marked(comments, marker)
        if found is not None or len(comments) < _PAGE:
            return found
    return None


def _marked(items: Iterable[dict[str, Any]], marker: str) -> dict[str, Any] | None:
    # At the end alone: a marker that somebody quotes further up is not ours.
    return next((item for item in items if (item["body"] or "").rstrip().endswith(marker)), None)


ACTIONS.add("github_comment", GitHubComment())
