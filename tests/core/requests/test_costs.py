"""What requests cost, however the answers that they wait for end; and limits of Claude, which are waited out."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.demo.stand_ins.claude import OVERLOADED, Answer, ClaudeStandIn, Failure
from core.demo.stand_ins.github.hub import GitHubStandIn
from core.generation.money import guessed
from core.requests import service, usage
from core.requests.model import Asked
from core.texts import revive
from storage.calls import CALLS
from storage.dialect import announce
from tests.contexts import MovableClock
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import FIELDS, House, settings_of
from tests.engines import running

pytestmark = pytest.mark.slow


async def spending(house: House, asked: Asked) -> Any:
    """Return the request's spending as REST has it."""
    return (await house.client.ask("GET", f"/v1/requests/{asked.id}"))["spending"]


async def lines(house: House, asked: Asked) -> list[str]:
    """Return the messages of the request's log."""
    return [line["message"] for line in await house.client.ask("GET", f"/v1/requests/{asked.id}/log")]


async def test_an_overload_is_waited_out_however_long_it_lasts(house: House) -> None:
    """It says nothing of when to come again: the waits grow up to a limit, and are no tries."""
    house.claude.answers = [*[OVERLOADED] * 14, answer(draft())]
    asked = await house.ask()
    waits = []
    for number in range(14):
        await house.until(asked, partial(_put_off, number + 1))
        now = await house.now(asked)
        assert (now.row.status, now.row.tries) == ("generating", 0) and now.error_details is not None
        assert now.error_details["error"] == "Rate limit exceeded" and now.row.run_at is not None
        waits.append(now.error_details["retry_after"])
        await house.later(now.row.run_at - house.clock.now())
    assert waits == ["30s", "60s", "120s", "240s", "480s", *["900s"] * 9]
    done = await house.now(asked)
    assert (done.row.status, done.row.limits, done.error_details) == ("inactive", 0, None)
    spent = await spending(house, asked)
    assert spent["estimated_usd"] == 0, "what was refused has cost nothing"
    [only] = (await house.client.ask("GET", f"/v1/requests/{asked.id}"))["rounds"]
    assert spent["spent_usd"] == only["cost_usd"]


@pytest.mark.parametrize("failing", [None, OVERLOADED])
async def test_an_answer_that_breaks_off_is_paid(house: House, failing: Failure | None) -> None:
    house.claude.answers = [answer(draft(), hang_up_after=3, failing=failing), answer(draft())]
    asked = await house.ask()
    await house.until(asked, lambda one: one.error_details is not None and one.row.lease_token is None)
    broken = await spending(house, asked)
    assert 0 < broken["spent_usd"] == broken["estimated_usd"] == broken["month"]["spent_usd"]
    status = await house.client.ask("GET", f"/v1/integrations/{asked.id}/status")
    assert "Spent: about $0.0" in status["summary"], "it says that it is an estimate"
    [cut] = [line for line in await lines(house, asked) if "cut short" in line]
    assert cut == f"An answer of Claude was cut short. It has cost about ${broken['spent_usd']:.2f}."
    await house.later(31)
    whole = await house.client.ask("GET", f"/v1/requests/{asked.id}")
    assert whole["status"] == "inactive" and len(whole["rounds"]) == 1
    spent = whole["spending"]["spent_usd"]
    assert spent == pytest.approx(broken["spent_usd"] + whole["rounds"][0]["cost_usd"], abs=2e-4)
    pull = house.hub.pulls.shown("acme/app", 2)
    assert f"1 round, about ${spent:.2f}" in pull["body"]


async def test_what_the_engines_stop_cuts_short_is_paid(
    tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn
) -> None:
    """One answer has come half, of the other nothing; both are asked for again by the next process."""
    half = Answer(answer(draft()).text, paused=asyncio.Event())
    claude.answers = [half, answer(draft())]
    async with running(tmp_path, clock=clock, **settings_of(claude, hub)) as client:
        house = House(client, claude, hub, clock)
        first = await house.ask(service_name="First")
        await _asked(claude, 1)
        claude.held = asyncio.Event()
        second = await house.ask(service_name="Second")
        await _asked(claude, 2)
    assert half.paused is not None
    half.paused.set()
    claude.held.set()
    claude.answers = [answer(draft()), answer(draft())]
    async with running(tmp_path, clock=clock, **settings_of(claude, hub)) as client:
        house = House(client, claude, hub, clock)
        for asked in (first, second):
            await house.until(asked, lambda one: one.row.status == "inactive")
            spent, told = await spending(house, asked), await lines(house, asked)
            assert sum("cut short" in line for line in told) == 1, told
            assert 0 < spent["estimated_usd"] < spent["spent_usd"]
        input_price, output_price = client.engine.ctx.settings.claude_prices[:2]
        came, nothing = [(await spending(house, asked))["estimated_usd"] for asked in (first, second)]
        assert came > guessed(half.text) / 2 * output_price / 1e6 * 0.95
        assert nothing > 5_000 * input_price / 1e6
        assert await client.engine.ctx.db.read(_under_way) == 0


