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


def health(status: str) -> Text:
    """Return how a dependency or the whole engine is."""
    match status:
        case "ok":
            return T(":large_green_circle: works")
        case "degraded":
            return T(":large_yellow_circle: works with trouble")
        case "down":
            return T(":red_circle: does not work")
        case _:
            return T(":white_circle: not configured")
