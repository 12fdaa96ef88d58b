"""What people do with requests: ask, look, approve, begin again, stop. Every door calls these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy.exc import IntegrityError

from core import audit
from core.actors import Actor
from core.context import Context
from core.errors import Conflict, NotFound
from core.generation.template import cleaned
from core.ids import new_id
from core.requests import budgets, resuming
from core.requests import fields as template
from core.requests.model import Asked, Line, Stage, parsed
from core.texts import T, Text
from storage import request_messages
from storage import requests as rows
from storage.requests import RequestLogLine, Round


@dataclass(frozen=True)
class Follow:
    """Where in Slack a message follows a request, who asked there, and their language; ids are Slack's."""

    asker: str
    channel: str
    thread: str | None
    language: str

    def row(self, request_id: str) -> dict[str, Any]:
        """Return the message as it is stored."""
        return {"request_id": request_id, **asdict(self)}


@dataclass(frozen=True)
class Followed:
    """Who asked for a request in Slack, and the `ts` of the message that follows it."""

    asker: str
    ts: str


@dataclass(frozen=True)
class Issue:
    """The GitHub issue that a request is. `repository`: owner/repo in lower case."""

    repository: str
    number: int
    body: str

    @property
    def body_hash(self) -> str:
        """What an approval is bound to: the text as it is read, so that nothing can be slipped in unseen."""
        return hashlib.sha256(cleaned(self.body).encode("utf-8", "surrogatepass")).hexdigest()


async def open_request(
    ctx: Context,
    fields: Mapping[str, str],
    *,
    actor: Actor,
    origin: str,
    issue: Issue | None = None,
    approved: bool = False,
    title: str | None = None,
    follow: Follow | None = None,
) -> Asked:
    """Take a request up; return it. What is missing shows in its `error_details` as soon as it was looked at.

    `approved`: somebody with write access stands for the body as it is now (only asked of an `issue`). `follow`: where
    in Slack a message is to follow it. Raises `Invalid` for a field that is unknown or too long.
    """
    actor.require("integrations.write")
    given = template.known(fields)
    now, request_id = ctx.clock.now(), new_id("int")
    row: dict[str, Any] = {
        "id": request_id,
        "slug": template.slug_of(given, request_id[-6:].lower()),
        "title": (title or template.title_of(given))[:80],
        "language": template.language_of(given, issue.body if issue else ""),
        "origin": origin,
        "asked_by": actor.name,
        "fields": orjson.dumps(given).decode(),
        "status": "requested",
        "stage": "check",
        "run_at": now,
        "created_at": now,
        "updated_at": now,
        "tell_at": now if issue else None,
    }
    if issue is not None:
        row |= {"repository": issue.repository, "issue": issue.number, "body_hash": issue.body_hash}
        row |= {"approved_hash": issue.body_hash, "approved_by": actor.name} if approved else {}
    entry = audit.entry(ctx, actor, "request.opened", integration_id=request_id, after={"title": row["title"]})
    try:
        message = follow.row(request_id) if follow is not None else None
        await ctx.db.write(rows.add, row, entry, message=message)
    except IntegrityError:  # another event of the same issue was faster
        assert issue is not None
        found = await of_issue(ctx, issue.repository, issue.number)
        assert found is not None
        return found
    return await find(ctx, request_id)


async def find(ctx: Context, reference: str) -> Asked:
    """Return the request with this id or slug; raise `NotFound`."""
    row = await ctx.db.read(rows.find, reference) if reference.isprintable() else None
    if row is None:
        raise NotFound(T("There is no request {reference}.", reference=ascii(reference)[1:-1]), request=reference)
    return parsed(row)


async def of_issue(ctx: Context, repository: str, number: int) -> Asked | None:
    """Return the request that a GitHub issue is."""
    row = await ctx.db.read(rows.of_issue, repository.lower(), number)
    return parsed(row) if row else None


async def of_pull(ctx: Context, repository: str, number: int) -> Asked | None:
    """Return the request whose pull request this is."""
    row = await ctx.db.read(rows.of_pull, repository.lower(), number)
    return parsed(row) if row else None


