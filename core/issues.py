"""Integration requests that are GitHub issues: what was done with each, and how it is taken up by hand."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.actors import Actor
from core.context import Context
from core.errors import CcbError, Conflict, NotFound, Unavailable, Upstream
from core.generation import template
from core.github.labels import REQUEST as LABEL
from core.requests import service as requests
from core.requests import words
from core.requests.model import Asked, Line, Status
from core.requests.words import INSUFFICIENT
from core.texts import TN, T, Text
from storage import requests as rows
from storage.requests import RequestLogLine

LARGEST = 2**31 - 1
LONGEST_TITLE = 200
GLANCE_SECONDS = 30.0
"""How long what GitHub said of an issue that nothing was done with is good for."""
PATIENCE_SECONDS = 5.0
"""How long a request is waited for that is being looked at."""
LOOK_SECONDS = 0.05
REFUSED_SECONDS = 24 * 3600.0
REFUSALS_KEPT = 20
"""How long, and how many of, GitHub's refusals of an issue that is no request stay in its log."""
_REFERENCE = re.compile(r"(?:([A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100})#)?([1-9][0-9]{0,9})", re.ASCII)


@dataclass(frozen=True)
class Reference:
    """An issue of a repository that is served; `repository` is `owner/repo` in lower case."""

    repository: str
    number: int

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"

    @property
    def path(self) -> str:
        """Where it is in GitHub's API."""
        return f"/repos/{self.repository}/issues/{self.number}"

    @property
    def again(self) -> str:
        """The operation that takes it up."""
        return f"POST /v1/issues/{self.number}/reprocess"


@dataclass(frozen=True)
class Reading:
    """What an issue says, as GitHub has it: no more than its first steps, each told in a line."""

    title: str
    body: str
    labelled: bool
    fields: Mapping[str, str]
    lines: Sequence[Line]
    error_details: Mapping[str, Any] | None
    """Why no request can come of it as it is."""


@dataclass(frozen=True)
class Outcome:
    """Where an issue stands: the request that it is, or why it is none."""

    reference: Reference
    asked: Asked | None
    reading: Reading

    @property
    def status(self) -> Status:
        """Return the request's status; what is no request has failed to become one."""
        return self.asked.row.status if self.asked is not None else "failed"  # type: ignore[return-value]  # as stored

    @property
    def message(self) -> Text:
        """What is to be done now."""
        return words.next_step(self.asked) if self.asked is not None else self.reading.lines[-1].message

    def error_details(self, language: str) -> dict[str, Any] | None:
        """Return what stands in the way, for whoever reads this language."""
        if self.asked is not None:
            return words.told(self.asked, language)
        return {**(self.reading.error_details or {}), "message": self.message.render(language)}


def refer(ctx: Context, text: str) -> Reference:
    """Return the issue that `7` or `owner/repo#7` names; raise `NotFound`, or `Conflict` where none is served."""
    served = ctx.settings.github_repository
    if served is None:
        raise Conflict(
            T("No repository is served: {setting} is not set. Set it to owner/repo and start the engine again.",
              setting="GITHUB_REPOSITORY"),
            error="Not configured", settings=["GITHUB_REPOSITORY"],
        )  # fmt: skip
    found = _REFERENCE.fullmatch(text)
    if found is None or int(found[2]) > LARGEST:
        raise NotFound(
            T("{issue} is no issue. Write its number, such as 7, or owner/repo%237.", issue=ascii(text[:200])),
            issue=ascii(text[:200])[1:-1],
        )
    repository = (found[1] or served).lower()
    if repository != served.lower():
        raise NotFound(
            T("The repository {repository} is not served here, only {served}.", repository=repository, served=served),
            repository=repository, served=[served],
        )  # fmt: skip
    return Reference(repository, int(found[2]))


async def log(ctx: Context, reference: Reference, *, levels: Sequence[str], limit: int) -> Sequence[RequestLogLine]:
    """Return an issue's log as a story, the oldest first; of a long one the newest `limit` lines.

    Of an issue that is no request yet it is what a look at it shows, of which nothing is stored. Raises `NotFound` when
    GitHub does not have it either, `Upstream` when GitHub cannot be asked.
    """
    asked = await requests.of_issue(ctx, reference.repository, reference.number)
    if asked is not None:
        return await requests.log(ctx, asked, levels=levels, limit=limit)
    refused: list[dict[str, Any]] = ctx.memo.get(("refused", reference)) or []
    try:
        issue, now = await _glance(ctx, reference), ctx.clock.now()
    except (Upstream, Unavailable):
        if not refused:
            raise
        lines = refused  # that GitHub refuses is what there is to tell
    else:
        story = [*read(reference, issue).lines[:-1], _untouched(reference)]
        lines = [*refused, *(line.row(now) for line in story)]
    shown = [RequestLogLine(request_id="", **line) for line in lines if line["level"] in levels]
    return shown[-limit:]


