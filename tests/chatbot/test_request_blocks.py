"""The message that follows a request, within Slack's limits whatever it says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatbot import request_blocks
from core.demo.stand_ins.slack.blocks import problems_of_blocks
from core.generation.template import FIELDS
from core.request_message import Lack, Mark, Press, RequestMessage, Step, Steps
from core.requests.fields import WHY
from core.texts import T, Text

PRESSES: tuple[Press, ...] = ("stop", "retry", "fill", "change", "pull", "configure", "activate", "status")
STEPS: list[tuple[Text, Mark]] = [(T("understood"), "done"), (T("Claude wrote it"), "now"), (T("pull request"), "todo")]


def _message(long: str, language: str = "en") -> RequestMessage:
    return RequestMessage(
        request="int_01",
        title=long,
        asked_by="anna",
        asker="U0ANNA",
        language=language,
        state=T("active"),
        since=1_700_000_000.0,
        steps=STEPS,
        next_step=T("It still needs {names}: press Configure.", names=long),
        presses=PRESSES,
        spent=T("{count} rounds", count=long),
        trouble=T("It has failed: {reason}", reason=long),
        lacks=[Lack(f.name, f.title, WHY[f.name], f.example) for f in FIELDS],
        facts=[(T("may reach"), [long] * 50)],
        pull=(long[:100], "https://github.example/acme/app/pull/2"),
        integration="x" * 60,
        missing=(long,),
    )


@given(st.text(max_size=20_000), st.sampled_from(["en", "ru"]))
def test_whatever_it_says_slack_takes_it(long: str, language: str) -> None:
    shown = request_blocks.rendered(_message(long, language))
    assert problems_of_blocks(shown["blocks"], "message") == []
    assert 0 < len(shown["text"]) <= 4_000
    told = request_blocks.steps_rendered(Steps(language, [Step(0.0, T("writing"), "error", T("{x}", x=long))] * 10))
    assert problems_of_blocks(told["blocks"], "message") == []
    assert 0 < len(told["text"]) <= 4_000


def test_each_step_is_said_in_words_and_nothing_from_outside_calls_anybody() -> None:
    shown = request_blocks.rendered(_message("<!channel> & `x`"))
    said = str(shown)
    assert "✓ understood" in said and "● Claude wrote it" in said and "○ pull request" in said
    assert "<!channel>" not in said
    assert "▸▸▹" in said
