"""What people do on the stand-in's pages: each changes something and tells the hooks, as the API does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.demo.stand_ins.github.answers import Repository, may_push
from core.demo.stand_ins.github.contents import Contents
from core.demo.stand_ins.github.hooks import Hooks
from core.demo.stand_ins.github.issues import Issues
from core.demo.stand_ins.github.pulls import Pulls
from core.demo.stand_ins.github.reviews import Reviews
from core.demo.stand_ins.server import StandIn


class Web(StandIn):
    """Somebody at a browser or a clone; who may not is stopped by `PermissionError`.

    Deliveries go out on their own, in order; `await hub.hooks.settled()` waits for them.
    """

    people: dict[str, str]
    repositories: dict[str, Repository]
    hooks: Hooks
    issues: Issues
    contents: Contents
    pulls: Pulls
    reviews: Reviews

    def open_issue(
        self,
        repository: str,
        title: str,
        body: str = "",
        labels: list[str] | None = None,
        *,
        as_user: str = "octocat",
    ) -> dict[str, Any]:
        """Open an issue. Labels: everybody sets those that a form has."""
        return self.issues.open(repository, title, body, labels or [], as_user)

    def edit_issue(
        self,
        repository: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        as_user: str = "octocat",
    ) -> None:
        """Edit an issue or a pull request: its author, and who may write."""
        self._author_or_writer(self._issue(repository, number), as_user)
        given = {key: value for key, value in (("title", title), ("body", body)) if value is not None}
        (self.pulls if self._is_pull(repository, number) else self.issues).edit(repository, number, as_user, **given)

    def label_issue(self, repository: str, number: int, label: str, *, as_user: str = "octocat") -> None:
        """Put a label on an issue."""
        self._writer(as_user)
        self.issues.label(repository, number, [label], as_user)

    def unlabel_issue(self, repository: str, number: int, label: str, *, as_user: str = "octocat") -> None:
        """Take a label off."""
        self._writer(as_user)
        self.issues.unlabel(repository, number, label, as_user)

    def comment(self, repository: str, number: int, body: str, *, as_user: str = "octocat") -> dict[str, Any]:
        """Comment on an issue or a pull request."""
        return self.issues.comment(repository, number, body, as_user)

    def edit_comment(self, repository: str, comment_id: int, body: str, *, as_user: str = "octocat") -> None:
        """Edit a comment."""
        self._author_or_writer(self.issues.found_comment(repository, comment_id)[1], as_user)
        self.issues.edit_comment(repository, comment_id, body, as_user)

    def delete_comment(self, repository: str, comment_id: int, *, as_user: str = "octocat") -> None:
        """Delete a comment."""
        self._author_or_writer(self.issues.found_comment(repository, comment_id)[1], as_user)
        self.issues.delete_comment(repository, comment_id, as_user)

    def review(
        self,
        repository: str,
        number: int,
        body: str = "",
        *,
        event: str = "REQUEST_CHANGES",
        comments: Sequence[tuple[str, int, str]] = (),
        as_user: str = "octocat",
    ) -> dict[str, Any]:
        """Review a pull request, as everybody may. `event`: APPROVE, COMMENT … `comments`: path, line, text."""
        return self.reviews.submit(repository, number, event, body, comments, as_user)

    def remark(
        self, repository: str, number: int, path: str, line: int, body: str, *, as_user: str = "octocat"
    ) -> dict[str, Any]:
        """Comment on a line of a pull request, outside a review."""
        return self.reviews.remark(repository, number, path, line, body, as_user)

    def answer(
        self, repository: str, number: int, comment_id: int, body: str, *, as_user: str = "octocat"
    ) -> dict[str, Any]:
        """Answer a comment on a line."""
        return self.reviews.reply(repository, number, comment_id, body, as_user)

    def rebase(self, repository: str, number: int, base: str, *, as_user: str = "octocat") -> None:
        """Let a pull request be merged into another branch."""
        self._author_or_writer(self._issue(repository, number), as_user)
        self.pulls.edit(repository, number, as_user, base=base)

    def merge(self, repository: str, number: int, *, method: str = "merge", as_user: str = "octocat") -> str:
        """Merge a pull request, a draft after marking it ready; return the base's new commit."""
        self._writer(as_user)
        self.ready(repository, number, as_user=as_user)
        return self.pulls.merge(repository, number, as_user, method=method)

    def ready(self, repository: str, number: int, *, as_user: str = "octocat") -> None:
        """Mark a draft as ready for review, which REST cannot."""
        pull = self.repositories[repository].pulls[number]
        if pull["draft"]:
            pull["draft"] = False
            self.pulls.tell(repository, number, "ready_for_review", as_user)

    def close(self, repository: str, number: int, *, as_user: str = "octocat") -> None:
        """Close an issue, or a pull request without merging it."""
        self._set_state(repository, number, "closed", as_user)

    def reopen(self, repository: str, number: int, *, as_user: str = "octocat") -> None:
        """Open an issue or a pull request again."""
        self._set_state(repository, number, "open", as_user)

    def push(
        self,
        repository: str,
        branch: str,
        files: dict[str, str | None],
        *,
        message: str = "Change",
        as_user: str = "octocat",
    ) -> str:
        """Push one commit (None deletes a file); return it."""
        self._writer(as_user)
        return self.contents.push(repository, branch, files, message, as_user)

    def delete_branch(self, repository: str, branch: str, *, as_user: str = "octocat") -> None:
        """Delete a branch."""
        self._writer(as_user)
        self.contents.move(repository, f"heads/{branch}", None, as_user)

    def _issue(self, repository: str, number: int) -> dict[str, Any]:
        return self.repositories[repository].issues[number - 1]

    def _is_pull(self, repository: str, number: int) -> bool:
        return "pull_request" in self._issue(repository, number)

    def _set_state(self, repository: str, number: int, state: str, login: str) -> None:
        self._author_or_writer(self._issue(repository, number), login)
        (self.pulls if self._is_pull(repository, number) else self.issues).edit(repository, number, login, state=state)

    def _writer(self, login: str) -> None:
        if not may_push(self.people.get(login, "none")):
            raise PermissionError(f"{login} may not")

    def _author_or_writer(self, written: dict[str, Any], login: str) -> None:
        if written["user"]["login"] != login:
            self._writer(login)
