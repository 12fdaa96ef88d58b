"""What a sentence gives away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import gallery
from core.requests.guessing import guessed

HERE = "Slack\nC0GENERAL"


@pytest.mark.parametrize(
    ("sentence", "service", "target"),
    [
        ("Post each new Sentry issue to this channel", "Sentry", HERE),
        ("When a GitHub issue is opened, create a Jira ticket", "GitHub", "Jira"),
        ("Пиши в канал о каждой ошибке из sentry", "Sentry", HERE),
        ("Create a Jira ticket", "Jira", None),
        ("Do something", None, None),
    ],
)
def test_whose_events_and_where_to(sentence: str, service: str | None, target: str | None) -> None:
    found = guessed({"description": sentence, "service_name": "", "target_service": " "}, here=HERE)
    assert (found.get("service_name"), found.get("target_service")) == (service, target)
    assert found["integration_type"] == "Webhook"


@given(st.dictionaries(st.sampled_from(["description", "service_name", "target_service", "events"]), st.text()))
def test_what_was_typed_stays(fields: dict[str, str]) -> None:
    found = guessed(fields, here=HERE)
    assert {name: value for name, value in fields.items() if value.strip()}.items() <= found.items()
    assert all(found.values())


def test_the_ready_made_ones_that_fit() -> None:
    assert [one.name for one in gallery.fitting("sentry")] == ["sentry-issue-to-github-issue"]
    first, *others = gallery.fitting("Tell who pushes to GitHub, in Slack")
    assert first.name.startswith("github-") and all(one.name.startswith("github-") for one in others)
    assert gallery.fitting("nothing of the kind") == []
