"""A repository made ready for integration requests: labels, issue forms, our webhook. It can be run again."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core import audit
from core.actors import Actor
from core.context import Context
from core.errors import CcbError, Conflict, Invalid, NotConfigured, Upstream
from core.github import asking, branches, labels, pulls
from core.github.hooks import ensure_hook
from core.texts import T, Text
from storage import audit as audit_rows

HOOK_PATH = "/webhooks/github"
EVENTS = ("issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment", "push")
"""What the bot's own webhook hears."""
FORMS = ".github/ISSUE_TEMPLATE"
_FORMS_BRANCH = "ccb-setup"
_FORMS_MESSAGE = "Add the forms for integration requests"
FORM = r"^[A-Za-z0-9-]{1,39}/\.?[A-Za-z0-9_-][A-Za-z0-9._-]{0,98}$"
"""owner/repo."""
_REPOSITORY = re.compile(FORM.strip("^$"))

Outcome = Literal["done", "there", "failed"]


@dataclass(frozen=True)
class Step:
    """One part of it: its name for programs and for people, how it ended, and that in words."""

    name: str
    title: Text
    outcome: Outcome
    detail: Text


async def setup(ctx: Context, *, repository: str | None = None, actor: Actor) -> tuple[str, list[Step]]:
    """Set up `repository` (owner/repo; else the settings' own); return its name and each step.

    A step that fails says why and keeps none of the others from being done. Raises `Conflict` where no repository is
    named, `Invalid` for what is none, `NotConfigured` without a token.
    """
    name = repository or ctx.settings.github_repository
    which = T("Which repository? Name it as owner/repo, or set {setting}.", setting="GITHUB_REPOSITORY")
    if name is None:
        raise Conflict(which, error="Not configured", settings=["GITHUB_REPOSITORY"])
    if not _REPOSITORY.fullmatch(name):
        raise Invalid(which, path="repository")
    steps = [
        await _step(f"label {label}", T("label {name}", name=label), _label(ctx, name, label)) for label in labels.OWN
    ]
    steps.append(await _step("issue forms", T("issue forms"), _forms(ctx, name)))
    steps.append(await _step("webhook", T("webhook"), _hook(ctx, name)))
    if any(step.outcome == "done" for step in steps):
        after = {step.name: step.outcome for step in steps}
        entry = audit.entry(ctx, actor, "github.set_up", subject=name, after=after)
        await ctx.db.write(audit_rows.add, entry)
    return name, steps


def forms() -> dict[str, str]:
    """Return the issue forms by the names of their files."""
    found = sorted((Path(__file__).parent / "forms").glob("*.yml"))
    return {path.name: path.read_text(encoding="utf-8") for path in found}


async def _step(name: str, title: Text, work: Coroutine[Any, Any, tuple[Outcome, Text]]) -> Step:
    try:
        return Step(name, title, *await work)
    except NotConfigured:
        raise
    except CcbError as error:
        return Step(name, title, "failed", error.message)


async def _label(ctx: Context, repository: str, name: str) -> tuple[Outcome, Text]:
    made = await labels.ensure_own(ctx.github, repository, name)
    return ("done", T("The label is made.")) if made else ("there", T("The label is there."))


async def _forms(ctx: Context, repository: str) -> tuple[Outcome, Text]:
    base = await branches.default(ctx.github, repository)
    before = await branches.head(ctx.github, repository, base)
    try:
        after = await _committed(ctx, repository, branch=base, base=base)
    except Upstream as error:
        if not asking.refused(error):
            raise
        # The branch changes through pull requests alone.
        await _committed(ctx, repository, branch=_FORMS_BRANCH, base=base, afresh=True)
        pull = await pulls.ensure(
            ctx.github, repository, branch=_FORMS_BRANCH, base=base, title=_FORMS_MESSAGE, body=""
        )
        return "done", T("{branch} is protected: merge {url} to have the forms.", branch=base, url=pull.url)
    if after == before:
        return "there", T("The forms are on {branch}.", branch=base)
    return "done", T("The forms are committed to {branch}, as {sha}.", branch=base, sha=after[:12])


async def _committed(ctx: Context, repository: str, *, branch: str, base: str, afresh: bool = False) -> str:
    return await branches.commit(
        ctx.github, repository, branch=branch, base=base, folder=FORMS, files=forms(), message=_FORMS_MESSAGE,
        only_add=True, afresh=afresh,
    )  # fmt: skip


async def _hook(ctx: Context, repository: str) -> tuple[Outcome, Text]:
    secret = ctx.settings.github_webhook_secret
    missing = [
        name
        for name, value in (("CCB_PUBLIC_URL", ctx.settings.public_url), ("GITHUB_WEBHOOK_SECRET", secret))
        if not value
    ]
    if secret is None or missing:
        return "failed", T(
            "{settings} must be set first: where GitHub delivers to, and what it signs with.",
            settings=", ".join(missing),
        )
    url = ctx.settings.base_url + HOOK_PATH
    did = await ensure_hook(ctx.github, repository, url=url, secret=secret.get_secret_value(), events=EVENTS)
    match did:
        case "made":
            return "done", T("The webhook to {url} is made.", url=url)
        case "changed":
            return "done", T("The webhook to {url} is put right.", url=url)
        case _:
            return "there", T("The webhook to {url} is there; its secret is set again.", url=url)
