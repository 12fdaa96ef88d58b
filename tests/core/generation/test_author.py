"""Asking Claude: the real client against the stand-in; every way in which an answer can be none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.demo.stand_ins.claude import API_KEY, LIMITED, OVERLOADED, Answer, ClaudeStandIn, Failure
from core.errors import NotConfigured, Upstream
from core.generation import author, prompt
from core.generation.money import Heard, Usage, guessed
from core.quotas import Quota, Quotas
from tests.contexts import settings
from tests.core.generation.drafts import answer, draft

REQUEST = {"service_name": "Sentry", "description": "Open a GitHub issue for each new error."}


@pytest.fixture
async def claude() -> AsyncIterator[ClaudeStandIn]:
    async with ClaudeStandIn() as stand_in:
        yield stand_in


async def _write(
    claude: ClaudeStandIn, heard: Heard | None = None, quotas: Quotas | None = None, **more: Any
) -> author.Answer:
    given = settings(ANTHROPIC_API_KEY=API_KEY, ANTHROPIC_BASE_URL=claude.url, **more)
    turns = [{"role": "user", "content": prompt.first(REQUEST)}]
    return await author.write(
        given, system=prompt.system(REQUEST), turns=turns, max_tokens=8_000, heard=heard or Heard(), quotas=quotas
    )


async def test_a_package_comes_with_what_it_cost(claude: ClaudeStandIn) -> None:
    claude.answers = [answer(draft(), thinking="Let me see."), answer(draft())]
    first = await _write(claude)
    assert first.draft == draft() and first.problem is None and first.model == "claude-sonnet-5-5"
    again = await _write(claude)
    assert first.usage.cache_write > 5_000 and first.usage.cache_read == 0
    assert (again.usage.cache_write, again.usage.cache_read) == (0, first.usage.cache_write)
    assert again.usage.output > 100
    asked = claude.asked[0].body
    assert asked["output_config"]["effort"] == "medium" and asked["stream"] is True and asked["max_tokens"] == 8_000


async def test_what_a_call_would_send_is_counted(claude: ClaudeStandIn) -> None:
    given = settings(ANTHROPIC_API_KEY=API_KEY, ANTHROPIC_BASE_URL=claude.url)
    turns = [{"role": "user", "content": prompt.first(REQUEST)}]
    counted = await author.count(given, system=prompt.system(REQUEST), turns=turns)
    claude.answers = [answer(draft())]
    usage = (await _write(claude)).usage
    assert counted == pytest.approx(usage.input + usage.cache_write, rel=0.02)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (Answer('{"manifest": "name: x', stop_reason="max_tokens"), "cut off"),
        (Answer("I cannot help with that.", stop_reason="refusal"), "declined"),
        (Answer("Here is your package:"), "has not the form that was asked for: invalid JSON"),
        (Answer('{"manifest": "x"}'), "handler: is missing"),
        (
            Answer('{"manifest": 1, "handler": "", "samples": [], "readme": "", "notes": ""}'),
            "manifest: must be a text",
        ),
    ],
)
async def test_what_is_no_package_is_a_problem_for_the_next_round(
    claude: ClaudeStandIn, said: Answer, problem: str
) -> None:
    claude.answers = [said]
    found = await _write(claude)
    assert found.draft is None and problem in str(found.problem)
    assert found.refused == (said.stop_reason == "refusal")
    assert found.usage.output > 0 and found.text == said.text


@pytest.mark.parametrize(
    ("failure", "error", "retry_after", "permanent"),
    [
        (Failure(429, LIMITED.kind, LIMITED.message, retry_after=300), "Rate limit exceeded", 300, False),
        (OVERLOADED, "Rate limit exceeded", None, False),
        (Failure(500, "api_error", "Internal server error"), "Upstream failed", None, False),
        (Failure(400, "invalid_request_error", "Your credit balance is too low"), "Upstream failed", None, True),
    ],
)
async def test_a_failure_says_whether_and_when_to_ask_again(
    claude: ClaudeStandIn, failure: Failure, error: str, retry_after: float | None, permanent: bool
) -> None:
    claude.answers = [failure]
    with pytest.raises(Upstream) as caught:
        await _write(claude)
    assert (caught.value.error, caught.value.retry_after, caught.value.permanent) == (error, retry_after, permanent)
    assert len(claude.asked) == 1  # the client itself does not repeat


@pytest.mark.parametrize(("failing", "error"), [(None, "Upstream failed"), (OVERLOADED, "Rate limit exceeded")])
async def test_an_answer_that_breaks_off(claude: ClaudeStandIn, failing: Failure | None, error: str) -> None:
    """What it has cost is known all the same: its input exactly, its output from the text that came."""
    whole, said = Heard(), answer(draft(), thinking="Let me see.", pieces=4, hang_up_after=2, failing=failing)
    claude.answers = [answer(draft(), thinking="Let me see."), said]
    await _write(claude, whole)
    heard = Heard()
    with pytest.raises(Upstream) as caught:
        await _write(claude, heard)
    assert not caught.value.permanent and caught.value.error == error
    assert whole.usage is not None and not whole.estimated
    assert heard.usage is not None and heard.estimated
    assert (heard.usage.input, heard.usage.cache_read) == (whole.usage.input, whole.usage.cache_write)
    assert heard.usage.output == pytest.approx(guessed(said.text) / 2, rel=0.02)


async def test_of_an_answer_that_never_began_nothing_is_heard(claude: ClaudeStandIn) -> None:
    claude.answers, heard = [OVERLOADED], Heard()
    with pytest.raises(Upstream):
        await _write(claude, heard)
    assert heard.usage is None


async def test_without_a_key() -> None:
    with pytest.raises(NotConfigured):
        await author.write(settings(), system=[], turns=[], max_tokens=1, heard=Heard())


def test_usages_add_up() -> None:
    assert Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40) == Usage(11, 22, 33, 44)


async def test_what_is_left_of_the_quota_is_remembered(claude: ClaudeStandIn) -> None:
    """The headers of https://platform.claude.com/docs/en/api/rate-limits; the one of which the least is left counts."""
    begin, reset = "anthropic-ratelimit", "2026-01-31T12:00:00Z"
    for name, limit, remaining in (("requests", 50, 49), ("input-tokens", 30_000, 2_000), ("output-tokens", 0, 0)):
        said = {"limit": str(limit), "remaining": str(remaining), "reset": reset}
        claude.more_headers |= {f"{begin}-{name}-{part}": value for part, value in said.items()}
    claude.answers = [answer(draft())]
    quotas = Quotas(lambda: 5.0)
    await _write(claude, quotas=quotas)
    (heard,) = quotas.news()
    assert (heard.service, heard.quota) == ("claude", Quota(2_000, 30_000, 1_769_860_800.0, "tokens"))
    assert heard.credential.startswith("ANTHROPIC_API_KEY:") and API_KEY not in heard.credential and heard.at == 5.0
    quotas.told([heard])
    claude.more_headers = {f"{begin}-requests-remaining": "many"}
    claude.answers = [answer(draft())]
    await _write(claude, quotas=quotas)
    assert quotas.news() == []
