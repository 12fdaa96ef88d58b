"""What the stand-in's hooks hear of a push (https://docs.github.com/en/webhooks/webhook-events-and-payloads#push)."""

from __future__ import annotations

from typing import Any

from core.demo.stand_ins.github.answers import stamp
from core.demo.stand_ins.github.git import ZERO, Git


def payload(name: str, git: Git, ref: str, before: str | None, after: str | None, login: str) -> dict[str, Any]:
    """Return the payload of a ref that moved, without what every payload has."""
    since = before or git.refs.get("heads/main")
    new = [_commit(name, git, sha) for sha in git.new(after, since=since)] if after else []
    return {
        "ref": f"refs/{ref}",
        "before": before or ZERO,
        "after": after or ZERO,
        "created": before is None,
        "deleted": after is None,
        "forced": bool(before and after and before not in git.history(after)),
        "base_ref": None,
        "compare": f"https://github.example/{name}/compare/{(before or ZERO)[:12]}...{(after or ZERO)[:12]}",
        "commits": new,
        "head_commit": _commit(name, git, after) if after else None,
        "pusher": {"name": login, "email": f"{login}@users.noreply.github.example"},
    }


def _commit(name: str, git: Git, sha: str) -> dict[str, Any]:
    commit = git.commits[sha]
    changes = git.changes(commit.parents[0] if commit.parents else None, sha)
    who = {"name": commit.author, "email": f"{commit.author}@users.noreply.github.example", "username": commit.author}
    return {
        "id": sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": stamp(commit.at),
        "url": f"https://github.example/{name}/commit/{sha}",
        "author": who,
        "committer": who,
        **{how: [path for path, kind in changes.items() if kind == how] for how in ("added", "removed", "modified")},
    }
