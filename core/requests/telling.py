"""Telling: the issue's comment and labels follow the request, at least once, and never as a second comment."""

from __future__ import annotations

from typing import Any

import structlog

from core import audit, integrations
from core.context import Context
from core.errors import CcbError, NotConfigured, NotFound, Upstream
from core.github import comments, labels
from core.requests import budgets
from core.requests.comment import Landed, comment
from core.requests.model import MARKER, Asked, Line
from core.texts import T
from storage import requests as rows

log = structlog.get_logger()

AGAIN_SECONDS = 60.0
"""After how long a comment that could not be written is tried again."""
SAID_AGAIN_SECONDS = 24 * 3600.0
_LOOKED_AT = 50
"""How many lines of the request's log are looked through for the same."""
INSUFFICIENT = "Insufficient integration requirements"


async def tell(ctx: Context, asked: Asked) -> None:
    """Bring the issue's comment and labels up to date; what fails is tried again later."""
    row, now = asked.row, ctx.clock.now()
    assert row.repository is not None and row.issue is not None
    values: dict[str, object] = {"tell_at": None}
    lines: list[dict[str, Any]] = []
    try:
        written = await ctx.db.read(rows.rounds, asked.id)
        spent = await budgets.cost_of(ctx, asked)
        values["comment_id"] = await comments.upsert(
            ctx.github,
            row.repository,
            row.issue,
            key=f"{MARKER}:{asked.id}",
            body=comment(asked, written, spent=spent, landed=await landed(ctx, asked)),
            known_id=row.comment_id,
        )
        await _label(ctx, asked)
    except (Upstream, NotConfigured) as error:
        wait = error.retry_after if isinstance(error, Upstream) and error.retry_after else AGAIN_SECONDS
        if not _is_gone(error):
            values = {"tell_at": now + max(1.0, wait)}
        log.warning("issue not told", request=asked.id, reason=str(error))
        lines = await _untold(ctx, asked, error)
    except CcbError as error:
        log.warning("issue cannot be told", request=asked.id, reason=str(error))
        lines = await _untold(ctx, asked, error)
    await ctx.db.write(rows.advance, asked.id, row.lease_token, values, lines=lines, release=False)


async def _untold(ctx: Context, asked: Asked, error: CcbError) -> list[dict[str, Any]]:
    """Return the line for the request's log that says why the issue does not: once a day, however often it is tried."""
    if isinstance(error, Upstream) and error.retry_after is not None:
        return []  # it is waited for
    told = T("The comment on the issue cannot be written: {reason}", reason=error.message)
    line = Line("tell", told, "warning", fields=error.details).row(ctx.clock.now())
    before = await ctx.db.read(rows.log, asked.id, levels=("warning",), limit=_LOOKED_AT)
    said = any(one.message == line["message"] and one.at > line["at"] - SAID_AGAIN_SECONDS for one in before)
    return [] if said else [line]


def _is_gone(error: CcbError) -> bool:
    """Say whether nobody is there to be told: the issue was deleted or moved, or GitHub will never have the text."""
    if not isinstance(error, Upstream) or "missing_scopes" in error.details:
        return False
    return error.permanent or error.details.get("status") in (404, 410)


async def landed(ctx: Context, asked: Asked) -> Landed | None:
    """Return the integration that came of a request; a revision's is the one that was there before."""
    if asked.row.status != "installed" or asked.row.repository is None:
        return None
    try:
        found = await integrations.find(ctx, asked.id)
    except NotFound:
        there = await integrations.from_repository(ctx, asked.row.repository, asked.row.slug)
        if there is None:  # taken away meanwhile
            return None
        found = there
    return Landed(
        slug=found.slug,
        active=found.status == "active",
        missing=integrations.missing(found),
        url=integrations.webhook_url(ctx, found.id),
        unset=found.source.needs_secret and not await _is_set(ctx, found.id),
        held=found.held,
    )


async def _is_set(ctx: Context, integration_id: str) -> bool:
    """Say whether somebody has set the webhook secret: nobody saw the one that the installation began with."""
    return bool(await audit.newest(ctx, integration_id=integration_id, action="webhook_secret.changed", limit=1))


async def _label(ctx: Context, asked: Asked) -> None:
    row = asked.row
    assert row.repository is not None and row.issue is not None
    lacking = (asked.error_details or {}).get("error") == INSUFFICIENT
    if lacking:
        await labels.ensure_own(ctx.github, row.repository, labels.NEEDS_INFO)
        await labels.add(ctx.github, row.repository, row.issue, labels.NEEDS_INFO)
    else:
        await labels.remove(ctx.github, row.repository, row.issue, labels.NEEDS_INFO)
