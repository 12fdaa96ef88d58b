"""Running again what failed: one event, or all of an alert; each asks first, and says how much it is."""

from __future__ import annotations

from typing import Any

from core import alerting, integrations
from core.alerting.subjects import ENGINE
from core.context import Context
from core.errors import Conflict
from core.events import alert_replay, replay, trace
from core.http.dashboard.door import Shown, action, page
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
    there = (await replay.preview(ctx, installed, alert_replay.failed([found], until))).would_run
    back = f"/dashboard/alerts/{found.id}"
    values: dict[str, Any] = {"deed": f"{back}/replay", "leave": T("Leave it"), "back": back}
    if not there:
        nothing: list[Text] = [T("Nothing that has failed since an hour before the alert is left to be run again.")]
        values |= {"lines": nothing, "button": None, "hidden": {}}
    else:
        many = TN("Replay {count} failed event", "Replay {count} failed events", there)
        says: list[Text] = [TN(
            "{count} event of {name} has failed since an hour before the alert, or is dead.",
            "{count} events of {name} have failed since an hour before the alert, or are dead.",
            there, name=installed.name,
        ), STAYS]  # fmt: skip
        values |= {"lines": says, "button": many, "hidden": {"until": repr(until), "named": str(there)}}
    return Shown("confirm.html", T("Replay what failed?"), values)


@action("/dashboard/alerts/{id}/replay", permission="events.replay", section="alerts")
async def all_failed(ctx: Context, request: Request) -> str:
    """Start the job, for no more than was named, and note it at the alert."""
    found, installed = await _of(ctx, request)
    until = _until(request, ctx.clock.now())
    there = (await replay.preview(ctx, installed, alert_replay.failed([found], until))).would_run
    if not there or str(there) != request.body.get("named"):
        raise Conflict(
            T("Meanwhile it is another number of events: {count}. Nothing was begun. Open the alert and ask again.",
              count=there)
        )  # fmt: skip
    job = await alert_replay.begin(ctx, installed, [found], until, actor=request.actor)
    return f"/dashboard/jobs/{job.id}"


@page("/dashboard/events/{event_id}/replay", permission="events.replay", section="integrations")
async def ask_one(ctx: Context, request: Request) -> Shown:
    """Ask whether one event is to run again."""
    event = await trace.find(ctx, request.path["event_id"])
    back = f"/dashboard/events/{event.id}"
    return Shown(
        "confirm.html",
        T("Run this event again?"),
        {
            "lines": [f"`{event.id}` · {event.type}", STAYS],
            "deed": f"{back}/replay",
            "button": T("Run it again"),
            "leave": T("Leave it"),
            "back": back,
            "hidden": {},
        },
    )


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


def _until(request: Request, now: float) -> float:
    """Return the time that was asked about: what has failed since is not meant."""
    try:
        until = float(request.body.get("until", ""))
    except ValueError:
        until = -1.0
    if not 0 <= until <= now + replay.MOMENT:
        raise Conflict(T("The form cannot be read. Send it again from the page."))
    return until