async def reprocess(ctx: Context, reference: Reference, *, actor: Actor) -> Outcome:
    """Read an issue from GitHub, and begin what it asks for, or begin it again.

    Whoever may do this stands for what the issue says now. It is waited for until the request was looked at, so that
    what it lacks is in the answer. Raises `NotFound`, `Upstream`, `NotConfigured`, or `Unavailable` at GitHub's rate
    limit.
    """
    actor.require("integrations.write")
    try:
        issue = await _fetch(ctx, reference)
    except CcbError as error:
        await _note(ctx, reference, error)
        raise
    ctx.memo.drop(("issue", reference))
    ctx.memo.drop(("refused", reference))
    reading = read(reference, issue)
    asked = await requests.of_issue(ctx, reference.repository, reference.number)
    if asked is None and not reading.labelled:
        return Outcome(reference, None, reading)
    own = requests.Issue(reference.repository, reference.number, reading.body)
    if asked is None:
        asked = await requests.open_request(ctx, reading.fields, actor=actor, origin="issue", issue=own, approved=True)
    else:
        await _again(ctx, asked, reading, own, actor=actor)
    return Outcome(reference, await _looked_at(ctx, asked), reading)


async def _note(ctx: Context, reference: Reference, error: CcbError) -> None:
    """Keep in the issue's log why it could not be read; of one that is no request, for as long as the engine runs."""
    line = Line("fetch", error.message, "error", error.details).row(ctx.clock.now())
    asked = await requests.of_issue(ctx, reference.repository, reference.number)
    if asked is not None:
        await ctx.db.write(rows.note, asked.id, line)
        return
    before: list[dict[str, Any]] = ctx.memo.get(("refused", reference)) or []
    ctx.memo.put(("refused", reference), [*before, line][-REFUSALS_KEPT:], seconds=REFUSED_SECONDS)


async def _again(ctx: Context, asked: Asked, reading: Reading, own: requests.Issue, *, actor: Actor) -> None:
    """Take an edit up, let through what waits for it, begin again what has failed; what is under way goes on."""
    if own.body_hash != asked.row.body_hash:
        if asked.row.status != "installed":
            await requests.edited(ctx, asked, reading.fields, own, actor=actor, approved=True)
    elif requests.waits_for_approval(asked):
        await requests.approve(ctx, asked, actor=actor)
    elif asked.row.status == "failed":
        await requests.retry(ctx, asked, actor=actor)


