"""The stand-in's pages for people: its issues and pull requests to look at, on an address beside its API.

What is on them was written by somebody: it is escaped, Markdown passes no HTML, and a page may load and run nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from aiohttp import web
from markdown_it import MarkdownIt
from markupsafe import Markup

from core.demo.stand_ins.github.answers import Hub, Repository
from core.demo.stand_ins.server import StandIn
from core.http.pages import page
from core.texts import T, Text, preferred

_REPO = r"/{owner:[^/]+}/{repo:[^/]+}"
_HIDDEN = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_SMALL = re.compile(r"&lt;(/?)sub&gt;")
_ALERT = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]")
_REFERENCE = re.compile(r"(?<![\w&/])#(\d+)\b")
_TAG = re.compile(r"(<a .*?</a>|<code.*?</code>|<[^>]*>)", re.DOTALL)
_WORDS: dict[str, Text] = {
    "issues": T("Issues"),
    "pulls": T("Pull requests"),
    "files": T("Files changed"),
    "none": T("None yet."),
    "notice": T("A stand-in for GitHub, part of a demonstration: nothing of this is on github.com."),
}
_STATES: dict[str, Text] = {"open": T("open"), "closed": T("closed"), "merged": T("merged"), "draft": T("draft")}


class GitHubPages(StandIn):
    """`/owner/repo`, `/owner/repo/issues/1` and `/owner/repo/pull/2` of a hub."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._first),
            web.get(_REPO, self._repository),
            web.get(_REPO + r"/{kind:issues|pull}/{number:\d{1,9}}", self._one),
        ]

    async def _first(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/" + next(iter(self._hub.repositories)))

    async def _repository(self, request: web.Request) -> web.Response:
        name, known = self._named(request)
        shown = [self._row(name, known, issue, request) for issue in reversed(known.issues)]
        groups = [
            ("issues", [one for one in shown if not one["is_pull"]]),
            ("pulls", [one for one in shown if one["is_pull"]]),
        ]
        return _page(request, "repository.html", name=name, groups=groups)

    async def _one(self, request: web.Request) -> web.Response:
        name, known = self._named(request)
        number = int(request.match_info["number"])
        if not 1 <= number <= len(known.issues):
            raise web.HTTPNotFound
        kind = "pull" if number in known.pulls else "issues"
        if request.match_info["kind"] != kind:
            raise web.HTTPFound(f"/{name}/{kind}/{number}")
        issue = known.issues[number - 1]
        comments = [issue, *known.comments[number], *known.pulls.get(number, {}).get("reviews", [])]
        return _page(
            request,
            "issue.html",
            name=name,
            one=self._row(name, known, issue, request),
            posts=[(post["user"]["login"], _markdown(post["body"], name)) for post in comments if post["body"]],
            files=_files(known, number),
        )

    def _named(self, request: web.Request) -> tuple[str, Repository]:
        name = f"{request.match_info['owner']}/{request.match_info['repo']}".lower()
        if name not in self._hub.repositories:
            raise web.HTTPNotFound
        return name, self._hub.repositories[name]

    def _row(self, name: str, known: Repository, issue: dict[str, Any], request: web.Request) -> dict[str, Any]:
        number, pull = issue["number"], known.pulls.get(issue["number"])
        state = issue["state"]
        if pull is not None:
            state = "merged" if pull["merged"] else "draft" if pull["draft"] and state == "open" else state
        return {
            "number": number,
            "title": issue["title"],
            "state": state,
            "state_word": _STATES[state].render(_language(request)),
            "by": issue["user"]["login"],
            "labels": [label["name"] for label in issue["labels"]],
            "is_pull": pull is not None,
            "branches": (pull["head"]["ref"], pull["base"]["ref"]) if pull else None,
            "link": f"/{name}/{'pull' if pull else 'issues'}/{number}",
        }


def _files(known: Repository, number: int) -> list[tuple[str, str, int]]:
    """Return the files that a pull request changes: path, new text, lines."""
    pull = known.pulls.get(number)
    if pull is None:
        return []
    git, head = known.git, pull["head"]["sha"]
    # What is merged is in the base by now: its side of the pull request is where the base was.
    paths = git.changes(git.common(pull["base"]["sha"], head), head)
    texts = {path: git.read(head, path) for path, how in paths.items() if how != "removed"}
    return [(path, text, text.count("\n")) for path, text in texts.items()]


def _markdown(text: str, repository: str) -> Markup:
    """Return somebody's Markdown as HTML of ours."""
    made = str(_parser().render(_HIDDEN.sub("", text)))
    made = _SMALL.sub(r"<\1sub>", made).replace(' style="text-align:right"', ' class="right"')
    parts = _TAG.split(made)
    parts[::2] = [_linked(_ALERT.sub(r"<strong>\1</strong><br>", part), repository) for part in parts[::2]]
    return Markup("".join(parts))  # made by the parser, which lets no HTML through


def _linked(text: str, repository: str) -> str:
    return _REFERENCE.sub(rf'<a href="/{repository}/issues/\1">#\1</a>', text)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")


def _language(request: web.Request) -> str:
    return preferred(request.headers.get("Accept-Language", ""))


def _page(request: web.Request, template: str, **values: Any) -> web.Response:
    language = _language(request)
    words = {name: text.render(language) for name, text in _WORDS.items()}
    return page(
        template, language=language, package="core.demo.stand_ins.github", folder="templates", words=words, **values
    )