async def unfinished(ctx: Context) -> Sequence[Asked]:
    """Return the requests of which no integration has come yet, oldest first."""
    return [parsed(row) for row in await ctx.db.read(rows.unfinished)]


async def newest(ctx: Context, *, status: str | None = None, limit: int = 100) -> Sequence[Asked]:
    """Return requests, the newest first."""
    return [parsed(row) for row in await ctx.db.read(rows.newest, status=status, limit=limit)]


async def log(ctx: Context, asked: Asked, *, levels: Sequence[str] = (), limit: int = 500) -> Sequence[RequestLogLine]:
    """Return the newest lines of a request's log, oldest first."""
    return await ctx.db.read(rows.log, asked.id, levels=levels, limit=limit)


async def rounds(ctx: Context, asked: Asked) -> Sequence[Round]:
    """Return every round that Claude wrote."""
    return await ctx.db.read(rows.rounds, asked.id)


async def spending(ctx: Context, asked: Asked) -> Mapping[str, Any]:
    """Return what was spent, against each budget, in USD, and how much of the request's own is an estimate."""
    own, person, month = await budgets.of(ctx, asked)
    return {
        "spent_usd": round(own.spent, 4),
        "limit_usd": own.limit,
        "estimated_usd": round(await budgets.estimated(ctx, asked), 4),
        "person": {"spent_usd": round(person.spent, 4), "limit_usd": person.limit},
        "month": {"spent_usd": round(month.spent, 4), "limit_usd": month.limit},
    }


async def approve(ctx: Context, asked: Asked, *, actor: Actor, body_hash: str | None = None) -> None:
    """Let a request's body through: from here on it may cost money.

    `body_hash`: of the body that `actor` saw, where it may have been edited since; else it is that which is known.
    """
    actor.require("integrations.write")
    if asked.row.approved_hash == asked.row.body_hash or _is_done(asked):
        return
    values = {"approved_hash": body_hash or asked.row.body_hash, "approved_by": actor.name}
    told = T("Approved by {name}.", name=actor.name)
    await _move(ctx, asked, values, stage="check", told=told, actor=actor, action="request.approved")


async def let_through(ctx: Context, asked: Asked, *, actor: Actor) -> Asked:
    """Approve a request that waits for it; raise `Conflict` for one that does not."""
    actor.require("integrations.write")
    if not waits_for_approval(asked):
        raise _wrong_state(asked, T("It does not wait for an approval."))
    await approve(ctx, asked, actor=actor)
    return await find(ctx, asked.id)


def waits_for_approval(asked: Asked) -> bool:
    """Say whether nobody with write access stands for what the request's issue says now."""
    row = asked.row
    open_still = row.status in ("requested", "failed")
    return row.issue is not None and open_still and row.approved_hash != row.body_hash


async def edited(
    ctx: Context, asked: Asked, fields: Mapping[str, str], issue: Issue, *, actor: Actor, approved: bool
) -> None:
    """Take up what a request's issue says now; an edit by somebody without write access needs its approval again."""
    if issue.body_hash == asked.row.body_hash or _is_done(asked):
        return
    values = {**_rewritten(asked, template.known(fields), issue.body), "body_hash": issue.body_hash}
    if approved:
        values |= {"approved_hash": issue.body_hash, "approved_by": actor.name}
    told = T("The request was edited by {name}.", name=actor.name)
    await _move(ctx, asked, values, stage="check", told=told, actor=actor, action="request.edited")


