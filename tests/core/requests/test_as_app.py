"""A request's whole way where the bot is a GitHub App: its installation's tokens, and its own name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.demo.stand_ins.claude import LIMITED, ClaudeStandIn, Failure
from core.demo.stand_ins.github.hub import GitHubStandIn
from tests.contexts import MovableClock
from tests.core.generation.drafts import answer, draft
from tests.core.github.app_key import app_of
from tests.core.requests.conftest import REPOSITORY, House, settings_of
from tests.core.requests.issues import ENGLISH, LABEL
from tests.engines import running

pytestmark = pytest.mark.slow

BOT = "ccb[bot]"
ALL = {
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "repository_hooks": "write",
}


@pytest.fixture
async def house(tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn) -> AsyncIterator[House]:
    hub.now, hub.app_permissions = clock.now, dict(ALL)
    given = settings_of(claude, hub) | app_of(hub)
    del given["GITHUB_TOKEN"]
    async with running(tmp_path, clock=clock, **given) as client:
        built = House(client, claude, hub, clock)
        built.hook()
        yield built


def said(house: House, issue: int) -> list[str]:
    there = house.hub.repositories[REPOSITORY].comments[issue]
    return [comment["body"] for comment in there if comment["user"]["login"] == BOT]


async def test_the_whole_way(house: House) -> None:
    hub, claude, client = house.hub, house.claude, house.client
    done = await client.ask("POST", "/v1/github/setup", {})
    assert done["steps"][-1]["name"] == "webhook" and "CCB_PUBLIC_URL" in done["steps"][-1]["detail"]
    assert [step["outcome"] for step in done["steps"][:-1]] == ["done"] * 3
    claude.answers = [Failure(429, LIMITED.kind, LIMITED.message, retry_after=7200), answer(draft())]
    issue = hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="dev")["number"]
    await house.settled()
    [waits] = said(house, issue)
    assert "Rate limit exceeded" in waits and len(hub.installation_tokens) == 1
    await house.later(7201)
    asked = await house.request(issue)
    assert asked.row.status == "inactive" and len(hub.installation_tokens) == 2, "the first has ended meanwhile"
    [ready] = said(house, issue)
    assert "ready for review" in ready and asked.row.pull is not None
    assert hub.pulls.shown(REPOSITORY, asked.row.pull)["user"]["login"] == BOT
    claude.answers = [answer(draft(readme="Polite.\n"))]
    hub.review(REPOSITORY, asked.row.pull, "Politely.", as_user="octocat")
    await house.settled()
    assert len(claude.asked) == 3 and house.pulls() == [asked.row.pull]
    hub.merge(REPOSITORY, asked.row.pull, as_user="octocat")
    await house.settled()
    assert (await client.ask("GET", f"/v1/integrations/{asked.id}"))["status"] == "inactive"
    assert len(said(house, issue)) == 1 and "installed" in said(house, issue)[0]


async def test_what_the_app_itself_does_is_not_answered(house: House) -> None:
    _, asked = await house.published()
    assert asked.row.pull is not None
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user=BOT)["number"]
    house.hub.comment(REPOSITORY, asked.row.pull, "/ccb stop", as_user=BOT)
    house.hub.review(REPOSITORY, asked.row.pull, "Well.", event="COMMENT", as_user=BOT)
    await house.settled()
    assert len(house.claude.asked) == 1 and said(house, issue) == []
    assert (await house.now(asked)).row.status == "inactive"


@pytest.mark.parametrize(
    ("lacks", "stage"), [("contents", "publish"), ("pull_requests", "publish"), ("issues", "tell")]
)
async def test_a_missing_permission_is_named_where_it_is_needed(house: House, lacks: str, stage: str) -> None:
    hub = house.hub
    hub.app_permissions = {**ALL, lacks: "read"}
    house.claude.answers = [answer(draft())]
    issue = hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="dev")["number"]
    await house.settled()
    asked = await house.request(issue)
    lines = await house.client.ask("GET", f"/v1/issues/{issue}/logs?level=warning")
    [line] = [line for line in lines if line["step"] == stage]
    assert f"it needs {lacks}=write." in line["message"] and "GITHUB_APP_ID" in line["message"]
    if stage == "publish":
        assert asked.error_details is not None and asked.error_details["missing_permissions"] == [f"{lacks}=write"]
        assert f"it needs {lacks}=write." in said(house, issue)[0]
    hub.app_permissions = dict(ALL)
    await house.later(3601)  # until then the token has what it was made with
    assert (await house.now(asked)).row.status == "inactive"
    assert len(said(house, issue)) == len(house.pulls()) == 1
