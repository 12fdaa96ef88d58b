"""Beginning again where it failed, and being told what a command does in the state that there is."""

from __future__ import annotations

import pytest

from core.requests import service
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import ASKER, REPOSITORY, House

pytestmark = pytest.mark.slow
HANDLER = "integrations/hello-webhook/handler.py"


async def test_a_failed_installation_is_done_again_without_claude(house: House) -> None:
    issue, asked = await house.published()
    number, branch = asked.row.pull, asked.row.branch
    assert number is not None and branch is not None
    house.hub.push(REPOSITORY, branch, {HANDLER: "def handle(event):\n    return []\n"})
    house.hub.merge(REPOSITORY, number, as_user="octocat")
    await house.settled()
    failed = await house.now(asked)
    assert (failed.row.status, failed.row.pull_state) == ("failed", "merged")
    house.hub.push(REPOSITORY, "main", {HANDLER: draft().handler})
    await house.settled()
    house.hub.comment(REPOSITORY, issue, "/ccb retry", as_user="dev")
    await house.settled()
    assert (await house.now(asked)).row.status == "installed"
    assert len(house.claude.asked) == 1, "nothing is paid for twice"
    shown = await house.client.ask("GET", f"/v1/integrations/{asked.id}")
    commit = house.hub.repositories[REPOSITORY].git.refs["heads/main"]
    assert (shown["status"], shown["version"]) == ("inactive", commit[:12])


async def test_what_was_written_is_published_without_claude(house: House) -> None:
    house.hub.secondary_limit = 3600
    house.claude.answers = [answer(draft())]
    asked = await house.ask()
    waits = await house.until(asked, lambda one: one.row.stage == "publish" and one.row.run_at is not None)
    ctx = house.client.engine.ctx
    await service.stop(ctx, waits, actor=ASKER)
    house.hub.secondary_limit = None
    again = await service.retry(ctx, await house.now(asked), actor=ASKER)
    assert again.row.version == 1 and again.row.stage == "publish"
    await house.until(asked, lambda one: one.row.status == "inactive")
    assert len(house.claude.asked) == 1 and len(house.pulls()) == 1


async def test_a_command_that_does_nothing_is_answered_once(house: House) -> None:
    issue, asked = await house.published()
    assert asked.row.pull is not None
    for told, command in enumerate(("/ccb stop", "/ccb retry", "/ccb approve", "/ccb dance"), 1):
        house.hub.comment(REPOSITORY, issue, command, as_user="dev")
        await house.settled()
        said = house.comments(issue)
        assert len(said) == 1 + told, "its own answer is not answered"
        assert ("There is no `/ccb dance`" if command == "/ccb dance" else f"`{command}` does nothing now") in said[-1]
        assert "ready for review" in said[-1] and "merging installs it" in said[-1]
    house.hub.comment(REPOSITORY, issue, "/ccb stop", as_user="stranger")
    house.hub.comment(REPOSITORY, asked.row.pull, "/ccb approve", as_user="dev")
    await house.settled()
    assert len(house.comments(issue)) == 5 and "does nothing now" in house.comments(asked.row.pull)[-1]
    assert (await house.now(asked)).row.status == "inactive"


async def test_the_comment_says_how_to_set_the_secret_until_it_is_set(house: House) -> None:
    issue, asked = await house.published()
    assert asked.row.pull is not None
    house.hub.merge(REPOSITORY, asked.row.pull, as_user="octocat")
    await house.settled()
    assert "webhook_secret=…" in house.comments(issue)[0] and "switches it on" in house.comments(issue)[0]
    await house.client.ask("PATCH", f"/v1/integrations/{asked.id}/webhook-secret", {"secret": "what the sender has"})
    await house.settled()
    assert "webhook_secret" not in house.comments(issue)[0]
    await house.client.ask("POST", f"/v1/integrations/{asked.id}/activate")
    await house.settled()
    assert "It is active." in house.comments(issue)[0] and len(house.comments(issue)) == 1


async def test_what_is_missing_is_called_as_the_form_calls_it(house: House) -> None:
    asked = await house.ask(target_service="", description="")
    await house.until(asked, lambda one: one.row.status == "failed")
    for language, names in (("en", "Target service, Description"), ("ru", "Целевой сервис, Описание")):
        lines = house.client.local.get(f"http://ccb/v1/requests/{asked.id}/log", headers={"Accept-Language": language})
        async with lines as found:
            said = (await found.json())[-1]["message"]
        assert names in said and "target_service" not in said


async def test_the_bots_own_webhook_is_not_the_teams_last_event(house: House) -> None:
    issue, _ = await house.published()
    client = house.client
    assert (await client.ask("GET", "/v1/events?limit=1"))[0]["integration"] == "ccb-github"
    assert await client.ask("GET", "/v1/events?limit=1&own=false") == []
    made = await client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook", "activate": True}, status=201)
    event = (await client.deliver(made["id"], {"a": 1})).json["event_id"]
    house.clock.move(1)
    house.hub.comment(REPOSITORY, issue, "Thanks", as_user="dev")
    await house.settled()
    assert (await client.ask("GET", "/v1/events?limit=1"))[0]["integration"] == "ccb-github"
    assert [one["id"] for one in await client.ask("GET", "/v1/events?limit=1&own=false")] == [event]
