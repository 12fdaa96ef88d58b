"""An alert's message: what Slack takes, whatever its rule and its events are called."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot import alert_blocks
from chatbot.states import failure
from core.alert_message import Action, AlertMessage, AlertPart, AlertStatus
from core.demo.stand_ins.slack.blocks import problems_of_blocks
from core.errors import NotConfigured, Upstream
from core.handler import HandlerError
from core.texts import T

ALL: tuple[Action, ...] = (
    "acknowledge", "snooze_1h", "snooze_tomorrow", "trace", "replay_failed", "graph", "doctor",
)  # fmt: skip
LONG = st.one_of(st.text(), st.text(alphabet="ab&<>`| ", max_size=50).map(lambda text: text * 200))


def _part(text: str, status: AlertStatus = "firing") -> AlertPart:
    said = T("{said}", said=text)
    return AlertPart(
        id="alt_01HF7YBDH0A7YDD767W494PEYZ", name=text[:80] or "x", severity="critical", status=status,
        integration=text, integration_id="int_1", condition=text, measured=said, since=1.7e9, what=said, counts=said,
        cause=said, changes=[said] * 3, notes=[said] * 3, description=text, example="evt_1", failures=31,
    )  # fmt: skip


@settings(max_examples=30)
@given(LONG, st.integers(1, 60))
def test_slack_takes_the_longest_and_the_most(text: str, count: int) -> None:
    message = AlertMessage("alm_01HF7YBDH0A7YDD767W494PEYZ", [_part(text)] * count, ALL)
    for language in ("en", "ru"):
        made = alert_blocks.rendered(message, language)
        assert problems_of_blocks(made["blocks"], "message") == []
        assert 0 < len(made["text"]) <= 4_000


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("firing", ":red_circle: firing"), ("acknowledged", ":large_yellow_circle: acknowledged"),
        ("snoozed", ":zzz: snoozed"), ("resolved", ":large_green_circle: resolved"),
        ("ended_without_data", "ended without data"), ("removed", "its rule was removed"),
    ],
)  # fmt: skip
def test_a_state_is_said_in_words_too(status: AlertStatus, words: str) -> None:
    part = replace(_part("Errors", status), name="<!channel> Errors")
    made = alert_blocks.rendered(AlertMessage("alm_1", [part]), "en")
    assert words in str(made["blocks"][0])
    assert "<!channel>" not in str(made), "a name calls nobody"
    assert "actions" not in {block["type"] for block in made["blocks"]}


def test_what_repeats_effects_asks_first() -> None:
    made = alert_blocks.rendered(AlertMessage("alm_1", [_part("Errors")], ALL), "en")
    [row] = [block for block in made["blocks"] if block["type"] == "actions"]
    replay = next(one for one in row["elements"] if one["action_id"] == "replay_failed")
    assert replay["text"]["text"] == "Replay 31 failed"
    assert replay["confirm"]["style"] == "danger" and "cannot be taken back" in replay["confirm"]["text"]["text"]
    assert replay["value"] == "alm_1"


def test_times_are_each_readers_own_wherever_they_stand() -> None:
    said = T("The key ci expires in 47 h, at {when}.", when="2026-11-26T23:46:10.000Z")
    made = alert_blocks.rendered(AlertMessage("alm_1", [replace(_part("x"), what=said, measured=said)]), "en")
    assert "T23:46" not in str(made) and "<!date^1795736770^" in made["text"]
    assert "<!date^1795736770^" in made["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("kind", [Upstream.default_error, NotConfigured.default_error, HandlerError.default_error])
def test_each_kind_of_failure_that_an_event_has_can_be_said_in_any_language(kind: str) -> None:
    assert str(failure(kind)) == kind and failure(kind).message == kind