async def change(ctx: Context, asked: Asked, fields: Mapping[str, str], *, actor: Actor) -> Asked:
    """Change fields of a request that is no issue (an empty one is taken away), and look at it anew.

    Until its pull request is merged: an open one gets another version. Raises `Invalid` as `open_request` does,
    `Conflict` where the issue is to be edited or the package is merged.
    """
    actor.require("integrations.write")
    changes = dict.fromkeys(fields, "") | template.known(fields)
    while True:
        if asked.row.issue is not None:
            issue = f"{asked.row.repository}#{asked.row.issue}"
            raise _wrong_state(asked, T("It is the issue {issue}: edit that.", issue=issue))
        if _is_done(asked):
            raise _wrong_state(asked, T("Its pull request is merged: ask for a change with another request."))
        given = {name: text for name, text in {**asked.fields, **changes}.items() if text}
        if given == asked.fields:
            return asked
        told = T("The request was edited by {name}.", name=actor.name)
        values, same = _rewritten(asked, given), {"version": asked.row.version, "pull_state": asked.row.pull_state}
        if await _move(
            ctx, asked, values, stage="check", told=told, actor=actor, action="request.edited", expects=same
        ):
            return await find(ctx, asked.id)
        asked = await find(ctx, asked.id)


async def retry(ctx: Context, asked: Asked, *, actor: Actor) -> Asked:
    """Begin a request again that failed or was stopped, where that was; raise `Conflict` for one under way or done.

    What Claude has written and nothing was wrong with is not asked for again.
    """
    actor.require("integrations.write")
    if asked.row.status != "failed":
        raise _wrong_state(asked, T("Only a request that failed or was stopped is begun again."))
    stage = await resuming.stage(ctx, asked)
    values = {"version": asked.row.version + 1} if stage == "check" else {"status": resuming.AT[stage]}
    told = T("Begun again by {name}.", name=actor.name)
    await _move(ctx, asked, values, stage=stage, told=told, actor=actor, action="request.retried")
    return await find(ctx, asked.id)


async def stop(ctx: Context, asked: Asked, *, actor: Actor) -> Asked:
    """Stop a request; what it has done stays. Raises `Conflict` when there is nothing to stop."""
    actor.require("integrations.write")
    if asked.row.status not in ("requested", "generating"):
        raise _wrong_state(asked, T("There is nothing under way that could be stopped."))
    reason = T("Stopped by {name}.", name=actor.name)
    await fail(ctx, asked, "Stopped", reason, actor=actor, action="request.stopped")
    return await find(ctx, asked.id)


async def fail(
    ctx: Context, asked: Asked, error: str, reason: Text, *, actor: Actor, action: str, **values: Any
) -> None:
    """End a request with a reason; whatever stage is at work writes nothing more."""
    details = {"error": error, "message": reason.dump()}
    ended = {"status": "failed", "stage": "", "error_details": orjson.dumps(details).decode(), **values}
    await _move(ctx, asked, ended, stage=None, told=reason, actor=actor, action=action)


async def revise(ctx: Context, asked: Asked, parts: Mapping[str, str], *, actor: Actor) -> bool:
    """Start another round on the same branch, for what a reviewer wishes of the open pull request.

    `parts`: what was said, by what tells it from anything else; what was heard before is left out. Returns False where
    nothing is left. It is looked at first, since the issue may have been edited: a review does not stand for a text
    that it is not of.
    """
    actor.require("integrations.write")
    while asked.row.pull_state == "open":
        new = {key: text for key, said in parts.items() if key not in asked.heard and (text := cleaned(said).strip())}
        if not new:
            return False
        values = {
            "wishes": orjson.dumps([*asked.wishes, "\n\n".join(new.values())]).decode(),
            "heard": orjson.dumps(sorted(asked.heard | set(new))).decode(),
            "version": asked.row.version + 1,
        }
        told = T("{name} asks for changes.", name=actor.name)
        # Of two events at once one writes; the other looks again, so that no wish is lost or heard twice.
        same = {"version": asked.row.version, "heard": asked.row.heard, "pull_state": "open"}
        if await _move(
            ctx, asked, values, stage="check", told=told, actor=actor, action="request.revised", expects=same
        ):
            return True
        asked = await find(ctx, asked.id)
    return False


async def merged(ctx: Context, asked: Asked, commit: str, *, actor: Actor) -> None:
    """Take up that the pull request was merged as `commit`: its package is installed next.

    Told once more of the same merge it changes nothing, so that no installation under way is begun a second time.
    """
    if asked.row.merge_commit == commit and asked.row.status != "failed":
        return
    values = {"pull_state": "merged", "merge_commit": commit, "holds": None}
    told = T("Merged by {name} as {commit}.", name=actor.name, commit=commit[:12])
    # Of two that tell of it at once the second finds the commit there.
    same = {"merge_commit": asked.row.merge_commit}
    await _move(ctx, asked, values, stage="install", told=told, actor=actor, action="request.merged", expects=same)


