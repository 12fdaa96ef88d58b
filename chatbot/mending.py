"""What to do about an integration's problem, in Slack's own terms: a sentence, and the button that does it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.status import Problem
from core.texts import T, Text

_PRESSED: Mapping[str, tuple[Text, tuple[str, ...]]] = {
    "paused": (T("Activate"), ("activate", "{slug}")),
    "inactive": (T("Activate"), ("activate", "{slug}")),
    "grants_lag": (T("Activate again"), ("activate", "{slug}")),
    "configuration_incomplete": (T("Configure"), ("config", "{slug}")),
    "configuration_illegible": (T("Configure"), ("config", "{slug}")),
    "dead_events": (T("Show dead events"), ("events", "{slug}", "dead")),
    "failing": (T("Show failing events"), ("events", "{slug}", "failed")),
    "queue_late": (T("Show the queue"), ("queue",)),
    "no_scheduler": (T("Show the engine's health"), ("health",)),
    "failed": (T("Show its log"), ("logs", "{slug}")),
    "refused_mismatch": (T("Configure"), ("config", "{slug}")),
    "refused_no_secret": (T("Configure"), ("config", "{slug}")),
    "refused_signature": (T("Configure"), ("config", "{slug}")),
    "refused_missing": (T("Configure"), ("config", "{slug}")),
}
"""What is pressed to mend a problem, by its code; shown where the command is there."""

_SAME_SECRET = T("Give both sides the same secret: here with Configure, and the same one in the sender's settings.")
_ADMIN_ACTIVATES = T("An admin switches it on.")
_SAID: Mapping[str, Text | None] = {
    "paused": _ADMIN_ACTIVATES,
    "inactive": _ADMIN_ACTIVATES,
    "configuration_incomplete": T("Set it, then an admin switches it on."),
    "configuration_illegible": None,
    "failed": T("Its log says what is missing."),
    "no_scheduler": T("Whoever runs the engine starts a node with the role scheduler (CCB_ROLES)."),
    "dead_events": T("Mend the cause, then try them again, or discard them: both under Queue."),
    "failing": T("Mend the cause before the attempts are used up."),
    "grants_lag": T("An admin looks at what it may do, and activates it again."),
    "version_waits": T("An admin looks at what it may do, and activates it again."),
    "refused_mismatch": _SAME_SECRET,
    "refused_no_secret": _SAME_SECRET,
    "refused_signature": _SAME_SECRET,
    "refused_missing": _SAME_SECRET,
}
"""What is said where the engine's own advice names its REST API; None: the button says it."""


def advice(problem: Problem, slug: str) -> Text | None:
    """Return what to do, without a word of REST."""
    if _sent_by_others(problem):
        return _look_at(slug)
    if problem.code in _SAID:
        return _SAID[problem.code]
    return _look_at(slug) if "/v1/" in problem.fix.render() else problem.fix


def press(problem: Problem, slug: str) -> tuple[Text | None, tuple[str, ...]]:
    """Return the label and the command of the button that mends it, if one does."""
    if problem.code not in _PRESSED or _sent_by_others(problem):
        return None, ()
    label, words = _PRESSED[problem.code]
    return label, tuple(word.replace("{slug}", slug) for word in words)


def _sent_by_others(problem: Problem) -> bool:
    """Say if deliveries are refused that the sender need not have sent: there is nothing to configure then."""
    return problem.code in ("refused_mismatch", "refused_missing") and problem.severity == "warning"


def _look_at(slug: str) -> Text:
    return T("{command} shows each with its reason.", command=f"/ccb logs {slug}")
