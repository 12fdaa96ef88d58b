"""The rules of a new integration: the guide's "Monitoring Best Practices", beside those of its manifest."""

from __future__ import annotations

from collections.abc import Sequence

from core.alerts.rules import MOST_RULES, Checked, RuleWish, checked
from core.texts import T

DESCRIPTIONS = (
    T("Look at what the failed events have in common, mend it, then replay them."),
    T("Look which step takes the time: the trace of an event shows each."),
    T("Deliveries were refused: the webhook log says of each why."),
    T("More comes in than is worked off: look at the workers."),
)
_ERRORS, _LATENCY, _REFUSED, _QUEUE = map(str, DESCRIPTIONS)

DEFAULTS = checked(
    [
        RuleWish(
            name="Error rate",
            condition="error_rate > 1% for 2m",
            resolve_condition="error_rate <= 0.5%",
            severity="critical",
            description=_ERRORS,
        ),
        RuleWish(
            name="Latency",
            condition="latency_p95 > 500ms for 5m",
            description=_LATENCY,
        ),
        RuleWish(
            name="Webhook failures",
            condition="webhook_failures > 0",
            description=_REFUSED,
        ),
        RuleWish(
            name="Queue depth",
            condition="queue_depth > 100 for 2m",
            resolve_condition="queue_depth < 80",
            description=_QUEUE,
        ),
    ],
    path="defaults",
)
"""Their channels are the default ones: each whose setting is there."""


def with_defaults(rules: Sequence[Checked]) -> list[Checked]:
    """Return a manifest's rules and the default ones; one of the same name is the manifest's."""
    own = {rule.name for rule in rules}
    return [*rules, *(rule for rule in DEFAULTS if rule.name not in own)][: max(MOST_RULES, len(rules))]