async def test_an_answer_after_its_lease_was_lost_is_paid_once_and_not_used(house: House) -> None:
    house.claude.held = asyncio.Event()
    house.claude.answers = [answer(draft(readme="The first.\n")), answer(draft(readme="The second.\n"))]
    asked = await house.ask()
    await _asked(house.claude, 1)
    house.clock.move(61)  # as if the process had slept: somebody takes the lease over, and asks too
    await house.client.engine.ctx.db.write(announce, "requests")
    await _asked(house.claude, 2)
    house.claude.held.set()
    done = await house.until(asked, lambda one: one.row.status == "inactive")
    async with asyncio.timeout(10):
        while not any("too late" in line for line in await lines(house, asked)):
            await asyncio.sleep(0.02)
    whole = await house.client.ask("GET", f"/v1/requests/{asked.id}")
    assert len(whole["rounds"]) == 1 and done.row.pull == 2
    calls = await house.client.engine.ctx.db.read(_calls)
    assert len(calls) == 2 and whole["spending"]["spent_usd"] == pytest.approx(sum(calls), abs=2e-4)
    assert min(calls) > 0 and whole["spending"]["estimated_usd"] == 0


async def test_a_persons_budget_in_slack_goes_by_their_id(house: House) -> None:
    """Whatever they are called: who takes another name spends on, and a namesake does not pay for it."""
    ctx = house.client.engine.ctx
    spent = []
    for user, name in (("U1", "anna"), ("U1", "Anna B."), ("U2", "anna")):
        house.claude.answers = [answer(draft())]
        follow = service.Follow(asker=user, channel="C1", thread=None, language="en")
        actor = Actor("slack", user, name, frozenset({"integrations.write"}))
        asked = await service.open_request(ctx, FIELDS, actor=actor, origin="slack", follow=follow)
        await house.until(asked, lambda one: one.row.status == "inactive")
        house.clock.move(1)
        spent.append((await spending(house, asked))["person"]["spent_usd"])
    assert 0 < spent[2] < spent[0] < spent[1], "the first call pays for the cache"
    people = (await usage.usage(ctx)).people
    assert [one.name for one in people] == ["Anna B.", "anna"]


async def test_after_a_review_rounds_count_on_and_are_as_many_again(house: House) -> None:
    broken = draft(handler="x = 1\n")
    issue, asked = await house.published()
    assert asked.row.pull is not None
    house.claude.answers = [answer(broken), answer(draft(readme="Politely.\n"))]
    house.hub.review("acme/app", asked.row.pull, "Politely!", as_user="octocat")
    await house.settled()
    whole = await house.client.ask("GET", f"/v1/requests/{asked.id}")
    assert [(one["version"], one["round"]) for one in whole["rounds"]] == [(1, 1), (2, 2), (2, 3)]
    told = await lines(house, asked)
    assert [line.split(" (")[0] for line in told if line.startswith("Claude wrote")] == [
        "Claude wrote round 1", "Claude wrote round 2", "Claude wrote round 3",
    ]  # fmt: skip
    assert any(line.startswith("Round 2 was refused") for line in told)
    assert "3 rounds, $0." in house.comments(issue)[0]
    pull = house.hub.pulls.shown("acme/app", asked.row.pull)
    assert house.hub.repositories["acme/app"].git.commits[pull["head"]["sha"]].message.endswith("round 3.")
    house.claude.answers = [answer(broken)] * 4
    house.hub.review("acme/app", asked.row.pull, "More politely!", as_user="octocat")
    await house.settled()
    failed = await house.now(asked)
    assert failed.row.status == "failed" and failed.error_details is not None
    assert revive(failed.error_details["message"]).startswith("After 4 rounds the package still does not pass")
    assert (await house.client.ask("GET", f"/v1/requests/{asked.id}"))["rounds"][-1]["round"] == 7


def _put_off(times: int, asked: Asked) -> bool:
    return asked.row.limits == times and asked.row.lease_token is None


def _calls(connection: sa.Connection) -> list[float]:
    return list(connection.execute(sa.select(CALLS.c.cost)).scalars())


def _under_way(connection: sa.Connection) -> int:
    return len(connection.execute(sa.select(CALLS.c.id).where(CALLS.c.under_way)).all())


async def _asked(claude: ClaudeStandIn, count: int) -> None:
    async with asyncio.timeout(10):
        while len(claude.asked) < count:
            await asyncio.sleep(0.02)