async def reopened(ctx: Context, asked: Asked, *, actor: Actor) -> None:
    """Take up that a pull request that was closed unmerged is open again."""
    values = {"status": "inactive", "stage": "", "pull_state": "open", "error_details": None}
    if asked.row.repository and asked.row.branch:
        with suppress(IntegrityError):  # another request has begun on the branch meanwhile
            await ctx.db.write(rows.hold, asked.id, None, f"{asked.row.repository}:{asked.row.branch}")
    told = T("Reopened by {name}.", name=actor.name)
    await _move(ctx, asked, values, stage=None, told=told, actor=actor, action="request.reopened")


async def tell_again(ctx: Context, integration_id: str) -> None:
    """Let issues and messages say how the integration stands that came of requests, after somebody changed that."""
    for row in await ctx.db.read(rows.of_integration, integration_id):
        if row.issue is not None:
            await ctx.db.write(rows.advance, row.id, None, {"tell_at": ctx.clock.now()})
        await ctx.db.write(request_messages.want, row.id)


async def followed(ctx: Context, asked: Asked) -> Followed | None:
    """Return the message that follows a request in Slack, where one does."""
    kept = await ctx.db.read(request_messages.of, asked.id)
    return Followed(kept.asker, kept.ts or "") if kept is not None else None


async def of_asker(ctx: Context, asker: str, *, limit: int) -> Sequence[Asked]:
    """Return the requests that somebody asked for in Slack, the newest first."""
    found = [await ctx.db.read(rows.get, one) for one in await ctx.db.read(request_messages.asked_by, asker, limit)]
    return [parsed(row) for row in found if row is not None]


async def note(ctx: Context, integration_id: str, line: Line) -> None:
    """Add a line to the log of the request that an integration came of, if it did; its issue says how it stands now."""
    row = await ctx.db.read(rows.get, integration_id)
    if row is not None:
        await ctx.db.write(rows.note, row.id, line.row(ctx.clock.now()))
        await tell_again(ctx, row.id)


async def _move(
    ctx: Context,
    asked: Asked,
    values: Mapping[str, Any],
    *,
    stage: Stage | None,
    told: Text,
    actor: Actor,
    action: str,
    expects: Mapping[str, Any] | None = None,
) -> bool:
    """Write what somebody said, if the row says what it `expects`; with a `stage` it goes on there, at once."""
    now = ctx.clock.now()
    moved: dict[str, Any] = {"updated_at": now, "tell_at": now if asked.row.issue is not None else None, "run_at": None}
    if stage is not None:
        status = "requested" if stage == "check" else asked.row.status
        moved |= {"stage": stage, "run_at": now, "tries": 0, "limits": 0, "error_details": None, "status": status}
    entry = audit.entry(ctx, actor, action, integration_id=asked.id, why=str(told))
    line = Line("said", told).row(now)
    return await ctx.db.write(
        rows.advance, asked.id, None, {**moved, **values}, lines=[line], entry=entry, expects=expects
    )


def _rewritten(asked: Asked, given: Mapping[str, str], body: str = "") -> dict[str, Any]:
    """Return what is stored of a request that says something else now."""
    return {
        "fields": orjson.dumps(given).decode(),
        "language": template.language_of(given, body),
        "title": template.title_of(given)[:80],
        "version": asked.row.version + 1,
        "wishes": "[]",
    }


def _is_done(asked: Asked) -> bool:
    """Say whether the package was merged: what the issue says from then on changes nothing."""
    return asked.row.status == "installed" or asked.row.pull_state == "merged"


def _wrong_state(asked: Asked, what: Text) -> Conflict:
    return Conflict(
        T("{name} is {status}. {what}", name=asked.row.title, status=asked.row.status, what=what),
        status=asked.row.status,
    )
