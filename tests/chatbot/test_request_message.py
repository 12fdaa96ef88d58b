"""The message that follows a request: one, whatever happens between; late, never lost; told once in its thread."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.actors import ROLES, Actor
from core.demo.stand_ins.slack import ANNA
from core.requests import service
from core.requests.model import Line
from core.texts import T
from storage import requests
from tests.chatbot.flow import everybody, flowing
from tests.contexts import MovableClock
from tests.core.generation.drafts import answer, draft

pytestmark = pytest.mark.slow
ANN = Actor("slack", ANNA, "anna", ROLES["admin"])


async def test_a_restart_in_between_leaves_one_message(tmp_path: Path, clock: MovableClock) -> None:
    async with everybody() as services:
        slack, claude, _ = services
        claude.answers.append(answer(draft()))
        claude.held = held = asyncio.Event()
        async with flowing(tmp_path / "data", clock, *services) as flow:
            asked = await flow.ask()
            before = await flow.message(asked, "Claude is writing")
            await flow.slack.command("/ccb", "request")  # a modal that is open while the engine goes
            await flow.house.modal("request")
        held.set()
        claude.held = None
        claude.answers.append(answer(draft()))
        async with flowing(tmp_path / "data", clock, *services) as flow:
            after = await flow.message(asked, "link:pull")
            assert after["ts"] == before["ts"] and flow.messages(asked) == [after]
            thread = "\n".join(flow.thread(after))
            assert thread.count("The request is complete") == 1
            claude.answers.append(answer(draft("http-forward")))
            given = {"description": "Write each event of My service to the log.", "request_form:service_name": "My"}
            assert (await slack.submit(ANNA, given=given)).acked  # the other process takes it


async def test_a_limit_delays_and_loses_nothing(tmp_path: Path, clock: MovableClock) -> None:
    async with everybody() as services, flowing(tmp_path / "data", clock, *services) as flow:
        flow.work.claude.answers.append(answer(draft()))
        flow.slack.trouble["chat.postMessage"] = [30, "internal_error"]
        flow.slack.trouble["chat.update"] = [20]
        asked = await flow.ask()
        await flow.work.until(asked, lambda one: one.row.status == "inactive")
        assert flow.messages(asked) == []
        ready = await flow.message(asked, "link:pull")
        await flow.message(asked, "link:pull")
        await flow.quiet(asked)
        assert flow.messages(asked) == [ready]
        thread = "\n".join(flow.thread(ready))
        assert thread.count("The pull request is") == 1 and thread.count("The request is complete") == 1
        flow.slack.refused.clear()


async def test_what_was_posted_without_our_knowing_is_found(tmp_path: Path, clock: MovableClock) -> None:
    async with everybody() as services, flowing(tmp_path / "data", clock, *services) as flow:
        flow.work.claude.answers.append(answer(draft()))
        flow.slack.hang_up_after_posting = 1
        asked = await flow.ask()
        ready = await flow.message(asked, "link:pull")
        flow.slack.hang_up_after_posting = 1
        line = Line("write", T("Something of which the answer was lost.")).row(clock.now())
        await flow.house.ctx.db.write(requests.advance, asked.id, None, {"updated_at": clock.now()}, lines=[line])
        await flow.quiet(asked)
        assert flow.messages(asked) == [ready]
        assert "\n".join(flow.thread(ready)).count("answer was lost") == 1


async def test_not_more_than_an_edit_a_second_and_the_last_state_gets_there(
    tmp_path: Path, clock: MovableClock
) -> None:
    async with everybody() as services, flowing(tmp_path / "data", clock, *services) as flow:
        flow.work.claude.answers.append(answer(draft()))
        asked = await flow.ask()
        await flow.message(asked, "link:pull")
        ctx, found = flow.house.ctx, await service.find(flow.house.ctx, asked.id)
        await flow.quiet(asked)
        before = flow.slack.called.count("chat.update")
        for number in range(10):
            found = await service.change(ctx, found, {"events": f"event.{number}"}, actor=ANN)
        flow.work.claude.answers.extend(answer(draft()) for _ in range(11))
        await flow.work.settled()
        assert flow.slack.called.count("chat.update") <= before + 1  # the clock stands still
        await flow.message(asked, "link:pull")
        await flow.quiet(asked)


async def test_a_message_that_somebody_deleted_is_followed_no_more(tmp_path: Path, clock: MovableClock) -> None:
    async with everybody() as services, flowing(tmp_path / "data", clock, *services) as flow:
        flow.work.claude.answers.append(answer(draft()))
        asked = await flow.ask()
        ready = await flow.message(asked, "link:pull")
        flow.slack.channel("general").messages.remove(ready)
        await service.fail(flow.house.ctx, asked, "Stopped", T("Enough."), actor=ANN, action="request.stopped")
        await flow.quiet(asked)
        assert flow.messages(asked) == []
        assert [one for one in flow.slack.refused if one[1] == "message_not_found"] != []
