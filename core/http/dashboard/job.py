"""`/dashboard/jobs/{job_id}`: how far work on many events has come."""

from __future__ import annotations

from core.context import Context
from core.http import jobs
from core.http.dashboard.door import Shown, action, page
from core.http.dashboard.names import names_of
from core.http.routes import Request
from core.status.words import span
from core.texts import T, Text


@page("/dashboard/jobs/{job_id}", permission="events.read", section="integrations")
async def job(ctx: Context, request: Request) -> Shown:
    """Show a job."""
    found = await jobs.get(ctx, request)
    ended = found.succeeded + found.failed + found.skipped
    return Shown(
        "job.html",
        _KINDS.get(found.kind, T("{kind}", kind=found.kind)),
        {
            "t": _WORDS,
            "job": found,
            "ended": ended,
            "share": min(100, round(100 * ended / found.total)) if found.total else 100,
            "eta": span(found.eta_seconds) if found.eta_seconds is not None and found.status == "running" else None,
            "name": (await names_of(ctx)).get(found.integration_id or "", ""),
            "may_cancel": found.status == "running" and request.actor.may("events.replay"),
        },
    )


@action("/dashboard/jobs/{job_id}/cancel", permission="events.replay", section="integrations")
async def cancel(ctx: Context, request: Request) -> str:
    """Stop it: what has not begun is put back, what runs comes to its end."""
    stopped = await jobs.cancel(ctx, request)
    return f"/dashboard/jobs/{stopped.id}"


_KINDS: dict[str, Text] = {
    "replay": T("Replay"),
    "retry": T("Trying events again"),
    "discard": T("Setting events aside"),
}
_WORDS = {
    "done": T("Done"),
    "of": T("of"),
    "succeeded": T("Succeeded"),
    "failed": T("Failed again"),
    "skipped": T("Left out: they had changed meanwhile"),
    "left": T("Ready in about"),
    "by": T("Begun by"),
    "finished": T("Ended"),
    "waiting": T("It waits"),
    "cancel": T("Stop it"),
    "cancel_hint": T("What has not begun is put back; what runs comes to its end."),
}
