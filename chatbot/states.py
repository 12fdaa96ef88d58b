"""States in words, each with a mark beside it: never the mark alone."""

from __future__ import annotations

from core.texts import T, Text


def state(status: str) -> Text:
    """Return an integration's status."""
    match status:
        case "active":
            return T(":large_green_circle: active")
        case "paused":
            return T(":double_vertical_bar: paused")
        case "inactive":
            return T(":white_circle: not active")
        case "failed":
            return T(":red_circle: failed")
        case "requested":
            return T(":memo: asked for")
        case "generating":
            return T(":hourglass_flowing_sand: being written")
        case _:
            return T("{status}", status=status)


def event_state(status: str) -> Text:
    """Return an event's status."""
    match status:
        case "queued":
            return T(":white_circle: waits")
        case "processing":
            return T(":hourglass_flowing_sand: in hand")
        case "succeeded":
            return T(":large_green_circle: succeeded")
        case "failed":
            return T(":large_yellow_circle: failed, will be tried again")
        case "dead":
            return T(":red_circle: dead")
        case "discarded":
            return T(":wastebasket: discarded")
        case "skipped":
            return T(":fast_forward: not handled, as its type is not wanted")
        case _:
            return T("{status}", status=status)


def failure(kind: str) -> Text:
    """Return of which kind an event's failure is."""
    match kind:
        case "Upstream failed":
            return T("Upstream failed")
        case "Not configured":
            return T("Not configured")
        case "Processing failed":
            return T("Processing failed")
        case _:
            return T("{status}", status=kind)


def health(status: str) -> Text:
    """Return how a dependency or the whole engine is."""
    match status:
        case "ok":
            return T(":large_green_circle: works")
        case "starting":
            return T(":hourglass_flowing_sand: starting")
        case "degraded":
            return T(":large_yellow_circle: works with trouble")
        case "down":
            return T(":red_circle: does not work")
        case _:
            return T(":white_circle: not configured")


def severity(found: str) -> Text:
    """Return how bad an alert is."""
    match found:
        case "critical":
            return T(":rotating_light: critical")
        case "info":
            return T(":information_source: for your information")
        case _:
            return T(":warning: warning")


def alert(status: str) -> Text:
    """Return how an alert is."""
    match status:
        case "pending":
            return T(":hourglass_flowing_sand: not for long enough yet")
        case "firing":
            return T(":red_circle: firing")
        case "acknowledged":
            return T(":large_yellow_circle: acknowledged")
        case "snoozed":
            return T(":zzz: snoozed")
        case "resolved":
            return T(":large_green_circle: resolved")
        case "withdrawn":
            return T(":white_circle: over before it was told")
        case "ended_without_data":
            return T(":white_circle: ended without data")
        case _:
            return T(":white_circle: its rule was removed")


def rule(found: str) -> Text:
    """Return how an alert rule stood at the last look."""
    match found:
        case "ok":
            return T(":large_green_circle: all well")
        case "pending":
            return T(":hourglass_flowing_sand: it holds, not for long enough yet")
        case "firing":
            return T(":red_circle: firing")
        case "no_data":
            return T(":white_circle: no data")
        case _:
            return T(":grey_question: not looked at yet")
