"""Spans of time in words. Their Russian is in the accusative: they stand behind "for", "in" and before "ago"."""

from __future__ import annotations

from core.texts import TN, Text


def span(seconds: float) -> Text:
    """Return a span in the largest unit of which there are at least two, rounded down; the least is one minute."""
    minutes = max(1, int(seconds // 60))
    if minutes < 120:
        return TN("{count} minute", "{count} minutes", minutes)
    if minutes < 48 * 60:
        return TN("{count} hour", "{count} hours", minutes // 60)
    return TN("{count} day", "{count} days", minutes // (24 * 60))
