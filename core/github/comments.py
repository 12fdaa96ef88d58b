"""Sticky comments: one to an issue and key, edited in place, however often it is written."""

from __future__ import annotations

import re
from typing import Any

from core.context import GitHubPort
from core.github import asking

LONGEST = 60_000
"""Characters of a comment that we write; GitHub takes 65536."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]*")


async def upsert(
    github: GitHubPort, repository: str, number: int, *, key: str, body: str, known_id: int | None = None
) -> int:
    """Let `body` be our comment `key` on issue `number`; return the comment's id.

    It is looked for by its hidden marker when `known_id` is None or gone, so a call that was cut off can be repeated.
    Nothing is written where the text is there already. Raises `Upstream` or `NotConfigured`.
    """
    marker = _marker(key)
    text = f"{body[:LONGEST]}\n\n{marker}"
    path = f"/repos/{repository}/issues"
    there = await asking.find(github, f"{path}/comments/{known_id}") if known_id is not None else None
    if there is None:
        there = await _find(github, f"{path}/{number}/comments", marker)
    if there is None:
        written = await github.request("POST", f"{path}/{number}/comments", body={"body": text})
        return int(written["id"])
    if not asking.same_text(there["body"], text):
        await github.request("PATCH", f"{path}/comments/{there['id']}", body={"body": text})
    return int(there["id"])


async def _find(github: GitHubPort, path: str, marker: str) -> dict[str, Any] | None:
    """Return our comment that ends in `marker`: in one of somebody else's it is a quotation, or a trap."""
    me = await github.login()
    async for comment in asking.each(github, path):
        if (comment["body"] or "").rstrip().endswith(marker) and comment["user"]["login"] == me:
            return comment
    return None


def _marker(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"key {key!r}")
    return f"<!-- ccb:{key} -->"
