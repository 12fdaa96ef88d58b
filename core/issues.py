"""Integration requests that are GitHub issues: what was done with each, and its first steps done again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from core import audit
from core.actors import Actor
from core.context import Context
from core.errors import Conflict, NotConfigured, NotFound, Unavailable, Upstream
from core.generation import template
from core.texts import TN, T, Text
from storage import issues as rows
from storage.issues import IssueLogLine

LABEL = "integration-request"
"""The label of issues that ask for an integration."""
LARGEST = 2**31 - 1
LONGEST_TITLE = 200
GLANCE_SECONDS = 30.0
"""How long what GitHub said of an issue that nothing was done with is good for."""
INSUFFICIENT = "Insufficient integration requirements"
_REFERENCE = re.compile(r"(?:([A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100})#)?([1-9][0-9]{0,9})", re.ASCII)

Level = Literal["info", "warning", "error"]


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
class Line:
    """One line of an issue's log that is about to be written."""

    level: Level
    step: str
    message: Text
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """Where an issue stands after its first steps."""

    reference: Reference
    status: Literal["requested", "failed"]
    title: str
    fields: Mapping[str, str]
    missing: Sequence[template.Field]
    error_details: Mapping[str, Any] | None
    lines: Sequence[Line]

    @property
    def message(self) -> Text:
        """What is to be done now."""
        return self.lines[-1].message


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


async def log(ctx: Context, reference: Reference, *, levels: Sequence[str], limit: int) -> Sequence[IssueLogLine]:
    """Return an issue's log as a story, the oldest first; of a long one the newest `limit` lines.

    An issue that nothing was done with gets one line that is not stored and says so. Raises `NotFound` when GitHub
    does not have it either, `Upstream` when GitHub cannot be asked.
    """
    key = (reference.repository, reference.number)
    if await ctx.db.read(rows.has_lines, *key):
        return await ctx.db.read(rows.newest_lines, *key, levels=levels, limit=limit)
    issue = await _glance(ctx, reference)
    told = _untouched(reference, issue)
    line = IssueLogLine(
        repository=reference.repository,
        number=reference.number,
        at=ctx.clock.now(),
        level=told.level,
        step=told.step,
        message=told.message.dump(),
        fields=orjson.dumps(told.fields).decode(),
    )
    return [line] if line.level in levels else []


async def reprocess(ctx: Context, reference: Reference, *, actor: Actor) -> Outcome:
    """Read an issue from GitHub and take its first steps, each of which is a line in its log.

    Raises `NotFound`, `Upstream`, `NotConfigured`, or `Unavailable` at GitHub's rate limit; what went wrong is in the
    log of an issue that is known.
    """
    actor.require("integrations.write")
    try:
        issue = await _fetch(ctx, reference)
    except (NotFound, NotConfigured, Upstream, Unavailable) as error:
        known = await ctx.db.read(rows.has_lines, reference.repository, reference.number)
        if known or not isinstance(error, NotFound):
            line = Line("error", "fetch", error.message, {"error": error.error})
            await ctx.db.write(rows.append, reference.repository, reference.number, _stored(ctx, [line]))
        raise
    outcome = examine(reference, issue)
    before = await ctx.db.read(rows.find, reference.repository, reference.number)
    row = {
        "repository": reference.repository,
        "number": reference.number,
        "title": outcome.title,
        "status": outcome.status,
        "fields": orjson.dumps(outcome.fields).decode(),
        "error_details": orjson.dumps(outcome.error_details).decode() if outcome.error_details else None,
        "updated_at": ctx.clock.now(),
    }
    entry = audit.entry(
        ctx,
        actor,
        "issue.reprocessed",
        subject=str(reference),
        before={"status": before.status if before else None},
        after={"status": outcome.status},
    )
    await ctx.db.write(rows.store, row, _stored(ctx, outcome.lines), entries=[entry])
    ctx.memo.drop(("issue", reference))
    return outcome


