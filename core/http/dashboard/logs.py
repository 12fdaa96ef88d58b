"""`/dashboard/integrations/{id}/logs`: what an integration said, and what was refused at its door."""

from __future__ import annotations

from core import log_lines, webhook_log
from core.context import Context
from core.http.dashboard.door import Shown, page
from core.http.routes import Request
from core.integrations import Installed
from core.texts import T, Text, revive

AT_ONCE = 50


@page("/dashboard/integrations/{id}/logs", permission="logs.read", section="integrations")
async def logs(ctx: Context, request: Request) -> Shown:
    """Show an integration's own log and its refused deliveries; of a request the steps on its way."""
    one, language = await log_lines.find(ctx, request.path["id"]), request.language
    refused = await webhook_log.entries(ctx, one.id, AT_ONCE) if isinstance(one, Installed) else []
    return Shown(
        "logs.html",
        T("Log"),
        {
            "t": _WORDS,
            "id": one.id,
            "name": one.name if isinstance(one, Installed) else one.row.title,
            "lines": await log_lines.newest(ctx, one, level="debug", limit=AT_ONCE, language=language),
            "refused": [(line, revive(line.detail, language)) for line in refused],
        },
    )


_WORDS: dict[str, Text] = {
    "none": T("It has said nothing yet."),
    "event": T("Event"),
    "refused": T("Refused deliveries"),
    "none_refused": T("No delivery was refused of late."),
    "time": T("Time"),
    "answered": T("Answered"),
    "reason": T("Reason"),
    "sender": T("Sender"),
    "more": T("more of the kind"),
}
