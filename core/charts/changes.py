"""What was changed, as marks on a chart: from the audit."""

from __future__ import annotations

from core import audit
from core.charts.chart import MOST_MARKS, Mark
from core.context import Context
from core.texts import T, Text
from storage import audit as rows
from storage.audit import AuditEntry

_ACTIONS: dict[str, Text] = {
    "config.changed": T("configuration changed"),
    "webhook_secret.changed": T("webhook secret changed"),
    "monitoring.changed": T("monitoring changed"),
    "alerts.changed": T("alert rules changed"),
    "status.changed": T("state changed"),
    "integration.installed": T("installed"),
    "update.taken": T("a new version installed"),
    rows.DEPLOYED: T("another version of the engine"),
}
"""What is worth a mark; everything else that people do (a key made, a replay) does not change how it works."""


async def marks(ctx: Context, *, integration_id: str, start: float, end: float) -> tuple[Mark, ...]:
    """Return the newest changes to an integration between two times, oldest first."""
    entries = await audit.newest(ctx, integration_id=integration_id, at_from=start, at_to=end, limit=20 * MOST_MARKS)
    started = await ctx.db.read(rows.deployments, since=start, until=end, limit=MOST_MARKS)
    found = sorted([*entries, *started], key=lambda entry: entry.at, reverse=True)
    wanted = [entry for entry in found if entry.action in _ACTIONS][:MOST_MARKS]
    return tuple(Mark(entry.at, _what(entry)) for entry in reversed(wanted))


def _what(entry: AuditEntry) -> Text:
    if entry.action == rows.DEPLOYED:
        return T("version {version} of the engine", version=entry.subject)
    return T("{what} by {who}", what=_ACTIONS[entry.action], who=entry.actor_name)
