"""docs/alerts.md says what the code does."""

from __future__ import annotations

import re

import pytest

from core.alerts.language import GRAMMAR, parse
from core.alerts.measures import MEASURES
from core.channels import CHANNELS
from tests.doc_tables import ROOT

PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
OTHERS = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
CONDITIONS = PAGE.partition("## Conditions")[2].partition("| Metrics |")[0]


def test_the_grammar_is_the_one_that_is_read() -> None:
    assert f"```lark{GRAMMAR}```" in PAGE


@pytest.mark.parametrize("condition", re.findall(r"^\| `([^`]+)`", CONDITIONS, re.MULTILINE))
def test_the_examples_are_rules(condition: str) -> None:
    parse(condition)


def test_every_metric_is_there() -> None:
    table = PAGE.partition("| Metrics |")[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(first))) == sorted(MEASURES)


def test_every_channel_has_its_row() -> None:
    table = PAGE.partition("## Channels")[2].partition("##")[0]
    for channel in (one for one in CHANNELS if one.setting):
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{channel.name}` |")]
        assert f"`{channel.form}`" in row and f"`{channel.setting}`" in row


def test_every_other_service_stands_in_its_own_page() -> None:
    for channel in (one for one in CHANNELS if not one.setting):
        assert f"{channel.name}://" in OTHERS or f"{channel.name.removesuffix('s')}://" in OTHERS, channel.name