async def _looked_at(ctx: Context, asked: Asked) -> Asked:
    """Return the request once its first stage is over, or as it is after a few seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        asked = await requests.find(ctx, asked.id)
        if asked.row.stage != "check" or time.monotonic() >= deadline:
            return asked
        await asyncio.sleep(LOOK_SECONDS)


def read(reference: Reference, issue: Mapping[str, Any]) -> Reading:
    """Return what GitHub says of an issue. Pure."""
    labels = [_shown(one.get("name") if isinstance(one, dict) else one) for one in issue.get("labels") or []]
    labelled = LABEL in {label.lower() for label in labels}
    body = str(issue.get("body") or "")
    found = template.parse(body)
    lines = [_fetched(issue), _label_line(reference, labels, present=labelled), *_template_lines(found)]
    if issue.get("state") == "closed":
        closed = T("The issue is closed. Open it again if the integration is still wanted.")
        lines.insert(1, Line("fetch", closed, "warning"))
    details: dict[str, Any] | None = None
    if found.missing:
        details = {"error": INSUFFICIENT, "missing_fields": [field.name for field in found.missing]}
    if not labelled:
        details = {**(details or {"error": "Label missing"}), "missing_label": LABEL}
    lines.append(_last(reference, found, labelled=labelled))
    return Reading(_shown(issue.get("title")), body, labelled, found.fields, lines, details)


def _fetched(issue: Mapping[str, Any]) -> Line:
    title, author, state = _shown(issue.get("title")), _author(issue), _shown(issue.get("state"))
    message = T("“{title}” by {author} was read from GitHub; it is {state}.", title=title, author=author, state=state)
    return Line("fetch", message, "info", {"title": title, "author": author, "state": state})


def _label_line(reference: Reference, labels: Sequence[str], *, present: bool) -> Line:
    if present:
        return Line("label", T("It has the label {label}.", label=LABEL), "info", {"labels": labels})
    message = T(
        "The label {label} is missing, so the issue counts as no request. Add it: {command}",
        label=LABEL,
        command=f"gh issue edit {reference.number} --repo {reference.repository} --add-label {LABEL}",
    )
    return Line("label", message, "error", {"labels": labels})


def _template_lines(found: template.Request) -> list[Line]:
    if found.recognised:
        names = ", ".join(found.fields) or "-"
        first = Line("template", T("Read from the template: {names}.", names=names), "info", dict(found.fields))
    else:
        message = T(
            "The text does not follow the template of a request. Begin with: ## 🔌 Integration request, and then lines "
            "such as **Service name:** Sentry."
        )
        first = Line("template", message, "error")
    return [first, *(_missing_line(field) for field in found.missing)]


def _missing_line(field: template.Field) -> Line:
    message = T(
        "“{title}” ({name}) is missing. For example: **{title}:** {example}",
        title=field.title,
        name=field.name,
        example=field.example,
    )
    return Line("template", message, "error", {"field": field.name})


def _last(reference: Reference, found: template.Request, *, labelled: bool) -> Line:
    if found.missing:
        names = ", ".join(field.name for field in found.missing)
        message = TN(
            "The request lacks {count} field: {names}. Edit the issue, then {again}.",
            "The request lacks {count} fields: {names}. Edit the issue, then {again}.",
            len(found.missing), names=names, again=reference.again,
        )  # fmt: skip
        return Line("done", message, "error", {"missing_fields": [field.name for field in found.missing]})
    if not labelled:
        message = T("The request is complete but for the label {label}. Add it, then {again}.", label=LABEL,
                    again=reference.again)  # fmt: skip
        return Line("done", message, "error")
    return Line("done", T("The request is complete."))


def _untouched(reference: Reference) -> Line:
    message = T("Nothing has been done with it here yet. Take it up: {again}", again=reference.again)
    return Line("done", message, "warning")


async def _glance(ctx: Context, reference: Reference) -> Mapping[str, Any]:
    """Return an issue as GitHub has it, of the last half minute: a log may be read often."""
    kept: Mapping[str, Any] | None = ctx.memo.get(("issue", reference))
    if kept is None:
        kept = await _fetch(ctx, reference)
        ctx.memo.put(("issue", reference), kept, seconds=GLANCE_SECONDS)
    return kept


async def _fetch(ctx: Context, reference: Reference) -> Mapping[str, Any]:
    """Return an issue as GitHub has it; raise `NotFound`, `Unavailable` at a limit, `Upstream`, `NotConfigured`."""
    try:
        issue = await ctx.github.request("GET", reference.path)
    except Upstream as error:
        if error.details.get("status") in (404, 410) and "missing_scopes" not in error.details:
            raise NotFound(
                T("GitHub has no issue {issue}: the number is wrong, or GITHUB_TOKEN may not see the repository.",
                  issue=str(reference)),
                issue=str(reference),
            ) from None  # fmt: skip
        if error.retry_after is not None:
            raise Unavailable(
                error.message, retry_after=error.retry_after, error="Rate limit exceeded", issue=str(reference)
            ) from None
        raise
    if not isinstance(issue, dict):
        raise Upstream(T("GitHub's answer about {issue} cannot be read.", issue=str(reference)))
    if "pull_request" in issue:
        raise NotFound(T("{issue} is a pull request, not an issue.", issue=str(reference)), issue=str(reference))
    return issue


def _author(issue: Mapping[str, Any]) -> str:
    user = issue.get("user")
    return _shown(user.get("login")) if isinstance(user, dict) else "ghost"  # what GitHub calls who has left


def _shown(value: Any) -> str:
    """Return a stranger's text on one line, without what nobody sees, and not too long."""
    text = " ".join(template.cleaned(str(value or "")).split())
    return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"
