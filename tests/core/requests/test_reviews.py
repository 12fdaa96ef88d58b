"""What reviewers say of a pull request, each thing heard once, however GitHub tells of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.requests.model import Asked
from core.requests.service import revise
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import ASKER, REPOSITORY, House

pytestmark = pytest.mark.slow

README = "integrations/hello-webhook/README.md"
ROUND = "pull_request_review_comment.created: another round for octocat"


def wish(house: House) -> str:
    """Return what Claude was told last."""
    return str(house.claude.asked[-1].body["messages"][-1]["content"])


async def published(house: House) -> tuple[Asked, int]:
    _, asked = await house.published()
    assert asked.row.pull is not None
    return asked, asked.row.pull


async def test_a_remark_outside_a_review_and_an_answer_to_it(house: House) -> None:
    asked, number = await published(house)
    house.hub.remark(REPOSITORY, number, README, 1, "Too long.", as_user="stranger")
    await house.settled()
    assert len(house.claude.asked) == 1 and (await house.now(asked)).row.status == "inactive"
    house.claude.answers = [answer(draft(readme="Short.\n")), answer(draft(readme="Shorter.\n"))]
    remark = house.hub.remark(REPOSITORY, number, README, 1, "Too long, says octocat.")
    await house.settled()
    assert len(house.claude.asked) == 2 and "README.md:1\\nToo long, says octocat." in wish(house)
    house.hub.answer(REPOSITORY, number, remark["id"], "Shorter still.", as_user="dev")
    await house.settled()
    assert len(house.claude.asked) == 3 and "Shorter still." in wish(house)
    assert wish(house).count("Too long, says octocat.") == 1, "the wishes before stand, once"
    assert house.pulls() == [number] and (await house.now(asked)).row.status == "inactive"


async def test_a_review_with_remarks_is_one_round(house: House) -> None:
    asked, number = await published(house)
    house.claude.answers = [answer(draft(readme="Polite.\n"))]
    remarks = [(README, 1, "Say that it is polite."), (README, 1, "And quick.")]
    house.hub.review(REPOSITORY, number, "Two things:", comments=remarks, event="COMMENT")
    await house.settled()
    assert len(house.claude.asked) == 2 and (await house.now(asked)).row.version == 2
    assert wish(house).count("Two things:") == wish(house).count("And quick.") == 1
    done = await house.done()
    assert done.count("pull_request_review_comment.created: nothing to do") + done.count(ROUND) == 2


async def test_a_remarks_event_alone_is_enough(house: House) -> None:
    """The review's own event got lost; or there is no review, as some servers have it."""
    _, number = await published(house)
    [hook] = house.hub.hooks.all.values()
    hook.events.remove("pull_request_review")
    house.claude.answers = [answer(draft(readme="A.\n")), answer(draft(readme="B.\n"))]
    house.hub.review(REPOSITORY, number, "One thing:", comments=[(README, 1, "Make it A.")])
    await house.settled()
    assert len(house.claude.asked) == 2 and "One thing:" in wish(house) and "Make it A." in wish(house)
    remark = {"id": 10**12, "pull_request_review_id": None, "path": README, "line": 1, "body": "Make it B."}
    await happen(house, number, remark | {"user": {"login": "octocat"}})
    assert len(house.claude.asked) == 3 and "Make it B." in wish(house)


async def test_a_writers_review_brings_no_strangers_words(house: House) -> None:
    """A stranger's answer may lie in the review of somebody with write access."""
    _, number = await published(house)
    house.claude.answers = [answer(draft(readme="A.\n"))]
    review = house.hub.review(REPOSITORY, number, "One thing:", event="APPROVE")
    review["state"] = "COMMENTED"
    kept = house.hub.reviews.remark(REPOSITORY, number, README, 1, "Evil.", "stranger")
    kept["pull_request_review_id"] = review["id"]
    remark = {"id": 10**12, "pull_request_review_id": review["id"], "path": README, "line": 1, "body": "Make it A."}
    await happen(house, number, remark | {"user": {"login": "octocat"}})
    assert len(house.claude.asked) == 2 and "One thing:" in wish(house) and "Evil" not in wish(house)


async def happen(house: House, number: int, comment: dict[str, Any]) -> None:
    payload = {
        "action": "created", "comment": comment, "pull_request": {"number": number}, "sender": comment["user"],
        "repository": {"full_name": REPOSITORY, "default_branch": "main"},
    }  # fmt: skip
    await house.hub.hooks.happen(REPOSITORY, "pull_request_review_comment", payload)
    await house.settled()


async def test_remarks_of_a_review_that_approves_ask_for_nothing(house: House) -> None:
    _, number = await published(house)
    house.hub.review(REPOSITORY, number, "Nice!", event="APPROVE", comments=[(README, 1, "Well said.")])
    await house.settled()
    assert len(house.claude.asked) == 1


async def test_a_comment_in_the_conversation_is_for_people(house: House) -> None:
    asked, number = await published(house)
    house.hub.comment(REPOSITORY, number, "Make it quick, somebody?", as_user="octocat")
    await house.settled()
    assert len(house.claude.asked) == 1 and (await house.now(asked)).row.status == "inactive"
    body = house.hub.pulls.shown(REPOSITORY, number)["body"]
    assert "A review, or a remark on a line, by somebody with write access starts another round" in body


async def test_a_command_on_a_line_is_obeyed_and_is_no_wish(house: House) -> None:
    asked, number = await published(house)
    house.claude.held = asyncio.Event()
    house.claude.answers = [answer(draft(readme="A.\n")), answer(draft(readme="B.\n"))]
    house.hub.remark(REPOSITORY, number, README, 1, "Make it A.")
    await house.until(asked, lambda one: one.row.status == "generating")
    house.hub.remark(REPOSITORY, number, README, 1, "/ccb stop", as_user="dev")
    await house.until(asked, lambda one: one.row.status == "failed")
    house.claude.held.set()
    await house.settled()
    assert (await house.now(asked)).row.status == "failed"
    house.hub.review(REPOSITORY, number, "/ccb retry", event="COMMENT", as_user="dev")
    await house.settled()
    assert (await house.now(asked)).row.status == "inactive" and "/ccb" not in wish(house)


async def test_two_wishes_at_once_are_both_heard(house: House) -> None:
    """Both were read from the row as it was before either."""
    asked, _ = await published(house)
    house.claude.answers = [answer(draft(readme=f"{n}.\n")) for n in range(3)]
    ctx = house.client.engine.ctx
    said = [{"remark 1": "First."}, {"remark 2": "Second."}, {"remark 2": "Second."}]
    taken = await asyncio.gather(*(revise(ctx, asked, one, actor=ASKER) for one in said))
    assert sorted(taken) == [False, True, True]
    done = await house.until(asked, lambda one: one.row.status == "inactive" and one.row.version == 3)
    assert sorted(done.wishes) == ["First.", "Second."]
