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
from core.errors import Conflict, Invalid
from core.generation import template
from core.github import comments, people
from core.github.labels import REQUEST as LABEL
from core.requests import comment, reviews, service, updates
from core.requests.model import Asked
from core.requests.service import Issue
from core.texts import T, Text

CLOSED = "Issue closed"
NOTHING = T("nothing to do")
GHOST = "ghost"
"""What GitHub calls who has left."""

Payload = Mapping[str, Any]
Read = Callable[..., Awaitable[dict[str, str]]]
"""How the parts of what was said on a pull request are read (`core.requests.reviews`)."""


async def handle(ctx: Context, event_type: str, payload: Payload) -> Text:
    """Take up one event; return, in a few words, what was done.

    Raises `Upstream` when GitHub cannot be asked, `Invalid` for a payload that GitHub does not send.
    """
    name = event_type.partition(".")[0]
    handler = _HANDLERS.get(name)
    if handler is None or not isinstance(payload, dict) or "repository" not in payload:
        return NOTHING
    for path in ("repository.full_name", *_NEEDED[name]):
        _check(payload, path, event_type)
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
    author = str((payload["issue"].get("user") or {}).get("login") or GHOST)
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
    """Take the commands; what people say to each other beside them starts nothing."""
    if payload["action"] != "created" or not reviews.is_command(body := str(payload["comment"].get("body") or "")):
        return NOTHING
    of = service.of_pull if "pull_request" in payload["issue"] else service.of_issue
    found = await of(ctx, _repository(payload), payload["issue"]["number"])
    return await _command(ctx, found, body, payload) if found is not None else NOTHING


async def _command(ctx: Context, found: Asked, body: str, payload: Payload) -> Text:
    """Take one of the commands `/ccb approve`, `/ccb retry` and `/ccb stop`; answer one that does nothing."""
    sender, command = _sender(payload), "".join(body.split()[1:2])
    if not await people.may_write(ctx.github, _repository(payload), sender):
        return T("{name} may not write to {repository}", name=sender, repository=_repository(payload))
    try:
        match command:
            # On a pull request nobody sees what they approve.
            case "approve" if "issue" in payload and "pull_request" not in payload["issue"]:
                if not service.waits_for_approval(found):
                    return await _refuse(ctx, found, command, payload)
                await service.approve(ctx, found, actor=_actor(sender), body_hash=_issue(payload).body_hash)
            case "retry":
                await service.retry(ctx, found, actor=_actor(sender))
            case "stop":
                await service.stop(ctx, found, actor=_actor(sender))
            case _:
                return await _refuse(ctx, found, command, payload)
    except Conflict:  # in a state in which that has no meaning
        return await _refuse(ctx, found, command, payload)
    return T("{command} by {name}", command=command, name=sender)


async def _refuse(ctx: Context, found: Asked, command: str, payload: Payload) -> Text:
    """Answer a command that does nothing: in which state the request is, and what can be done. Once for each."""
    said: Payload = payload.get("comment") or payload["review"]
    number = int((payload.get("issue") or payload["pull_request"])["number"])
    await comments.upsert(
        ctx.github,
        _repository(payload),
        number,
        key=f"answer:{said['id']}",
        body=comment.refusal(found, command),
    )
    return T("{command} by {name} does nothing now", command=command, name=_sender(payload))


async def _review(ctx: Context, payload: Payload) -> Text:
    """Start another round for what a review of the pull request wishes."""
    if payload["action"] != "submitted":
        return NOTHING
    return await _said_on_pull(ctx, payload, payload["review"], reviews.parts)


async def _review_comment(ctx: Context, payload: Payload) -> Text:
    """Start another round for a remark on a line, unless its review has."""
    if payload["action"] != "created":
        return NOTHING
    return await _said_on_pull(ctx, payload, payload["comment"], reviews.parts_around)


async def _said_on_pull(ctx: Context, payload: Payload, said: Payload, read: Read) -> Text:
    found = await service.of_pull(ctx, _repository(payload), payload["pull_request"]["number"])
    if found is None:
        return NOTHING
    if reviews.is_command(body := str(said.get("body") or "")):
        return await _command(ctx, found, body, payload)
    return await _revise(ctx, found, payload, read, said)


async def _revise(ctx: Context, found: Asked, payload: Payload, read: Read, said: Payload) -> Text:
    repository, number, sender = _repository(payload), payload["pull_request"]["number"], _sender(payload)
    if found.row.pull_state != "open":
        return NOTHING
    if not await people.may_write(ctx.github, repository, sender):
        return T("{name} may not write to {repository}", name=sender, repository=repository)
    parts = await read(ctx.github, repository, number, said, author=sender)
    if not await service.revise(ctx, found, parts, actor=_actor(sender)):
        return NOTHING
    return T("another round for {name}", name=sender)


async def _pull_request(ctx: Context, payload: Payload) -> Text:
    pull, sender = payload["pull_request"], _sender(payload)
    found = await service.of_pull(ctx, _repository(payload), pull["number"])
    if found is None or payload["action"] not in ("closed", "reopened"):
        return NOTHING
    if payload["action"] == "reopened":
        await service.reopened(ctx, found, actor=_actor(sender))
        return T("reopened by {name}", name=sender)
    if pull.get("merged") and pull["base"]["ref"] != payload["repository"]["default_branch"]:
        return await _merged_elsewhere(ctx, found, payload)
    if pull.get("merged"):
        await service.merged(ctx, found, str(pull["merge_commit_sha"]), actor=_actor(sender))
        return T("merged by {name}", name=sender)
    reason = T("The pull request was closed unmerged by {name}.", name=sender)
    await _over(ctx, found, "Pull request closed", reason, sender)
    return reason


async def _merged_elsewhere(ctx: Context, found: Asked, payload: Payload) -> Text:
    """End a request whose pull request somebody pointed at another branch: only the default branch is what runs."""
    reason = T(
        "{name} merged the pull request into {branch}, not into the default branch {default}: nothing is installed.",
        name=_sender(payload), branch=payload["pull_request"]["base"]["ref"],
        default=payload["repository"]["default_branch"],
    )  # fmt: skip
    await _over(ctx, found, "Merged elsewhere", reason, _sender(payload))
    return reason


async def _over(ctx: Context, found: Asked, error: str, reason: Text, sender: str) -> None:
    await service.fail(
        ctx, found, error, reason, actor=_actor(sender), action="request.closed", pull_state="closed", holds=None
    )


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
        done = await updates.update(ctx, _repository(payload), slug, str(payload["after"]), by=_sender(payload))
        told.append(f"{slug}: {done}")
    return T("{told}", told="; ".join(told)) if told else NOTHING


def _check(payload: Payload, path: str, event_type: str) -> None:
    """Raise `Invalid` where a member is not there that every handler of the event counts on."""
    value: Any = payload
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        raise Invalid(
            T("The payload of {event} has no {member}, so it is none of GitHub's.", event=event_type, member=path),
            path=path,
        )


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
    "pull_request_review_comment": _review_comment,
    "pull_request": _pull_request,
    "push": _push,
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "issues": ("action", "issue.number"),
    "issue_comment": ("action", "issue.number", "comment"),
    "pull_request_review": ("action", "pull_request.number", "review.id", "review.state"),
    "pull_request_review_comment": ("action", "pull_request.number", "comment.id"),
    "pull_request": ("action", "pull_request.number", "pull_request.base.ref"),
    "push": ("after",),
}
"""The members of each event's payload that are counted on."""
