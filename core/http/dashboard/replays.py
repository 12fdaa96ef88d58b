"""Running again what failed: one event, or all of an alert; each asks first, and says how much it is."""

from __future__ import annotations

from core import alerting, integrations
from core.alerting.subjects import ENGINE
from core.context import Context
from core.errors import Conflict
from core.events import alert_replay, replay, trace
from core.http.dashboard import rerun
from core.http.dashboard.confirm import confirm
from core.http.dashboard.door import Shown, action, page
from core.http.dashboard.rerun import Question
from core.http.routes import Request
from core.integrations import Installed
from core.texts import TN, T, Text
from storage.alerts import Alert

STAYS = T("What their actions have done already stays done; what has not been done is done, and cannot be taken back.")


@page("/dashboard/alerts/{id}/replay", permission="events.replay", section="alerts")
async def ask_all(ctx: Context, request: Request) -> Shown:
    """Ask whether all that failed is to run again, and say how many events that is."""
    found, installed = await _of(ctx, request)
    until = ctx.clock.now() + replay.MOMENT
    count = await rerun.counted(ctx, installed, alert_replay.failed([found], until))
    return rerun.asked(_question(found, installed, count), count, until)


@action("/dashboard/alerts/{id}/replay", permission="events.replay", section="alerts")
async def all_failed(ctx: Context, request: Request) -> str | Shown:
    """Start the job, for no more than was named, and note it at the alert."""
    found, installed = await _of(ctx, request)
    until = rerun.until(request, ctx.clock.now())
    count = await rerun.counted(ctx, installed, alert_replay.failed([found], until))
    if not rerun.named(request, count):
        return rerun.asked(_question(found, installed, count), count, until, changed=True)
    job = await alert_replay.begin(ctx, installed, [found], until, actor=request.actor)
    return f"/dashboard/jobs/{job.id}"


@page("/dashboard/events/{event_id}/replay", permission="events.replay", section="integrations")
async def ask_one(ctx: Context, request: Request) -> Shown:
    """Ask whether one event is to run again."""
    event = await trace.find(ctx, request.path["event_id"])
    back = f"/dashboard/events/{event.id}"
    lines: list[Text | str] = [f"`{event.id}` · {event.type}", STAYS]
    return confirm(
        T("Run this event again?"), lines, deed=f"{back}/replay", button=T("Run it again"), back=back
    )  # fmt: skip


@action("/dashboard/events/{event_id}/replay", permission="events.replay", section="integrations")
async def one(ctx: Context, request: Request) -> str:
    """Put one event back into the queue; what is done stays done."""
    event = await trace.find(ctx, request.path["event_id"])
    installed = await integrations.find(ctx, event.integration_id)
    await replay.one(ctx, installed, event.id, again=False, confirmed=False, actor=request.actor)
    return f"/dashboard/events/{event.id}"


async def _of(ctx: Context, request: Request) -> tuple[Alert, Installed]:
    """Return an alert and its integration; raise `Conflict` for one of the engine itself, which has no events."""
    request.actor.require("alerts.read")
    found = await alerting.find(ctx, request.path["id"])
    if found.integration_id == ENGINE:
        raise Conflict(T("An alert of the engine itself has no events to be run again."))
    return found, await integrations.find(ctx, found.integration_id)


def _question(found: Alert, installed: Installed, count: int) -> Question:
    says = TN(
        "{count} event of {name} has failed since an hour before the alert, or is dead.",
        "{count} events of {name} have failed since an hour before the alert, or are dead.",
        count, name=installed.name,
    )  # fmt: skip
    back = f"/dashboard/alerts/{found.id}"
    return Question(
        T("Replay what failed?"),
        [says, STAYS],
        TN("Replay {count} failed event", "Replay {count} failed events", count),
        T("Nothing that has failed since an hour before the alert is left to be run again."),
        f"{back}/replay",
        back,
    )
