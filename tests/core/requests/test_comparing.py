"""Old and new output side by side, as Markdown in which strangers' text has no power."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from core.requests.comparing import Compared, Output, table

LOG = Output([{"type": "log", "message": "Hello"}])
PING = Output([{"type": "log", "message": "Привет, Ada"}, {"type": "slack_message", "channel": "#ops"}])


def cells(shown: str) -> list[list[str]]:
    return [line.strip("|").split("|") for line in shown.splitlines() if line.startswith("| <")]


def test_nothing_to_compare_says_nothing() -> None:
    assert table("", [], "en", values=True) == ""


def test_what_is_the_same_is_not_shown_twice() -> None:
    shown = table("abc", [Compared("push", LOG, LOG), Compared("push", LOG, PING)], "en", values=True)
    assert "Different from what `abc` gives: 1 of the last 2." in shown
    assert next(row[2].strip() for row in cells(shown)) == "the same"
    assert "Привет" in html.unescape(cells(shown)[1][2]) and "#ops" in html.unescape(cells(shown)[1][2])


def test_where_everybody_reads_there_are_no_values() -> None:
    shown = html.unescape(table("abc", [Compared("push", LOG, PING), Compared("push", Output([], "at 7: Ada"), LOG)],
                                "en", values=False))  # fmt: skip
    assert "slack_message" in shown and "✗" in shown
    assert not any(secret in shown for secret in ("Hello", "Ada", "#ops"))


def test_much_is_cut() -> None:
    much = Output([{"type": "log", "message": "x" * 5_000}] * 20)
    shown = table("abc", [Compared("push", much, LOG)] * 5, "en", values=True)
    assert len(shown) < 20_000 and "…" in html.unescape(shown)


@given(st.text(max_size=200))
def test_nothing_of_markdown_works_in_it(text: str) -> None:
    shown = table("abc", [Compared(text, Output([], text), Output([{"type": "log", "message": text}]))], "en",
                  values=True)  # fmt: skip
    row = shown.split("| --- | --- | --- |\n")[1]
    assert len(row.splitlines()) == 1
    rest = re.sub(r"</?code>|<br>|&#\d+;|[ |–✗]", "", row)
    assert all(c.isalnum() for c in rest)
