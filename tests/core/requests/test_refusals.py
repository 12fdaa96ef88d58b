"""What GitHub refuses on a request's way: told with what is missing, waited for, and gone on with."""

from __future__ import annotations

import pytest

from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller
from core.requests import service
from core.requests.service import Issue
from core.texts import revive
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import ASKER, FIELDS, REPOSITORY, House
from tests.core.requests.issues import ENGLISH, LABEL

pytestmark = pytest.mark.slow

REFUSALS = [
    (Caller("ccb-bot", scopes=("read:org",)), "it needs repo and has read:org. Add it to the token."),
    (None, "GITHUB_TOKEN is wrong, expired or revoked."),
]


@pytest.mark.parametrize(("caller", "why"), REFUSALS)
async def test_a_token_that_will_not_do_is_told_at_every_stage(house: House, caller: Caller | None, why: str) -> None:
    hub, client = house.hub, house.client
    if caller is None:
        del hub.callers[BOT_TOKEN]
    else:
        hub.callers[BOT_TOKEN] = caller
    steps = (await client.ask("POST", "/v1/github/setup", {}))["steps"]
    assert all(step["outcome"] == "failed" and why in step["detail"] for step in steps[:3])

    house.claude.answers = [answer(draft())]
    issue = hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, as_user="dev")["number"]
    own = Issue(REPOSITORY, issue, ENGLISH)
    asked = await service.open_request(client.engine.ctx, FIELDS, actor=ASKER, origin="issue", issue=own, approved=True)
    await house.settled()
    for path in (f"/v1/integrations/{asked.id}", f"/v1/requests/{asked.id}"):
        waits = await client.ask("GET", path)
        assert (waits["status"], waits["error_details"]["error"]) == ("generating", "Upstream failed")
        assert why in waits["error_details"]["message"]
        assert waits["error_details"].get("missing_scopes") == (["repo"] if caller else None)
    status = await client.ask("GET", f"/v1/integrations/{asked.id}/status")
    assert why in status["summary"]
    lines = await client.ask("GET", f"/v1/issues/{issue}/logs?level=warning")
    assert {line["step"] for line in lines} == {"publish", "tell"}
    assert all(why in line["message"] for line in lines)
    await house.later(70)
    again = await client.ask("GET", f"/v1/issues/{issue}/logs?level=warning")
    assert [line["step"] for line in again].count("tell") == 1, "said once, however often it is tried"

    hub.callers[BOT_TOKEN] = Caller("ccb-bot")
    await house.later(130)
    done = await house.now(asked)
    assert (done.row.status, done.row.tell_at, done.error_details) == ("inactive", None, None)
    assert len(house.pulls()) == len(house.comments(issue)) == 1


async def test_a_scope_that_is_missing_keeps_no_event_from_being_worked_on_later(house: House) -> None:
    """Who may write cannot be asked: that is not the same as nobody may."""
    house.claude.answers, house.hub.callers[BOT_TOKEN] = [answer(draft())], Caller("ccb-bot", scopes=("gist",))
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="dev")["number"]
    await house.settled()
    assert house.claude.asked == []
    house.hub.callers[BOT_TOKEN] = Caller("ccb-bot")
    await house.later(120)
    asked = await house.request(issue)
    assert (asked.row.status, asked.row.approved_by) == ("inactive", "dev")


async def test_a_limit_at_each_write_is_waited_for_as_long_as_github_asks(house: House) -> None:
    """Each write is refused once, with a Retry-After and no other sign; nothing is written twice."""
    hub, house.claude.answers = house.hub, [answer(draft()), answer(draft(readme="Other.\n"))]
    hub.limits_each_write_once = 40
    short = ENGLISH.replace("the log", "_No response_")
    issue = hub.open_issue(REPOSITORY, "Helpdesk", short, [LABEL], as_user="dev")["number"]
    waited = await wait_through(house)
    assert "needs-info" in house.labels(issue)
    hub.edit_issue(REPOSITORY, issue, body=ENGLISH, as_user="dev")
    waited += await wait_through(house)
    asked = await house.request(issue)
    assert asked.row.status == "inactive" and asked.row.pull is not None
    hub.review(REPOSITORY, asked.row.pull, "Other words.", as_user="octocat")
    waited += await wait_through(house)
    asked = await house.now(asked)
    assert (asked.row.status, asked.row.tell_at, asked.error_details) == ("inactive", None, None)
    assert asked.row.pull is not None
    assert len(house.pulls()) == len(house.comments(issue)) == 1 and len(house.claude.asked) == 2
    assert "needs-info" not in house.labels(issue) and "ready for review" in house.comments(issue)[0]
    git, pull = hub.repositories[REPOSITORY].git, hub.pulls.shown(REPOSITORY, asked.row.pull)
    assert len(git.new(pull["head"]["sha"], since=pull["base"]["sha"])) == 2
    written = {(method, path.rpartition(REPOSITORY)[2]) for method, path in hub.requests if method != "GET"}
    assert {("POST", "/git/trees"), ("POST", "/git/commits"), ("POST", "/git/refs"), ("POST", "/pulls")} <= written
    assert {("PATCH", "/git/refs/heads/ccb/hello-webhook"), ("PATCH", f"/pulls/{asked.row.pull}")} <= written
    assert {("POST", f"/issues/{issue}/comments"), ("POST", f"/issues/{issue}/labels")} <= written
    assert waited >= 8
    lines = await service.log(house.client.engine.ctx, asked, levels=("warning",))
    assert {line.step for line in lines} == {"publish"}
    assert all("Again in 40 s." in revive(line.message) for line in lines)


async def wait_through(house: House) -> int:
    """Wait as long as GitHub asks, until nothing is due any more; return how often. Before that nothing is written."""
    for waited in range(20):
        await house.settled()
        rows = await service.newest(house.client.engine.ctx)
        due = [at for one in rows for at in (one.row.run_at, one.row.tell_at) if at is not None]
        if not due:
            return waited
        assert min(due) == house.clock.now() + 40
        before = len(house.hub.requests)
        await house.later(39)
        assert len(house.hub.requests) == before
        house.clock.move(1.01)
    raise AssertionError(f"it waits for ever: {rows}")
