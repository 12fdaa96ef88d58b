"""The engine's own words: stored in English, read in any language."""

from __future__ import annotations

import pytest

from core.alerting import own
from core.alerts.defaults import DEFAULTS
from core.texts import Text

WRITTEN = [
    own.PUBLIC_URL, own.filled(own.PUBLIC_URL_WHEN, times=3), own.PUBLIC_URL_FIX,
    own.filled(own.KEY, name="ci {x} [*]"), own.filled(own.KEY_WHEN, count=1), own.filled(own.KEY_WHEN, count=14),
    own.KEY_OVER, own.filled(own.KEY_FIX, id="key_1"), own.DISK, own.DISK_FULL, own.filled(own.DISK_WHEN, size="1 GB"),
    own.DISK_FIX, own.filled(own.CHANNEL, channel="jsons://hooks.example.com/••••3fa9c1"),
    own.filled(own.CHANNEL_WHEN, times=3), own.CHANNEL_FIX, own.SCHEDULER, own.filled(own.SCHEDULER_WHEN, seconds=60),
    own.SCHEDULER_FIX, own.filled(own.QUOTA, service="GitHub"), own.filled(own.QUOTA_WHEN, share=10),
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN, ids=str)
def test_what_was_stored_is_a_text_again(text: Text) -> None:
    stored = str(text)
    read = own.spoken(stored)
    assert str(read) == stored
    assert (read.message, read.plural, read.count) == (text.message, text.plural, text.count)


def test_the_advice_of_the_rules_that_each_integration_has_is_the_engines_too() -> None:
    for rule in DEFAULTS:
        assert own.spoken(rule.description).message == rule.description


def test_what_is_none_of_ours_stays_as_it_is() -> None:
    assert own.spoken("Call {the} team").render("ru") == "Call {the} team"
