"""The stand-in's git: blobs, trees and commits under their real SHA-1 names, and the refs to them. No HTTP."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

ZERO = "0" * 40
"""What a push names where there is no commit."""
FILE, EXECUTABLE, LINK, FOLDER = "100644", "100755", "120000", "040000"

Files = dict[str, tuple[str, str]]
"""Path → mode and blob."""


@dataclass(frozen=True)
class Commit:
    """One commit; `at` in seconds since the epoch."""

    tree: str
    parents: tuple[str, ...]
    message: str
    author: str
    at: float


@dataclass
class Git:
    """One repository's objects. `refs`: `heads/main` → commit."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def blob(self, content: bytes) -> str:
        """Keep a file's content."""
        sha = _named("blob", content)
        self.blobs[sha] = content
        return sha

    def tree(self, files: Mapping[str, tuple[str, str]]) -> str:
        """Keep a folder and those in it."""
        entries: dict[str, tuple[str, str]] = {}
        folders: dict[str, Files] = {}
        for path, entry in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(name, {})[rest] = entry
            else:
                entries[name] = entry
        entries |= {name: (FOLDER, self.tree(inside)) for name, inside in folders.items()}
        # Git sorts a folder as if its name ended in a slash.
        order = sorted(entries, key=lambda name: name + "/" * (entries[name][0] == FOLDER))
        body = b"".join(
            f"{entries[name][0].lstrip('0')} {name}\0".encode() + bytes.fromhex(entries[name][1]) for name in order
        )
        sha = _named("tree", body)
        self.trees[sha] = {name: entries[name] for name in order}
        return sha

    def commit(self, tree: str, parents: tuple[str, ...], message: str, *, author: str, at: float) -> str:
        """Keep a commit."""
        who = f"{author} <{author}@users.noreply.github.example> {int(at)} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}", ""]
        sha = _named("commit", ("\n".join(lines) + f"\n{message}").encode())
        self.commits[sha] = Commit(tree, parents, message, author, at)
        return sha

    def tree_of(self, name: str) -> str | None:
        """Return the tree that a tree, commit or ref names."""
        if name in self.trees:
            return name
        commit = self.resolved(name)
        return self.commits[commit].tree if commit is not None else None

    def resolved(self, name: str) -> str | None:
        """Return the commit that a branch, a tag, a ref or a commit names."""
        short = name.removeprefix("refs/")
        found = next((self.refs[ref] for ref in (short, f"heads/{short}", f"tags/{short}") if ref in self.refs), name)
        return found if found in self.commits else None

    def files(self, tree: str) -> Files:
        """Return all files of a tree, in folders too."""
        return {path: entry for path, entry in self.walked(tree) if entry[0] != FOLDER}

    def walked(self, tree: str, prefix: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
        """Give files and folders, each folder before what is in it."""
        for name, entry in self.trees[tree].items():
            yield prefix + name, entry
            if entry[0] == FOLDER:
                yield from self.walked(entry[1], f"{prefix}{name}/")

    def history(self, commit: str) -> list[str]:
        """Return a commit and all before it, nearest first."""
        found, waiting = [commit], deque([commit])
        while waiting:
            for parent in self.commits[waiting.popleft()].parents:
                if parent not in found:
                    found.append(parent)
                    waiting.append(parent)
        return found

    def new(self, head: str, *, since: str | None) -> list[str]:
        """Return the commits that `head` has and `since` has not, oldest first."""
        known = set(self.history(since)) if since else set()
        return [commit for commit in reversed(self.history(head)) if commit not in known]

    def common(self, one: str, other: str) -> str:
        """Return the newest commit that both have."""
        known = set(self.history(other))
        return next(commit for commit in self.history(one) if commit in known)

    def changes(self, before: str | None, after: str) -> dict[str, str]:
        """Return each path that differs between two commits: added, modified or removed."""
        old = self.files(self.commits[before].tree) if before else {}
        new = self.files(self.commits[after].tree)
        return {
            path: "added" if path not in old else "removed" if path not in new else "modified"
            for path in sorted({*old, *new})
            if old.get(path) != new.get(path)
        }

    def merged(self, base: str, head: str) -> str | None:
        """Return the tree of both together; None where both changed the same file."""
        start = self.common(base, head)
        theirs, ours = self.changes(start, base), self.changes(start, head)
        files, changed = self.files(self.commits[base].tree), self.files(self.commits[head].tree)
        for path in ours:
            if path in theirs and files.get(path) != changed.get(path):
                return None
            if path in changed:
                files[path] = changed[path]
            else:
                files.pop(path, None)
        return self.tree(files)

    def read(self, ref: str, path: str) -> str:
        """Return a file's text at a branch or commit; raise `KeyError` where there is none."""
        tree = self.tree_of(ref)
        if tree is None:
            raise KeyError(ref)
        return self.blobs[self.files(tree)[path][1]].decode()


def seeded() -> Git:
    """Return a repository that holds a README."""
    git = Git()
    tree = git.tree({"README.md": (FILE, git.blob(b"# app\n"))})
    at = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    git.refs["heads/main"] = git.commit(tree, (), "Begin", author="octocat", at=at)
    return git


def _named(kind: str, body: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body, usedforsecurity=False).hexdigest()
