"""What an alert says beside its value: how much, the commonest error, what was changed shortly before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from core.alerting.subjects import ENGINE
from core.alerting.values import LONG_WINDOW, Values
from core.context import Context
from core.texts import TN, T, Text, revive_text
from storage import alert_values as rows
from storage import metrics
from storage.alerts import Alert
from storage.audit import DEPLOYED, AuditEntry

CHANGES_SECONDS = 3600.0
"""How long before an alert a change is worth mentioning."""
MOST_CHANGES = 3
MOST_AT_ONCE = 20
"""Integrations that are read of at once."""
CHANGES: dict[str, Text] = {
    "integration.installed": T("installed"),
    "update.taken": T("a new version"),
    "config.changed": T("the configuration was changed"),
    "status.changed": T("the status was changed"),
    "webhook_secret.changed": T("the webhook secret was changed"),
    "monitoring.changed": T("the monitoring settings were changed"),
    "alerts.changed": T("the alert rules were changed"),
    "replay.started": T("a replay was begun"),
    DEPLOYED: T("another version of the engine was started"),
}
"""Of the audit, what can be the cause of a trouble."""
_NAMED = frozenset({"config.changed", "monitoring.changed", "alerts.changed"})
"""Changes of which it says something what was changed."""
_OF_FAILURES = frozenset({"error_rate", "failed", "retried"})
"""Metrics that tell of failures: of these it can be said that most are one error."""
_NUMBER = re.compile(r"\d+")


async def gather(ctx: Context, alerts: Sequence[Alert], values: Values) -> dict[str, str]:
    """Return, for each alert, what belongs to it as JSON."""
    of_integrations = sorted({alert.integration_id for alert in alerts if alert.integration_id != ENGINE})
    now = values.now
    found: dict[str, _Found] = {}
    for at in range(0, len(of_integrations), MOST_AT_ONCE):
        found |= await ctx.db.read(_read, of_integrations[at : at + MOST_AT_ONCE], now)
    return {alert.id: orjson.dumps(_facts(alert, values, found.get(alert.integration_id))).decode() for alert in alerts}


_Found = tuple[rows.Background, tuple[str, str] | None]


def _read(connection: sa.Connection, ids: Sequence[str], now: float) -> dict[str, _Found]:
    since = metrics.minute_of(now - LONG_WINDOW)
    background = rows.background(connection, ids, since=since, changed_since=now - CHANGES_SECONDS)
    found = {}
    for integration_id, one in background.items():
        top = _commonest(one.failures)
        found[integration_id] = (one, rows.failed_step(connection, top[2]) if top is not None else None)
    return found


def _facts(alert: Alert, values: Values, found: _Found | None) -> dict[str, Any]:
    if found is None:
        return {}
    background, step = found
    facts: dict[str, Any] = {}
    parts = values.of(alert.integration_id, status_before=None).parts(alert.metric or "error_rate", alert.samples)
    if parts is not None:
        facts["failed"], facts["of"] = parts
    if alert.metric == "webhook_failures" or alert.metric == "rejected":
        if background.refused:
            reason, count = max(background.refused.items(), key=lambda item: item[1])
            facts["cause"] = T("Most were refused for one reason: {reason} ({count}).",
                               reason=reason, count=count).dump()  # fmt: skip
    elif (top := _commonest(background.failures)) is not None:
        why, times, example = top
        most = alert.metric in _OF_FAILURES and times * 2 > len(background.failures)
        facts["cause"] = cause(why, times, len(background.failures), step, most=most).dump()
        facts["example"] = example
    if background.failures:
        facts["failures"] = len(background.failures)
    told = [entry for entry in background.changes if entry.action in CHANGES]
    facts["changes"] = [[entry.at, _change(entry).dump()] for entry in told[:MOST_CHANGES]]
    return facts


def _commonest(failures: Sequence[rows.Failure]) -> tuple[Text, int, str] | None:
    """Return the reason that most have, how many have it, and one that does. Numbers in it make no other reason."""
    if not failures:
        return None
    told = [(failure.event_id, revive_text(orjson.loads(failure.error)["message"])) for failure in failures]
    shapes = [_NUMBER.sub("#", str(text)) for _, text in told]
    shape, count = Counter(shapes).most_common(1)[0]
    event_id, text = told[shapes.index(shape)]
    return text, count, event_id


def cause(reason: Text, count: int, of: int, step: tuple[str, str] | None, *, most: bool) -> Text:
    """Say the commonest error; `most`: that those of which the alert tells are mostly this one."""
    where = " ".join(part for part in step if part) if step is not None else ""
    told = {"reason": reason, "count": count, "all": of, "where": where}
    if of == 1:
        return T("The error in {where}: {reason}", **told) if where else T("The error: {reason}", **told)
    if most:
        said = T("Most are one error in {where}: {reason} ({count})", **told)
        return said if where else T("Most are one error: {reason} ({count})", **told)
    said = T("The commonest error in {where}: {reason} ({count} of {all})", **told)
    return said if where else T("The commonest error: {reason} ({count} of {all})", **told)


def _change(entry: AuditEntry) -> Text:
    if entry.action == DEPLOYED:
        return T("version {version} of the engine was started", version=entry.subject)
    what = CHANGES[entry.action]
    changes = orjson.loads(entry.changes)
    if entry.action == "status.changed" and changes:
        before, after = changes[0]["from"], changes[0]["to"]
        return T("{what} by {who} ({before} → {after})", what=what, who=entry.actor_name, before=before, after=after)
    keys = [change["key"] for change in changes][:5] if entry.action in _NAMED else []
    if not keys:
        return T("{what} by {who}", what=what, who=entry.actor_name)
    return T("{what} by {who} ({keys})", what=what, who=entry.actor_name, keys=", ".join(keys))


def counts(facts: dict[str, Any], alert: Alert) -> Text | None:
    """Return how much, in words: of its newest value, or as it was when it fired."""
    if alert.metric == "error_rate" and alert.value is not None:
        failed, of = round(alert.value * alert.samples / 100), alert.samples
    elif "of" in facts:
        failed, of = facts["failed"], facts["of"]
    else:
        return None
    return TN("{failed} of {count} attempt", "{failed} of {count} attempts", of, failed=failed)
