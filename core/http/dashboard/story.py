"""How the lines of an alert's history are marked, and what is said in its messages, in words. Pure."""

from __future__ import annotations

from core.texts import T, Text

_SIGNS: dict[str, tuple[str, str]] = {
    "pending": ("△", "warn"),
    "firing": ("▲", "bad"),
    "resolved": ("✓", "good"),
    "withdrawn": ("–", "quiet"),
    "ended_without_data": ("–", "quiet"),
    "removed": ("–", "quiet"),
    "rule_changed": ("✎", "calm"),
    "no_data": ("?", "warn"),
    "data_again": ("✓", "good"),
    "damped": ("‖", "warn"),
    "silenced": ("‖", "warn"),
    "silence_over": ("▷", "calm"),
    "planned": ("→", "calm"),
    "repeat": ("→", "calm"),
    "acknowledged": ("✓", "calm"),
    "snoozed": ("‖", "calm"),
    "unsnoozed": ("▷", "calm"),
    "replayed": ("↻", "calm"),
    "delivered": ("✓", "good"),
    "attempt_failed": ("✗", "warn"),
    "dead": ("✗", "bad"),
    "skipped": ("–", "quiet"),
}
_KINDS: dict[str, Text] = {
    "fired": T("that it fires"),
    "repeat": T("that it still fires"),
    "acknowledged": T("that it was acknowledged"),
    "snoozed": T("that it was snoozed"),
    "unsnoozed": T("that it is no longer snoozed"),
    "replayed": T("that its events are replayed"),
    "no_data": T("that there is no data"),
    "data_again": T("that there is data again"),
    "rule_changed": T("that its rule was changed"),
    "ended": T("that it ended"),
}


def sign(kind: str) -> tuple[str, str]:
    """Return the symbol of a line of the history, and its kind, which the style sheet colours."""
    return _SIGNS.get(kind, ("·", "quiet"))


def item_kind(kind: str) -> Text:
    """Return what was to be said in a message."""
    return _KINDS.get(kind, T("{kind}", kind=kind))
