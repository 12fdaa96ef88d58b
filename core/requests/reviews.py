"""Reviews of a pull request: what they wish, told once however often GitHub tells of it.

A review with remarks comes as one `pull_request_review` and a `pull_request_review_comment` for each remark. A remark
by itself, or an answer to one, makes a review without text (state `commented`) and comes as both too. The events come
in any order, so whichever is first takes the whole review, and each part of it is known by its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.context import GitHubPort
from core.github import asking

COMMAND = "/ccb"
_WISHING = frozenset({"commented", "changes_requested"})


async def parts(
    github: GitHubPort, repository: str, number: int, review: Mapping[str, Any], *, author: str
) -> dict[str, str]:
    """Return what a review wishes, by the ids of its text and its remarks; nothing of one that approves.

    Only what `author` wrote counts. Commands are no wishes. Raises `Upstream`.
    """
    if str(review["state"]).lower() not in _WISHING or _login(review) not in ("", author):
        return {}
    body = str(review.get("body") or "")
    found = {} if is_command(body) or not body.strip() else {f"review {review['id']}": body}
    async for remark in asking.each(github, f"/repos/{repository}/pulls/{number}/reviews/{review['id']}/comments"):
        if _login(remark) == author:
            found |= _one(remark)
    return found


async def parts_around(
    github: GitHubPort, repository: str, number: int, remark: Mapping[str, Any], *, author: str
) -> dict[str, str]:
    """Return what the review wishes that a remark belongs to; of a remark without one, the remark."""
    review_id = remark.get("pull_request_review_id")
    path = f"/repos/{repository}/pulls/{number}/reviews/{review_id}"
    review = await asking.find(github, path) if review_id is not None else None
    if review is not None and _login(review) == author:
        return await parts(github, repository, number, review, author=author)
    return _one(remark)


def is_command(text: str) -> bool:
    """Say whether a comment is for the bot to obey, not for Claude to read."""
    return text.split()[:1] == [COMMAND]


def _one(remark: Mapping[str, Any]) -> dict[str, str]:
    """Return a remark with the place that it is on, by its id."""
    body = str(remark.get("body") or "")
    place = f"{remark.get('path', '')}:{remark.get('line') or ''}"
    return {} if is_command(body) else {f"remark {remark['id']}": f"{place}\n{body}"}


def _login(written: Mapping[str, Any]) -> str:
    return str((written.get("user") or {}).get("login", ""))
