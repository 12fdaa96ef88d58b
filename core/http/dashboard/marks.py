"""What a state looks like: a symbol, a kind, which the style sheet colours, and a word: never colour alone."""

from __future__ import annotations

from core.texts import T, Text

MARKS: dict[str, tuple[str, str, Text]] = {
    "queued": ("○", "calm", T("queued")),
    "processing": ("●", "calm", T("processing")),
    "succeeded": ("✓", "good", T("succeeded")),
    "failed": ("✗", "warn", T("failed")),
    "dead": ("✗", "bad", T("dead")),
    "skipped": ("–", "quiet", T("skipped")),
    "discarded": ("–", "quiet", T("discarded")),
    "requested": ("○", "calm", T("requested")),
    "generating": ("●", "calm", T("generating")),
    "inactive": ("○", "warn", T("inactive")),
    "active": ("✓", "good", T("active")),
    "paused": ("‖", "warn", T("paused")),
    "firing": ("▲", "bad", T("firing")),
    "pending": ("△", "warn", T("pending")),
    "no_data": ("?", "warn", T("no data")),
    "acknowledged": ("▲", "warn", T("acknowledged")),
    "snoozed": ("▲", "quiet", T("snoozed")),
    "silenced": ("‖", "quiet", T("silenced")),
    "resolved": ("✓", "good", T("resolved")),
    "withdrawn": ("–", "quiet", T("withdrawn")),
    "ended_without_data": ("–", "quiet", T("ended without data")),
    "removed": ("–", "quiet", T("rule removed")),
    "critical": ("●", "bad", T("critical")),
    "info": ("○", "calm", T("info")),
    "delivered": ("✓", "good", T("delivered")),
    "not_delivered": ("✗", "bad", T("not delivered")),
    "waits": ("○", "calm", T("waits")),
    "given_up": ("✗", "bad", T("given up")),
    "now": ("‖", "warn", T("now")),
    "coming": ("○", "calm", T("coming")),
    "ended": ("–", "quiet", T("ended")),
    "running": ("●", "calm", T("running")),
    "cancelled": ("–", "quiet", T("cancelled")),
    "success": ("✓", "good", T("done")),
    "error": ("✗", "bad", T("failed")),
    "problem": ("✗", "bad", T("error")),
    "warning": ("!", "warn", T("warning")),
    "ok": ("✓", "good", T("in order")),
    "degraded": ("!", "warn", T("degraded")),
    "down": ("✗", "bad", T("down")),
    "starting": ("●", "calm", T("starting")),
    "configured": ("✓", "good", T("configured")),
    "not_configured": ("–", "quiet", T("not configured")),
}


def mark(state: str, language: str) -> tuple[str, str, str]:
    """Return a state's symbol, kind and word."""
    symbol, kind, word = MARKS.get(state, ("?", "quiet", T("{state}", state=state)))
    return symbol, kind, word.render(language)
