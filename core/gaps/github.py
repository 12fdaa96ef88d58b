"""GitHub's deliveries compared with what is stored: what it sent and never arrived is a gap.

GitHub lists the deliveries of three days, newest first. A look goes back to where the one before it began, page by
page, and writes after each how far it has come: at its bounds, or at GitHub's rate limit, the next one goes on there.
What somebody answered with 2xx is asked for in full before it counts as lost: with the engine's own answer it was
stored, though its event may be deleted since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import durations
from core.context import Context
from core.errors import NotConfigured, Upstream
from core.gaps import deliveries, hooks
from core.gaps.deliveries import Listed, Sent
from core.gaps.outcome import Outcome, told
from core.ids import first_id
from core.integrations import Installed
from core.sources.naming import lookup
from core.texts import T
from storage import arrivals, gaps
from storage.gaps import GapCheck, GitHubHook

KEPT_SECONDS = 3 * 86400.0
"""How long GitHub keeps deliveries (https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks)."""
MOST_PAGES = 20
"""Pages of a hundred deliveries that one look reads of a hook."""
MOST_DOUBTED = 20
"""Deliveries that a look asks for in full; of what is beyond, 2xx is believed."""
MARGIN = 3600.0
"""Seconds by which GitHub's clock and ours may differ, and a delivery may be under way."""
_MOST_OPEN = 20_000
"""Open gaps that one look asks after."""
_FIRST = "per_page=100"


def token_of(installed: Installed) -> str | None:
    """Return the integration's own token; None: the bot's."""
    return installed.engine.tokens.get("github_token")


async def look(ctx: Context, installed: Installed, kept: GapCheck, outcome: Outcome) -> None:
    """Close what has arrived, then compare the deliveries of every hook that sends to the integration."""
    await close_arrived(ctx, installed, kept)
    try:
        token = token_of(installed)
        _require_github(ctx, token)
        await hooks.learn(ctx, installed, outcome)
        known = await ctx.db.read(gaps.hooks_of, installed.id)
        if not known and outcome.findings:  # an app's hook: nothing to look for
            return
        if not known:
            await hooks.search(ctx, installed, outcome, token=token)
            known = await ctx.db.read(gaps.hooks_of, installed.id)
        await _look_at_all(ctx, installed, known, outcome)
    except (Upstream, NotConfigured) as error:
        outcome.fail(error, now=ctx.clock.now())


def _require_github(ctx: Context, token: str | None) -> None:
    """Raise `NotConfigured` where nothing could be asked, before what it is that would be asked."""
    settings = ctx.settings
    if token is None and settings.github_token is None and settings.github_app_id is None:
        raise NotConfigured(
            T("GitHub is not connected: {setting} is not set. → ccb init github", setting="GITHUB_TOKEN"),
            service="github",
            settings=("GITHUB_TOKEN",),
        )


async def close_arrived(ctx: Context, installed: Installed, kept: GapCheck) -> None:
    """Close the gaps whose delivery has come in, and those that GitHub cannot deliver again any more."""
    now = ctx.clock.now()
    found = await ctx.db.read(gaps.listed, installed.id, kind="delivery", limit=_MOST_OPEN)
    if not found:
        return
    since = first_id("evt", (kept.checked_at or now - KEPT_SECONDS) - MARGIN)
    arrived = await ctx.db.read(arrivals.stored, installed.id, [gap.key for gap in found], since=since)
    await ctx.db.write(gaps.close, installed.id, sorted(arrived), now=now, why="arrived")
    await ctx.db.write(gaps.expire, installed.id, kind="delivery", before=now - KEPT_SECONDS, now=now)


async def _look_at_all(ctx: Context, installed: Installed, known: Sequence[GitHubHook], outcome: Outcome) -> None:
    token, lost, seen = token_of(installed), [], 0
    for hook in known:
        try:
            shown = await ctx.github.request("GET", f"/{hook.owner}/hooks/{hook.hook_id}", token=token)
        except Upstream as error:
            if error.details.get("status") not in (301, 403, 404) or error.retry_after is not None:
                raise
            lost.append((hook, error))
            continue
        seen += 1
        hooks.inspect(ctx, installed, shown, owner=hook.owner, hook_id=hook.hook_id, outcome=outcome)
        walk = _Walk(ctx, installed, hook, token)
        outcome.complete &= await walk.run()
        await ctx.db.write(gaps.set_hook, hook, {"checked_at": ctx.clock.now(), "error": None})
    for hook, refused in lost:
        if seen:  # one that was deleted, beside one that took its place
            await ctx.db.write(gaps.drop_hook, hook)
            continue
        why = Upstream(hooks.hidden(refused.message), error="GitHub hook not readable")
        await ctx.db.write(gaps.set_hook, hook, {"error": told(why.error, why.message)})
        outcome.fail(why, now=ctx.clock.now())


