"""`/dashboard/events/{event_id}`: what happened to one event, step by step."""

from __future__ import annotations

from core.context import Context
from core.events import trace
from core.http import events
from core.http.dashboard.door import Shown, page
from core.http.routes import Request
from core.texts import T


@page("/dashboard/events/{event_id}", permission="events.read", section="integrations")
async def event(ctx: Context, request: Request) -> Shown:
    """Show an event and its steps, as `ccb trace` does."""
    found = await events.event(ctx, request)
    steps = await events.steps(ctx, request)
    return Shown(
        "event.html",
        found.id,
        {
            "t": _WORDS,
            "event": found,
            "steps": steps,
            "size": trace.size(found.size),
            "may_replay": request.actor.may("events.replay"),
        },
    )


_WORDS = {
    "steps": T("Steps"),
    "step": T("Step"),
    "status": T("Status"),
    "detail": T("What happened"),
    "took": T("Took"),
    "started": T("Begun"),
    "received": T("Received"),
    "type": T("Type"),
    "integration": T("Integration"),
    "version": T("Version"),
    "size": T("Size"),
    "from": T("Sender"),
    "delivery": T("Delivery"),
    "duplicates": T("Delivered again"),
    "attempt": T("Attempt"),
    "run": T("Run"),
    "retry": T("Next attempt"),
    "waits": T("Waits for a service that is not configured"),
    "next": T("What to do"),
    "replay": T("Run it again…"),
    "when": T("once the cause is gone: what is done stays done."),
    "no_replay": T("When the cause is gone, it can be run again by keys with the permission events.replay."),
    "no_steps": T("No step is recorded yet. Look again in a moment."),
}