def examine(reference: Reference, issue: Mapping[str, Any]) -> Outcome:
    """Return where an issue stands by what GitHub says of it. Pure."""
    labels = [_shown(one.get("name") if isinstance(one, dict) else one) for one in issue.get("labels") or []]
    labelled = LABEL in {label.lower() for label in labels}
    found = template.parse(issue.get("body") or "")
    lines = [_fetched(issue), _label_line(reference, labels, present=labelled), *_template_lines(found)]
    if issue.get("state") == "closed":
        closed = T("The issue is closed. Open it again if the integration is still wanted.")
        lines.insert(1, Line("warning", "fetch", closed, {}))
    details: dict[str, Any] | None = None
    if found.missing:
        details = {"error": INSUFFICIENT, "missing_fields": [field.name for field in found.missing]}
    if not labelled:
        details = {**(details or {"error": "Label missing"}), "missing_label": LABEL}
    lines.append(_last(reference, found, labelled=labelled))
    return Outcome(
        reference=reference,
        status="failed" if details else "requested",
        title=_shown(issue.get("title")),
        fields=found.fields,
        missing=found.missing,
        error_details=details,
        lines=lines,
    )


def _fetched(issue: Mapping[str, Any]) -> Line:
    title, author, state = _shown(issue.get("title")), _author(issue), _shown(issue.get("state"))
    message = T("“{title}” by {author} was read from GitHub; it is {state}.", title=title, author=author, state=state)
    return Line("info", "fetch", message, {"title": title, "author": author, "state": state})


def _label_line(reference: Reference, labels: Sequence[str], *, present: bool) -> Line:
    if present:
        return Line("info", "label", T("It has the label {label}.", label=LABEL), {"labels": labels})
    message = T(
        "The label {label} is missing, so the issue counts as no request. Add it: {command}",
        label=LABEL,
        command=f"gh issue edit {reference.number} --repo {reference.repository} --add-label {LABEL}",
    )
    return Line("error", "label", message, {"labels": labels})


def _template_lines(found: template.Request) -> list[Line]:
    if found.recognised:
        names = ", ".join(found.fields) or "-"
        first = Line("info", "template", T("Read from the template: {names}.", names=names), dict(found.fields))
    else:
        message = T(
            "The text does not follow the template of a request. Begin with: ## 🔌 Integration request, and then lines "
            "such as **Service name:** Sentry."
        )
        first = Line("error", "template", message, {})
    return [first, *(_missing_line(field) for field in found.missing)]


def _missing_line(field: template.Field) -> Line:
    message = T(
        "“{title}” ({name}) is missing. For example: **{title}:** {example}",
        title=field.title,
        name=field.name,
        example=field.example,
    )
    return Line("error", "template", message, {"field": field.name})


def _last(reference: Reference, found: template.Request, *, labelled: bool) -> Line:
    if found.missing:
        names = ", ".join(field.name for field in found.missing)
        message = TN(
            "The request lacks {count} field: {names}. Edit the issue, then {again}.",
            "The request lacks {count} fields: {names}. Edit the issue, then {again}.",
            len(found.missing), names=names, again=reference.again,
        )  # fmt: skip
        return Line("error", "done", message, {"missing_fields": [field.name for field in found.missing]})
    if not labelled:
        message = T("The request is complete but for the label {label}. Add it, then {again}.", label=LABEL,
                    again=reference.again)  # fmt: skip
        return Line("error", "done", message, {})
    message = T(
        "The request is complete. This version does not write integrations by Claude yet: install one of the gallery "
        "or a package of your own (POST /v1/integrations)."
    )
    return Line("info", "done", message, {})


def _untouched(reference: Reference, issue: Mapping[str, Any]) -> Line:
    title, author = _shown(issue.get("title")), _author(issue)
    message = T(
        "“{title}” by {author} is on GitHub, and nothing has been done with it here yet. Take it up: {again}",
        title=title, author=author, again=reference.again,
    )  # fmt: skip
    return Line("warning", "fetch", message, {"title": title, "author": author, "state": _shown(issue.get("state"))})


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
        if error.details.get("status") in (404, 410):
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


def _stored(ctx: Context, lines: Sequence[Line]) -> list[dict[str, Any]]:
    now = ctx.clock.now()
    return [
        {
            "at": now,
            "level": line.level,
            "step": line.step,
            "message": line.message.dump(),
            "fields": orjson.dumps(dict(line.fields)).decode(),
        }
        for line in lines
    ]


def _author(issue: Mapping[str, Any]) -> str:
    user = issue.get("user")
    return _shown(user.get("login")) if isinstance(user, dict) else "ghost"  # what GitHub calls who has left


def _shown(value: Any) -> str:
    """Return a stranger's text on one line, without what nobody sees, and not too long."""
    text = " ".join(template.cleaned(str(value or "")).split())
    return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"
