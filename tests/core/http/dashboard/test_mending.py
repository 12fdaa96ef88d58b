"""What to do about a problem, as a page says it: never an operation of the REST API."""

from __future__ import annotations

import pytest

from core.alerting.engine_words import ADVICE
from core.http.dashboard import load, mending
from core.http.integration_status import ProblemOut
from core.status import Snapshot
from core.status.problems import no_scheduler
from core.texts import Text

REST = "Do it: POST /v1/integrations/x/activate."
CODES = (
    "paused", "inactive", "configuration_incomplete", "configuration_illegible", "failed", "unfinished", "no_scheduler",
    "dead_events", "failing", "grants_lag", "version_waits", "refused_mismatch", "refused_no_secret",
    "refused_signature", "refused_missing", "refused_inactive", "refused_anything",
)  # fmt: skip


def _problem(code: str, fix: str = REST) -> ProblemOut:
    return ProblemOut(code=code, severity="error", message="It is so.", fix=fix)


@pytest.mark.parametrize("code", CODES)
def test_nobody_is_sent_to_the_rest_api(code: str) -> None:
    said, steps = mending.advice(_problem(code), "x", ["webhook_secret"]), mending.steps(_problem(code))
    assert said is not None or steps
    assert "/v1/" not in str(said)
    if isinstance(said, Text):
        assert "/v1/" not in said.render("ru")


@pytest.mark.parametrize("advice", ADVICE, ids=str)
def test_nor_by_an_alert_of_the_engines_own(advice: Text) -> None:
    said = mending.of_alert(advice.message.replace("{id}", "key_1").replace("{count}", "3"))
    assert "/v1/" not in said.render() and said.render("ru") != said.render()


def test_what_a_rule_says_stands_as_it_is() -> None:
    assert mending.of_alert("POST /v1/backups, says Anna").render("ru") == "POST /v1/backups, says Anna"


def test_the_systems_health_is_a_page() -> None:
    (problem,) = no_scheduler(Snapshot("x", "active", 0.0, scheduler="gone"))
    said = mending.advice(_problem("no_scheduler", problem.fix.render()), "x", [])
    assert said is not None and "GET " not in str(said) and mending.steps(_problem("no_scheduler"))


def test_each_link_leads_to_a_page() -> None:
    pages = {route.path for route in load() if route.method == "GET"}
    for code in CODES:
        for step in mending.steps(_problem(code)):
            path = step.path.partition("?")[0].partition("#")[0]
            whole = path if path.startswith("/") else f"/dashboard/integrations/{{id}}/{path}"
            assert whole in pages, step


def test_what_names_no_address_is_said_as_it_is() -> None:
    assert mending.advice(_problem("refused_expired", "Set the clocks."), "x", []) == "Set the clocks."


def test_what_no_page_can_do_is_a_command() -> None:
    said = mending.advice(_problem("configuration_incomplete"), "x", ["channel", "token"])
    assert "`ccb config x channel=…`" in str(said)
    assert "`ccb config x webhook_secret=…`" in str(mending.advice(_problem("refused_signature"), "x", []))
    other = ProblemOut(code="refused_mismatch", severity="warning", message="It is so.", fix=REST)
    assert mending.advice(other, "x", []) is None and mending.steps(other)
