"""Why nobody can tell whether a rule's condition holds, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from core.alerting.subjects import ENGINE, read_condition
from core.alerts.measures import fewest
from core.context import Context
from core.metrics.known import COST, METRICS
from core.monitoring import Monitoring
from core.texts import TN, T, Text
from storage import alert_rules, alert_values
from storage.alert_values import Known
from storage.alerts import AlertStanding


async def reasons(ctx: Context, rows: Sequence[AlertStanding]) -> Mapping[str, Text]:
    """Return, by rule, why each that has no data has none."""
    without = [row for row in rows if row.state == "no_data" or orjson.loads(row.memory)["missing"] is not None]
    if not without:
        return {}
    known = await ctx.db.read(alert_values.integrations)
    asked = {rule.id: rule.min_samples for rule in await ctx.db.read(alert_rules.everything)}
    return {row.rule_id: reason(row, known.get(row.integration_id), asked.get(row.rule_id)) for row in without}


def reason(row: AlertStanding, known: Known | None, min_samples: int | None) -> Text:
    """Return why a rule without data has none. Pure."""
    if row.integration_id == ENGINE or known is None:
        return T("From here nobody can tell.")
    if known.status != "active":
        return T("The integration is not active ({status}): nothing is expected of it.", status=known.status)
    if read_condition(row.condition) is None:
        return T("The rule cannot be read by this version of the engine: write it anew.")
    metric = METRICS.get(row.metric)
    counted = metric is not None and metric.kind != "gauge" and row.metric != COST
    if counted and not Monitoring.model_validate_json(known.monitoring).metrics_enabled:
        return T("Its metrics are switched off (metrics_enabled).")
    least = fewest(row.metric)
    least = max(1, min_samples) if least and min_samples is not None else least
    if row.samples < least:
        return TN(
            "{metric} takes {count} event to be believed; lately there were {samples}.",
            "{metric} takes {count} events to be believed; lately there were {samples}.",
            least,
            metric=row.metric,
            samples=row.samples,
        )
    return T("There is no value to compare {metric} with yet.", metric=row.metric or "it")
