"""What happens on GitHub, taken for requests: issues, comments, reviews, merges, pushes.

Nobody is believed for what a payload says of their rights: GitHub's API is asked who may write. What the bot itself did
is not answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from core.actors import Actor
from core.context import Context
from core.errors import CcbError, Conflict
from core.generation import template
from core.github import people
from core.requests import service, updates
from core.requests.model import Asked
from core.requests.service import Issue
from core.texts import T, Text

LABEL = "integration-request"
COMMAND = "/ccb"
CLOSED = "Issue closed"
NOTHING = T("nothing to do")

Payload = Mapping[str, Any]


async def handle(ctx: Context, event_type: str, payload: Payload) -> Text:
    """Take up one event; return, in a few words, what was done. Raises `Upstream` when GitHub cannot be asked."""
    name = event_type.partition(".")[0]
    handler = _HANDLERS.get(name)
    if handler is None or not isinstance(payload, dict) or "repository" not in payload:
        return NOTHING
    if _sender(payload) == await ctx.github.login():
        return NOTHING
    return await handler(ctx, payload)


async def _issues(ctx: Context, payload: Payload) -> Text:
    issue, action, sender = payload["issue"], payload["action"], _sender(payload)
    if "pull_request" in issue:
        return NOTHING
    found = await service.of_issue(ctx, _repository(payload), issue["number"])
    if action == "closed":
        return await _closed(ctx, found, sender)
    labelled = LABEL in {label["name"] for label in issue.get("labels", [])}
    if issue.get("state") == "closed":
        return NOTHING
    if found is None:
        if action not in ("opened", "labeled", "edited", "reopened") or not labelled:
            return NOTHING
        return await _open(ctx, payload)
    if action == "edited" and "body" in payload.get("changes", {}):
        return await _edited(ctx, found, payload)
    if action == "reopened":
        return await _reopened(ctx, found, payload)
    if action == "labeled" and payload.get("label", {}).get("name") == LABEL:
        return await _approve(ctx, found, payload)
    return NOTHING


async def _open(ctx: Context, payload: Payload) -> Text:
    sender = _sender(payload)
    approved = await people.may_write(ctx.github, _repository(payload), sender)
    author = str(payload["issue"]["user"]["login"])
    fields = template.parse(payload["issue"].get("body") or "").fields
    asked = await service.open_request(
        ctx, fields, actor=_actor(author), origin="issue", issue=_issue(payload), approved=approved
    )
    if approved:  # the same issue's events are worked on at once: one of somebody else's may have been faster
        await service.approve(ctx, asked, actor=_actor(sender), body_hash=_issue(payload).body_hash)
    return T("request {id}", id=asked.id)


async def _edited(ctx: Context, found: Asked, payload: Payload) -> Text:
    issue, sender = _issue(payload), _sender(payload)
    now = await ctx.github.request("GET", f"/repos/{issue.repository}/issues/{issue.number}")
    if replace(issue, body=now.get("body") or "").body_hash != issue.body_hash:
        return T("edited again since")  # events are worked on in any order
    approved = await people.may_write(ctx.github, _repository(payload), sender)
    fields = template.parse(payload["issue"].get("body") or "").fields
    await service.edited(ctx, found, fields, issue, actor=_actor(sender), approved=approved)
    return T("taken up again")


async def _reopened(ctx: Context, found: Asked, payload: Payload) -> Text:
    """Begin again what was stopped by closing the issue; it may have been edited meanwhile."""
    if (found.error_details or {}).get("error") != CLOSED:
        return NOTHING
    if _issue(payload).body_hash != found.row.body_hash:
        return await _edited(ctx, found, payload)
    sender = _sender(payload)
    if not await people.may_write(ctx.github, _repository(payload), sender):
        return T("{name} may not write to {repository}", name=sender, repository=_repository(payload))
    await service.retry(ctx, found, actor=_actor(sender))
    return T("reopened by {name}", name=sender)


async def _closed(ctx: Context, found: Asked | None, sender: str) -> Text:
    if found is None or found.row.status not in ("requested", "generating"):
        return NOTHING
    reason = T("The issue was closed by {name}.", name=sender)
    await service.fail(ctx, found, CLOSED, reason, actor=_actor(sender), action="request.stopped")
    return reason


async def _approve(ctx: Context, found: Asked, payload: Payload) -> Text:
    sender = _sender(payload)
    if not await people.may_write(ctx.github, _repository(payload), sender):
        return T("{name} may not write to {repository}", name=sender, repository=_repository(payload))
    await service.approve(ctx, found, actor=_actor(sender), body_hash=_issue(payload).body_hash)
    return T("approved by {name}", name=sender)


async def _issue_comment(ctx: Context, payload: Payload) -> Text:
    """Take the commands `/ccb approve`, `/ccb retry` and `/ccb stop`."""
    words = str(payload["comment"].get("body") or "").split()
    if payload["action"] != "created" or len(words) < 2 or words[0] != COMMAND:
        return NOTHING
    number = payload["issue"]["number"]
    of = service.of_pull if "pull_request" in payload["issue"] else service.of_issue
    found, sender = await of(ctx, _repository(payload), number), _sender(payload)
    if found is None:
        return NOTHING
    if not await people.may_write(ctx.github, _repository(payload), sender):
        return T("{name} may not write to {repository}", name=sender, repository=_repository(payload))
    try:
        match words[1]:
            case "approve" if "pull_request" not in payload["issue"]:  # there nobody sees what they approve
                await service.approve(ctx, found, actor=_actor(sender), body_hash=_issue(payload).body_hash)
            case "retry":
                await service.retry(ctx, found, actor=_actor(sender))
            case "stop":
                await service.stop(ctx, found, actor=_actor(sender))
            case _:
                return NOTHING
    except Conflict as error:  # in a state in which that has no meaning: the comment on the issue says which
        return error.message
    return T("{command} by {name}", command=words[1], name=sender)


async def _review(ctx: Context, payload: Payload) -> Text:
    """Start another round for what a review of the pull request wishes."""
    review = payload["review"]
    if payload["action"] != "submitted" or review["state"].lower() == "approved":
        return NOTHING
    repository, number, sender = _repository(payload), payload["pull_request"]["number"], _sender(payload)
    found = await service.of_pull(ctx, repository, number)
    if found is None or found.row.pull_state != "open":
        return NOTHING
    if not await people.may_write(ctx.github, repository, sender):
        return T("{name} may not write to {repository}", name=sender, repository=repository)
    path = f"/repos/{repository}/pulls/{number}/reviews/{review['id']}/comments?per_page=100"
    remarks = await ctx.github.request("GET", path)
    wish = "\n\n".join(part for part in [review.get("body") or "", *map(_remark, remarks)] if part.strip())
    if not wish.strip():
        return NOTHING
    await service.revise(ctx, found, wish, actor=_actor(sender))
    return T("another round for {name}", name=sender)


async def _pull_request(ctx: Context, payload: Payload) -> Text:
    pull, sender = payload["pull_request"], _sender(payload)
    found = await service.of_pull(ctx, _repository(payload), pull["number"])
    if found is None or payload["action"] not in ("closed", "reopened"):
        return NOTHING
    if payload["action"] == "reopened":
        await service.reopened(ctx, found, actor=_actor(sender))
        return T("reopened by {name}", name=sender)
    if pull.get("merged"):
        await service.merged(ctx, found, str(pull["merge_commit_sha"]), actor=_actor(sender))
        return T("merged by {name}", name=sender)
    reason = T("The pull request was closed unmerged by {name}.", name=sender)
    await service.fail(
        ctx, found, "Pull request closed", reason, actor=_actor(sender), action="request.closed", pull_state="closed"
    )
    return reason


async def _push(ctx: Context, payload: Payload) -> Text:
    """Bring what runs up to date with the default branch."""
    if payload.get("ref") != f"refs/heads/{payload['repository'].get('default_branch')}" or payload.get("deleted"):
        return NOTHING
    paths = {
        path
        for commit in payload.get("commits", [])
        for kind in ("added", "modified", "removed")
        for path in commit.get(kind, [])
    }
    told: list[str] = []
    for slug in sorted(updates.slugs_in(paths)):
        try:
            done = await updates.update(ctx, _repository(payload), slug, str(payload["after"]), by=_sender(payload))
        except CcbError as error:
            if not updates.is_final(error):
                raise
            done = error.message
        told.append(f"{slug}: {done}")
    return T("{told}", told="; ".join(told)) if told else NOTHING


def _remark(remark: Mapping[str, Any]) -> str:
    return f"{remark.get('path', '')}:{remark.get('line') or ''}\n{remark.get('body', '')}"


def _issue(payload: Payload) -> Issue:
    issue = payload["issue"]
    return Issue(_repository(payload), int(issue["number"]), issue.get("body") or "")


def _repository(payload: Payload) -> str:
    return str(payload["repository"]["full_name"]).lower()


def _sender(payload: Payload) -> str:
    return str((payload.get("sender") or {}).get("login", ""))


def _actor(login: str) -> Actor:
    """Return somebody on GitHub: may ask for an integration; what costs money is asked of `people.may_write` before."""
    return Actor("github", login, login, frozenset({"integrations.write"}))


_HANDLERS: Mapping[str, Callable[[Context, Payload], Awaitable[Text]]] = {
    "issues": _issues,
    "issue_comment": _issue_comment,
    "pull_request_review": _review,
    "pull_request": _pull_request,
    "push": _push,
}
