"""A request in words, and as it stands beside an integration: what it is at, what is wrong, what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from core.generation.money import dollars
from core.requests.model import Asked
from core.status.words import span
from core.texts import T, Text, revive, revive_text

INSUFFICIENT = "Insufficient integration requirements"
_UNALTERABLE = (INSUFFICIENT, "Dependency conflict detected")
"""What the request itself is the cause of: to begin again with the same words leads to the same."""


def told(asked: Asked, language: str) -> dict[str, Any] | None:
    """Return a request's `error_details` for whoever reads this language."""
    details = asked.error_details
    return {**details, "message": revive(details["message"], language)} if details else None


def pull_request(asked: Asked | None) -> dict[str, Any] | None:
    """Return its pull request as it is shown."""
    if asked is None or asked.row.pull is None:
        return None
    return {"number": asked.row.pull, "url": asked.row.pull_url, "state": asked.row.pull_state}


def issue(asked: Asked | None) -> dict[str, Any] | None:
    """Return its GitHub issue as it is shown."""
    if asked is None or asked.row.issue is None:
        return None
    return {"repository": asked.row.repository, "number": asked.row.issue}


def status(asked: Asked) -> Literal["requested", "generating", "inactive", "failed"]:
    """Return the status that it has as an integration."""
    shown = asked.row.status
    return shown if shown in ("requested", "generating", "failed") else "inactive"  # type: ignore[return-value]  # mypy narrows no str by `in`


def summary(asked: Asked, spending: Mapping[str, Any], *, now: float) -> Text:
    """Return where it stands, since when, and what it has cost."""
    return T(
        "{what} It has been so for {span}. Spent: {spent} of {limit}.",
        what=problem(asked) or stands(asked),
        span=span(now - asked.row.updated_at),
        spent=dollars(spending["spent_usd"], estimated=spending["estimated_usd"] > 0),
        limit=dollars(spending["limit_usd"]),
    )


def problem(asked: Asked) -> Text | None:
    """Return what is wrong, None when nothing is."""
    if not asked.error_details:
        return None
    reason = _reason(asked)
    if asked.row.status == "failed":
        return T("It has failed: {reason}", reason=reason)
    return T("It waits and goes on by itself: {reason}", reason=reason)


def stands(asked: Asked) -> Text:
    """Return where it stands."""
    row = asked.row
    match row.status:
        case "requested":
            waits = T("It is complete and waits for the approval of somebody with write access.")
            return T("It is being looked at.") if row.stage else waits
        case "generating":
            return {
                "write": T("Claude is writing its package."),
                "verify": T("Its package is being tested."),
                "publish": T("Its pull request is being made."),
            }.get(row.stage, T("It is under way."))
        case "failed":
            return T("It has failed.")
        case "installed":
            return T("It is installed.")
        case _ if row.pull_state == "open":
            return T("Its pull request #{number} is open.", number=row.pull)
        case _:
            return T("Its pull request is merged, and it is being installed.")


def next_step(asked: Asked) -> Text:
    """Return what to do now."""
    row = asked.row
    match row.status:
        case "failed":
            return _out_of_failure(asked)
        case "requested" if not row.stage:
            return T("POST /v1/requests/{id}/approve lets it go on.", id=asked.id)
        case "inactive" if row.pull_state == "open":
            return T("Review {url}; merging it installs the integration.", url=row.pull_url)
        case "installed":
            return T("Set what is missing and activate it: POST /v1/integrations/{id}/activate.", id=asked.id)
        case _:
            return T(
                "Wait for it: GET /v1/integrations/{id}/logs says how far it is. POST /v1/requests/{id}/stop stops it.",
                id=asked.id,
            )


def _out_of_failure(asked: Asked) -> Text:
    assert asked.error_details is not None
    error, number = asked.error_details["error"], asked.row.issue
    if error not in _UNALTERABLE:
        return T("POST /v1/requests/{id}/retry begins it again.", id=asked.id)
    if number is None and error == INSUFFICIENT:
        return T(
            "PATCH /v1/requests/{id} adds what is missing: {names}.",
            id=asked.id, names=", ".join(asked.error_details.get("missing_fields", [])),
        )  # fmt: skip
    if number is None:
        return T("PATCH /v1/requests/{id} changes what stands in the way.", id=asked.id)
    if error == INSUFFICIENT:
        return T(
            "Edit the issue and add what is missing: {names}. Then POST /v1/issues/{number}/reprocess.",
            names=", ".join(asked.error_details.get("missing_fields", [])), number=number,
        )  # fmt: skip
    return T("Edit the issue, then POST /v1/issues/{number}/reprocess.", number=number)


def _reason(asked: Asked) -> Text:
    assert asked.error_details is not None
    return revive_text(asked.error_details["message"])
