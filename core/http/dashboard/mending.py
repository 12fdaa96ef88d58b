"""What to do about an integration's problem, in a page's own terms: a sentence, and the links that lead to it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.actors import Permission
from core.alerting.engine_words import spoken
from core.http.integration_status import ProblemOut
from core.texts import T, Text

_OPERATION = re.compile(r"/v1/|\b(GET|POST|PUT|PATCH|DELETE) [/…]")


@dataclass(frozen=True)
class Step:
    """A link. `path`: behind the integration's own, or from the root. `needs`: what its page asks for."""

    label: Text
    path: str
    needs: Permission


_ACTIVATE = Step(T("Activate…"), "activate", "integrations.activate")
_AGAIN = Step(T("Look at what it may do, and activate it…"), "activate", "integrations.activate")
_SYSTEM = Step(T("Show the system page"), "/dashboard/system", "integrations.read")
_LOGS = Step(T("Show its log"), "logs", "logs.read")
_REFUSED = Step(T("Show what was refused, and why"), "logs#refused", "logs.read")
_STEPS: Mapping[str, Sequence[Step]] = {
    "paused": (_ACTIVATE,),
    "inactive": (_ACTIVATE,),
    "grants_lag": (_AGAIN,),
    "version_waits": (_AGAIN,),
    "dead_events": (
        Step(T("Show dead events"), "events?status=dead", "events.read"),
        Step(T("Try all of them again…"), "retry", "events.replay"),
        Step(T("Discard all of them…"), "discard", "events.replay"),
    ),
    "failing": (Step(T("Show failing events"), "events?status=failed", "events.read"),),
    "queue_late": (_SYSTEM,),
    "no_scheduler": (_SYSTEM,),
    "failed": (_LOGS,),
    "unfinished": (_LOGS,),
    "refused_inactive": (_ACTIVATE, _REFUSED),
}
"""Where a problem is mended, by its code; of every other refusal its list is shown."""
_SWITCHED_BY = T("Whoever has a key with integrations.activate switches it on.")
_SAID: Mapping[str, Text | None] = {
    "paused": _SWITCHED_BY,
    "inactive": _SWITCHED_BY,
    "grants_lag": _SWITCHED_BY,
    "version_waits": _SWITCHED_BY,
    "dead_events": T("Mend the cause, then try them again; or discard them."),
    "failing": T("Mend the cause before the attempts are used up."),
    "no_scheduler": T("Whoever runs the engine starts a node with the role scheduler (CCB_ROLES)."),
    "failed": T("Its log says what is missing."),
    "unfinished": T("Its log says how far it is, and what it waits for."),
}
"""What is said where the engine's own advice names its REST API."""
_UNSIGNED = ("refused_mismatch", "refused_no_secret", "refused_signature", "refused_missing")


_NEW_KEY = T(
    "Make another by `ccb keys create`, give it to whoever uses this one, then end this one by `ccb keys revoke`."
)
_OWN: Mapping[str, Text] = {
    "/v1/auth/tokens/": _NEW_KEY,
    "ccb backup --reported": T("Report it when it has been made: `ccb backup --reported`."),
    "/v1/backups": T("Make one now: `ccb backup`; it says what stands in the way."),
    "/alerts/test": T("Mend it, then send a test message from the rules of an integration that uses it."),
}
"""What is said of the engine's own alerts, where the advice that they came with has this in it."""


def names_rest(text: str) -> bool:
    """Say whether a text sends its reader to an operation of the REST API."""
    return _OPERATION.search(text) is not None


def of_alert(description: str) -> Text:
    """Return what to do about an alert: what its rule says, or of the engine's own what a page can say."""
    said = spoken(description)
    return next((text for part, text in _OWN.items() if names_rest(said.message) and part in said.message), said)


def steps(problem: ProblemOut) -> Sequence[Step]:
    """Return the links that mend a problem, the most useful first."""
    if problem.code in _STEPS:
        return _STEPS[problem.code]
    return (_REFUSED,) if problem.code.startswith("refused_") else ()


def advice(problem: ProblemOut, slug: str, missing: Sequence[str]) -> Text | str | None:
    """Return what to do, without a word of REST; what no page can do, as a command to be typed."""
    typed = f"ccb config {slug}"
    if problem.code == "configuration_incomplete" and missing:
        command = f"{typed} {missing[0]}=…"
        return T("Set it where the engine runs, by `{command}`, then activate it.", command=command)
    if problem.code == "configuration_illegible":
        return T("Mend it where the engine runs, by `{command}`.", command=typed)
    if problem.severity == "error" and problem.code in _UNSIGNED:
        command = f"{typed} webhook_secret=…"
        return T("Give both sides the same secret: in the sender's settings, and here by `{command}`.", command=command)
    return _SAID.get(problem.code) if names_rest(problem.fix) else problem.fix
