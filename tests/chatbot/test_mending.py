"""What to do about a problem, as Slack says it."""

from __future__ import annotations

import pytest

from chatbot import mending
from chatbot.command import find
from core.status import Problem
from core.texts import T

REST = T("Do it: POST /v1/integrations/x/activate.")
CODES = (
    "paused", "inactive", "configuration_incomplete", "configuration_illegible", "failed", "no_scheduler",
    "dead_events", "failing", "grants_lag", "version_waits", "refused_mismatch", "refused_no_secret",
    "refused_signature", "refused_missing", "refused_anything", "another",
)  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_nobody_is_sent_to_the_rest_api(code: str) -> None:
    problem = Problem(code, "error", T("It is so."), REST)
    said, (label, words) = mending.advice(problem, "x"), mending.press(problem, "x")
    assert said is not None or label is not None
    assert "/v1/" not in (said.render() if said is not None else "")
    assert label is None or find(words[0]) is not None


def test_what_names_no_address_is_said_as_it_is() -> None:
    problem = Problem("refused_expired", "error", T("It is so."), T("Set the clocks of both sides by NTP."))
    assert mending.advice(problem, "x") == problem.fix and mending.press(problem, "x") == (None, ())


def test_what_somebody_else_may_have_sent_needs_no_new_secret() -> None:
    problem = Problem("refused_mismatch", "warning", T("It is so."), REST)
    said = mending.advice(problem, "x")
    assert said is not None and "/ccb logs x" in said.render()
    assert mending.press(problem, "x") == (None, ())
