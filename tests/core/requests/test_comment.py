"""The comment on a request's issue says how far it is, and what to do now."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from core.generation.money import dollars
from core.requests.comment import comment
from core.requests.model import Asked
from core.texts import T
from storage.requests import IntegrationRequest, Round

RUN_AT = 1767225900.0
"""2026-01-01, 00:05 UTC."""


def said(
    status: str,
    stage: str = "",
    rounds: tuple[dict[str, Any], ...] = (),
    error: str = "",
    language: str = "en",
    **row: Any,
) -> list[str]:
    """Return the comment's lines for a request in a state."""
    details = {"error": error, "message": T("why").dump()} if error else None
    stored = IntegrationRequest(
        id="int_1", slug="s", title="Sentry → Slack", language=language, origin="issue", asked_by="ann", fields="{}",
        status=status, stage=stage, error_details=orjson.dumps(details).decode() if details else None, created_at=0.0,
        updated_at=0.0, **row,
    )  # fmt: skip
    kept = [
        Round(request_id="int_1", version=1, round=number, at=0.0, model="m", text="", **one)
        for number, one in enumerate(rounds, 1)
    ]
    asked = Asked(stored, {"service_name": "Sentry"}, (), details)
    return comment(asked, kept, spent=dollars(0)).splitlines()


REFUSED, GOOD, DECLINED = {"files": "{}", "problem": "x"}, {"files": "{}", "problem": ""}, {"problem": "x"}


@pytest.mark.parametrize(
    ("marks", "state"),
    [
        ("●○○○", {"status": "requested", "stage": "check"}),
        ("✓○○○", {"status": "requested"}),  # it waits for an approval
        ("✓●○○", {"status": "generating", "stage": "write"}),
        ("✓●○○", {"status": "generating", "stage": "write", "rounds": (REFUSED,)}),  # Claude writes again
        ("✓✓●○", {"status": "generating", "stage": "verify", "rounds": ({"files": "{}"},)}),
        ("✓✓✓●", {"status": "generating", "stage": "publish", "rounds": (GOOD,)}),
        ("✓✓✓✓", {"status": "inactive", "rounds": (GOOD,)}),
        ("✓✓✓✓", {"status": "failed", "stage": "install", "rounds": (REFUSED,)}),  # merged by hand after all
        ("✓✓✓✓", {"status": "installed", "rounds": (GOOD,)}),
        ("○○○○", {"status": "failed", "error": "Dependency conflict detected"}),
        ("○○○○", {"status": "failed", "error": "Insufficient integration requirements"}),
        ("✓○○○", {"status": "failed", "error": "Upstream failed"}),  # such as a key that Claude refuses
        ("✓○○○", {"status": "failed", "error": "Claude declined", "rounds": (DECLINED,)}),
        ("✓✓○○", {"status": "failed", "error": "Budget exceeded", "rounds": (REFUSED,)}),
        ("✓✓✓○", {"status": "failed", "error": "Pull request closed", "rounds": (GOOD,)}),
    ],
)
def test_how_far_it_is(marks: str, state: dict[str, Any]) -> None:
    [line] = [line for line in said(**state) if " · " in line and "pull request" in line]
    assert "".join(part[0] for part in line.split(" · ")) == marks


def test_what_waits_says_until_when() -> None:
    lines = said("generating", "write", error="Rate limit exceeded", run_at=RUN_AT)
    assert lines[0] == "### Sentry → Slack: waits, and goes on by itself"
    assert lines[-1] == "It is tried again on 1 Jan, 00:05 UTC. To stop it, comment `/ccb stop`."
    assert "1 янв., 00:05" in said("generating", "write", error="x", run_at=RUN_AT, language="ru")[-1]
    assert said("generating", "write", run_at=RUN_AT)[-1] == "To stop it, comment `/ccb stop`."


def test_what_the_request_itself_is_the_cause_of_is_not_begun_again_as_it_is() -> None:
    last = said("failed", error="Dependency conflict detected")[-1]
    assert "/ccb retry" not in last and "Edit the issue" in last
    assert "/ccb retry" in said("failed", error="Generation failed")[-1]
