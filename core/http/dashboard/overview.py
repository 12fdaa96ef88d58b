"""`/dashboard`: all integrations, those that need somebody first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core import durations, listing, metrics
from core import status as statuses
from core.context import Context
from core.http.dashboard.door import Shown, page
from core.http.routes import Request
from core.integrations import Installed
from core.listing import Listed
from core.metrics import METRICS
from core.requests import words as request_words
from core.requests.model import Asked
from core.texts import TN, T, Text
from storage import alert_values
from storage import alerts as alert_rows
from storage import metrics as metric_rows

AT_ONCE = 50
"""Integrations on one page; each is asked for its numbers."""
MOST_JUDGED = 100
"""Integrations of which it is asked whether they work: each takes a few queries."""
JUDGED_SECONDS = 10.0
HOUR, DAY = 3600.0, 86400.0
_OF_HOUR, _OF_DAY = ("received", "error_rate", "latency_p95"), ("received",)


class OverviewQuery(BaseModel):
    """Which of them: those whose name or slug holds a text, page by page."""

    model_config = ConfigDict(extra="ignore")

    q: str = Field("", max_length=200)
    page: int = Field(1, ge=1, le=10_000)


@dataclass(frozen=True)
class _One:
    """One integration, or the request that it is to come of. `firing`: how many alerts fire for it."""

    id: str
    slug: str
    name: str
    status: str
    last: float | None
    firing: int
    trouble: str
    """What is known to be wrong with it, in a few words."""

    @property
    def urgency(self) -> tuple[bool, bool, bool, float]:
        """By which they are in order: what fires, what has failed, what is not at work; then the busiest of late."""
        return (not self.firing, not self.trouble, self.status == "active", -(self.last or 0.0))


@page("/dashboard", permission="integrations.read", section="integrations", query=OverviewQuery)
async def overview(ctx: Context, request: Request) -> Shown:
    """Show how all integrations are."""
    query = request.query_as(OverviewQuery)
    firing = await _firing(ctx) if request.actor.may("alerts.read") else Counter[str]()
    listed = [one async for chunk in listing.chunks(ctx) for one in chunk]
    wrong = await _wrong(ctx, [one.installed for one in listed if isinstance(one, Listed)], request.language)
    every = [_one(one, firing, wrong, request.language) for one in listed]
    wanted = query.q.strip().casefold()
    found = sorted((o for o in every if wanted in o.name.casefold() or wanted in o.slug), key=lambda o: o.urgency)
    attention = sum(1 for one in every if one.firing or one.trouble)
    first = (query.page - 1) * AT_ONCE
    shown = found[first : first + AT_ONCE]
    measured = request.actor.may("metrics.read")
    numbers = await _numbers(ctx, shown, request.language) if measured else {}
    return Shown(
        "overview.html",
        T("Integrations"),
        {
            "t": _WORDS,
            "ones": shown,
            "numbers": numbers,
            "firing": lambda count: TN("{count} alert fires", "{count} alerts fire", count).render(request.language),
            "measured": measured,
            "total": TN("{count} integration", "{count} integrations", len(every)) if every else None,
            "attention": TN("{count} needs attention", "{count} need attention", attention) if attention else None,
            "q": query.q,
            "page": query.page,
            "more": len(found) > first + AT_ONCE,
        },
    )


_WORDS = {
    "empty": T("There is no integration yet."),
    "empty_try": T("Install a ready-made one on the engine's machine, send it a sample and look here again:"),
    "empty_slack": T("Or ask for one in Slack: type /ccb request."),
    "none": T("No integration has that in its name."),
    "all": T("Show all"),
    "find": T("Find by name"),
    "search": T("Find"),
    "name": T("Integration"),
    "status": T("Status"),
    "hour": T("Events, last hour"),
    "day": T("Events, last day"),
    "errors": T("Errors, last hour"),
    "p95": T("Latency p95, last hour"),
    "queue": T("Queue"),
    "last": T("Last activity"),
    "never": T("never"),
    "well": T("Nothing needs attention."),
    "next": T("Next page"),
    "former": T("Previous page"),
    "no_metrics": T("Numbers are shown to keys with the permission metrics.read."),
}


def _one(listed: Listed | Asked, firing: Counter[str], wrong: Mapping[str, str], language: str) -> _One:
    if isinstance(listed, Asked):
        trouble = request_words.problem(listed)
        return _One(
            listed.id, listed.row.slug, listed.row.title, request_words.status(listed), None, 0,
            trouble.render(language) if trouble is not None and listed.row.status == "failed" else "",
        )  # fmt: skip
    own = listed.installed
    return _One(own.id, own.slug, own.name, own.status, listed.last, firing[own.id], wrong.get(own.id, ""))


async def _wrong(ctx: Context, installed: Sequence[Installed], language: str) -> dict[str, str]:
    """Return the worst that is wrong with each that does not work, in the words of its own page.

    Of more than `MOST_JUDGED` those that are at work, or were last changed: of the others, their alerts tell.
    """
    at_work = [one for one in installed if one.status in ("active", "failed")]
    first = sorted(at_work, key=lambda one: (one.status != "active", -one.updated_at))[:MOST_JUDGED]
    kept: dict[str, Text | None] = {one.id: ctx.memo.get(("dashboard", one.id, one.updated_at)) for one in first}
    asked = [one for one in first if kept[one.id] is None]
    found = await statuses.worst(ctx, asked) if asked else {}
    for one in asked:
        kept[one.id] = found.get(one.id, T(""))
        ctx.memo.put(("dashboard", one.id, one.updated_at), kept[one.id], seconds=JUDGED_SECONDS)
    return {name: said for name, text in kept.items() if text is not None and (said := text.render(language))}


async def _firing(ctx: Context) -> Counter[str]:
    found = await ctx.db.read(alert_rows.open_alerts)
    return Counter(str(alert.integration_id) for alert in found if alert.status == "firing")


async def _numbers(ctx: Context, shown: Sequence[_One], language: str) -> dict[str, Any]:
    """Return the numbers of those that are shown, by their ids; of a request there are none."""
    now, numbers = ctx.clock.now(), {}
    ids = [one.id for one in shown if one.status not in ("requested", "generating")]
    waiting = await ctx.db.read(metric_rows.waiting)
    hours, days = await _counted(ctx, ids, _OF_HOUR, HOUR, now), await _counted(ctx, ids, _OF_DAY, DAY, now)
    for one in ids:
        hour, day = hours.get(one, {}), days.get(one, {})
        p95 = metrics.value_of(METRICS["latency_p95"], hour, seconds=HOUR)
        numbers[one] = {
            "hour": metrics.value_of(METRICS["received"], hour, seconds=HOUR),
            "day": metrics.value_of(METRICS["received"], day, seconds=DAY),
            "errors": metrics.value_of(METRICS["error_rate"], hour, seconds=HOUR),
            "p95": durations.said(float(p95), language) if p95 is not None else "–",
            "queue": waiting.get(one, (0, 0.0))[0],
        }
    return numbers


async def _counted(
    ctx: Context, ids: Sequence[str], names: Sequence[str], seconds: float, now: float
) -> Mapping[str, Mapping[str, Mapping[int, float]]]:
    """Return what was counted of each in the last `seconds`: one question for all of them."""
    wanted = {counted for name in names for counted in METRICS[name].names}
    start = metric_rows.minute_of(now - seconds)
    return (await ctx.db.read(alert_values.counts, wanted, start=start, end=now, only=ids)).get(0, {})
