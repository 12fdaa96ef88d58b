"""What an attempt leaves behind beside its steps: counts for the metrics, lines in the integration's log. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

from core import histogram
from core.effects import Outcome
from core.errors import CcbError, Upstream
from core.monitoring import LogLevel
from core.texts import revive
from storage import metrics
from storage.queue import Claimed, Ending

LONGEST_PRINT = 4000
"""Characters of what a handler printed that its line in the log has; the run keeps all of it."""

_ENDS = {"succeeded": "succeeded", "dead": "dead", "failed": "retried"}


def count_end(
    counts: metrics.Counts, event: Claimed, ending: Ending, *, processing_ms: float, sandbox_ms: float
) -> None:
    """Count the end of an attempt; one that does not count as an attempt is none."""
    name = _ENDS.get(ending.status)
    if name is None or not ending.counted:
        return
    metrics.count(counts, event.integration_id, ending.at, name)
    metrics.count(counts, event.integration_id, ending.at, "sandbox_ms", by=sandbox_ms)
    measured = {"processing_ms": processing_ms}
    if name != "retried" and event.run == 1:  # a later run begins long after the event came
        measured["latency_ms"] = (ending.at - event.received_at) * 1e3
    for metric, milliseconds in measured.items():
        metrics.count(counts, event.integration_id, ending.at, metric, bucket=histogram.bucket_of(milliseconds))


def count_effect(counts: metrics.Counts, integration_id: str, at: float, outcome: Outcome) -> None:
    """Count an action that was done, and the class of its answer where it went anywhere."""
    metrics.count(counts, integration_id, at, "effects")
    if "log" not in outcome.answer:
        metrics.count(counts, integration_id, at, _class_of(outcome.answer.get("status", HTTPStatus.OK)))


def count_refusal(counts: metrics.Counts, integration_id: str, at: float, error: CcbError) -> None:
    """Count the class of the answer to an action that failed; what was never sent has none."""
    if isinstance(error, Upstream):
        metrics.count(counts, integration_id, at, _class_of(error.details.get("status")))


def _class_of(status: object) -> str:
    return f"deliveries_{status // 100}xx" if isinstance(status, int) and 200 <= status < 600 else "deliveries_none"


def line(
    event: Claimed,
    at: float,
    level: LogLevel,
    message: str,
    fields: Mapping[str, Any],
    *,
    text: str | None = None,
) -> dict[str, Any]:
    """Return the row of one line of the log. `text`: the message as `Text.dump` gives it, where it is the engine's."""
    return {
        "integration_id": event.integration_id,
        "event_id": event.id,
        "at": at,
        "level": level,
        "message": message,
        "fields": orjson.dumps(dict(fields)).decode(),
        "text": text,
    }


def printed(event: Claimed, at: float, text: str) -> dict[str, Any]:
    """Return the line that says what a handler printed."""
    shown = text if len(text) <= LONGEST_PRINT else f"{text[: LONGEST_PRINT - 1]}…"
    return line(event, at, "debug", shown.rstrip("\n"), {"printed": True})


def trouble(event: Claimed, ending: Ending, *, step: str) -> dict[str, Any] | None:
    """Return the line that says why an attempt failed: an error where it was the last, else a warning."""
    if ending.error is None or ending.status not in ("dead", "failed"):
        return None
    told = orjson.loads(ending.error)
    fields: dict[str, Any] = {"error": told["error"], "attempt": event.attempt, "step": step}
    if ending.run_at is not None:
        fields["retry_in_seconds"] = round(ending.run_at - ending.at, 1)
    if ending.waiting_for is not None:
        fields["waiting_for"] = ending.waiting_for
    level: LogLevel = "error" if ending.status == "dead" else "warning"
    return line(event, ending.at, level, revive(told["message"]), fields, text=told["message"])