@dataclass
class _Walk:
    """One look through a hook's deliveries."""

    ctx: Context
    installed: Installed
    hook: GitHubHook
    token: str | None
    sent: dict[str, Sent] = field(default_factory=dict)
    doubted: int = 0

    async def run(self) -> bool:
        """Compare page by page; return whether nothing is left for the next look."""
        hook, newest, behind = self.hook, self.hook.newest_delivery, False
        floor = hook.floor_delivery if hook.cursor else hook.newest_delivery
        query, stop, oldest = _FIRST, hook.newest_delivery, self._oldest()
        for _ in range(MOST_PAGES):
            listed, following = await self._page(query, behind=behind)
            fresh = [one for one in listed if (stop is None or one.id > stop) and one.at >= oldest]
            await self._compare(fresh, oldest)
            newest = max([newest or 0, *(one.id for one in fresh)])
            ended = following is None or len(fresh) < len(listed)
            if not ended:
                query = following or ""
            elif hook.cursor and not behind:  # what the look before this one has left
                query, stop, behind = hook.cursor, hook.floor_delivery, True
            else:
                query = ""
            values = {"newest_delivery": newest or None, "cursor": query or None}
            await self.ctx.db.write(gaps.set_hook, hook, {**values, "floor_delivery": floor if query else None})
            if not query:
                return True
        return False

    def _oldest(self) -> float:
        """Return from when on deliveries are compared: earlier ones GitHub, or this engine, does not keep."""
        now, monitoring = self.ctx.clock.now(), self.installed.monitoring
        kept = durations.parse(monitoring.events_retention) if monitoring.events_retention else KEPT_SECONDS
        return max(self.installed.created_at - 1, now - min(kept, KEPT_SECONDS))

    async def _page(self, query: str, *, behind: bool) -> tuple[list[Listed], str | None]:
        path = f"/{self.hook.owner}/hooks/{self.hook.hook_id}/deliveries?{query}"
        try:
            page, following = await self.ctx.github.page(path, token=self.token)
        except Upstream as error:
            if behind and error.details.get("status") in (400, 422):  # GitHub knows this place no more
                return [], None
            raise
        return deliveries.parse(page), following

    async def _compare(self, attempts: Sequence[Listed], oldest: float) -> None:
        """Store a gap for each of the deliveries that never arrived."""
        found, seen = deliveries.gather(self.sent, attempts), self.sent.keys() & {one.guid for one in attempts}
        self.sent |= found
        sent = {guid: one for guid, one in found.items() if one.newest.event != deliveries.PING}
        if not sent:
            return
        first = min(oldest if one.redelivered else one.at for one in sent.values())
        since = first_id("evt", first - MARGIN)
        stored = await self.ctx.db.read(arrivals.stored, self.installed.id, list(sent), since=since)
        lost = [one for guid, one in sent.items() if guid not in stored and not await self._was_taken(one)]
        await self.ctx.db.write(gaps.put, [self._gap(one) for one in lost])
        taken = sorted(seen - {one.guid for one in lost})  # a newer page told of its later attempts alone
        await self.ctx.db.write(gaps.close, self.installed.id, taken, now=self.ctx.clock.now(), why="arrived")

    async def _was_taken(self, one: Sent) -> bool:
        """Say whether the engine acknowledged a delivery whose event is not there."""
        if one.acknowledged is None:
            return False
        self.doubted += 1
        if self.doubted > MOST_DOUBTED:
            return True
        path = f"/{self.hook.owner}/hooks/{self.hook.hook_id}/deliveries/{one.acknowledged}"
        whole = await self.ctx.github.request("GET", path, token=self.token)
        return deliveries.is_ours(lookup(whole, "response.payload"))

    def _gap(self, one: Sent) -> Mapping[str, Any]:
        return {
            "integration_id": self.installed.id,
            "key": one.guid,
            "kind": "delivery",
            "at_from": one.at,
            "at_to": one.newest.at,
            "detail": one.detail(owner=self.hook.owner, hook_id=self.hook.hook_id),
            "detected_at": self.ctx.clock.now(),
        }
