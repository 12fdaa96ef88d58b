"""Block Kit builders: whatever is put in, what comes out is within Slack's limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot import blocks
from chatbot.words import split
from core.demo.stand_ins.slack.blocks import problems_of_blocks

LONG = st.one_of(st.text(), st.text(alphabet="ab&<>` ", max_size=50).map(lambda text: text * 200))


@given(LONG, LONG, st.integers(0, 120))
def test_the_longest_data_fits(said: str, other: str, count: int) -> None:
    buttons = [blocks.button(said, f"run:{n}", "x" * 2_000) for n in range(count)]
    options = [blocks.option(said, f"{n}{other}") for n in range(count + 1)]
    question = blocks.confirm(said, other, said, other)
    made = [
        blocks.header(said), blocks.section(blocks.plain(said), fields=[other] * count),
        blocks.context(*[said] * (count + 1)),
        blocks.actions([blocks.select(said, "menu", options), *buttons][:1]),
        blocks.actions([blocks.button(said, "gone", confirm=question, style="danger"), *buttons]),
        blocks.image("https://example.com/a.png", other or "x"), *[blocks.divider()] * count,
    ]  # fmt: skip
    assert problems_of_blocks(blocks.fitting(made, more=said), "message") == []


@given(st.text(alphabet="ab&;<>|:/x", max_size=80), st.integers(2, 40))
def test_a_cut_breaks_no_entity(text: str, most: int) -> None:
    cut = blocks.cut(blocks.plain(text), most)
    assert len(cut) <= most
    assert "<" not in cut
    rest = cut.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in rest


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("trace evt_1", ["trace", "evt_1"]),
        ('config x key="a b" "c d"', ["config", "x", "key=a b", "c d"]),
        ("say “two words” «и ещё» it's", ["say", "two words", "и ещё", "it's"]),
        ('never ends "here', ["never", "ends", '"here']),
        ("<@U0ANNA> in <#C0DEPLOYS|deploys> &amp; <#C0X>", ["@U0ANNA", "in", "#deploys", "&", "C0X"]),
        ("<https://a.example/x?y|a link> <mailto:a@b.example|a@b.example>", ["https://a.example/x?y", "a@b.example"]),
        ("<http://example.com|example.com>", ["example.com"]),
    ],
)
def test_a_line_is_split_as_it_was_meant(line: str, words: list[str]) -> None:
    assert split(line) == words


@given(st.text())
def test_no_line_breaks_the_splitting(line: str) -> None:
    split(line)


def test_times_become_those_of_the_reader() -> None:
    said = blocks.dated("Snoozed until 2023-11-14T23:13:52.000Z by ann, not 2023-11-14")
    assert (
        said
        == "Snoozed until <!date^1700003632^{date_short_pretty} {time}|2023-11-14 23:13 UTC> by ann, not 2023-11-14"
    )
