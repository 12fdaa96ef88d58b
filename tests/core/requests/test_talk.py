"""What people say on GitHub while a request is under way: reviews, commands, closing, merging, pushing."""

from __future__ import annotations

import asyncio

import pytest

from core.requests import service
from core.texts import revive
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import REPOSITORY, House
from tests.core.requests.issues import ENGLISH, LABEL

pytestmark = pytest.mark.slow

MANIFEST = draft().manifest
WIDER = MANIFEST.replace("actions: [log]", "actions: [log, slack_message]\n  channels: ['#ops']")
REVISED = draft().handler.replace('payload.get("message")', 'payload.get("message") and payload["message"] != "Grace"')
FOLDER = "integrations/hello-webhook"


async def test_a_review_starts_another_round_on_the_same_branch(house: House) -> None:
    _, asked = await house.published()
    number = asked.row.pull
    assert number is not None
    before = house.hub.pulls.shown(REPOSITORY, number)["head"]["sha"]
    house.hub.review(REPOSITORY, number, "Make it quick.", as_user="stranger")
    await house.settled()
    assert len(house.claude.asked) == 1 and (await house.now(asked)).row.status == "inactive"

    house.claude.answers = [answer(draft(readme="Greets, and politely.\n"))]
    remark = (f"{FOLDER}/README.md", 1, "Say that it is polite.")
    house.hub.review(REPOSITORY, number, "One thing:", comments=[remark], as_user="octocat")
    await house.settled()
    request, published, wish = house.claude.asked[1].body["messages"]
    assert "Helpdesk" in request["content"] and published == {"role": "assistant", "content": answer(draft()).text}
    assert "One thing:" in wish["content"] and "Say that it is polite." in wish["content"]
    pull = house.hub.pulls.shown(REPOSITORY, number)
    git = house.hub.repositories[REPOSITORY].git
    assert list(git.commits[pull["head"]["sha"]].parents) == [before]
    assert house.pulls() == [number] and (await house.now(asked)).row.status == "inactive"


async def test_a_review_does_not_stand_for_a_text_that_was_edited_since(house: House) -> None:
    house.claude.answers = [answer(draft()), answer(draft(readme="Quick.\n"))]
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="stranger")["number"]
    await house.settled()
    house.hub.comment(REPOSITORY, issue, "/ccb approve", as_user="dev")
    await house.settled()
    house.hub.edit_issue(REPOSITORY, issue, body=ENGLISH + "\nAnd evil.\n", as_user="stranger")
    await house.settled()
    asked = await house.request(issue)
    assert asked.row.pull is not None
    house.hub.review(REPOSITORY, asked.row.pull, "Make it quick.", as_user="dev")
    await house.settled()
    asked = await house.now(asked)
    assert (asked.row.status, asked.row.stage, len(house.claude.asked)) == ("requested", "", 1)
    house.hub.comment(REPOSITORY, issue, "/ccb approve", as_user="dev")
    await house.settled()
    assert "Make it quick." in house.claude.asked[1].body["messages"][-1]["content"]
    assert (await house.now(asked)).row.status == "inactive"


async def test_a_review_that_approves_asks_for_nothing(house: House) -> None:
    _, asked = await house.published()
    assert asked.row.pull is not None
    house.hub.review(REPOSITORY, asked.row.pull, "Nice!", event="APPROVE", as_user="octocat")
    await house.settled()
    assert len(house.claude.asked) == 1


async def test_a_published_slug_stays(house: House) -> None:
    _, asked = await house.published()
    assert asked.row.pull is not None
    other = draft(manifest=MANIFEST.replace("slug: hello-webhook", "slug: another"))
    house.claude.answers = [answer(other), answer(draft(readme="Another.\n"))]
    house.hub.review(REPOSITORY, asked.row.pull, "Another one.", as_user="octocat")
    await house.settled()
    assert "slug" in house.claude.asked[2].body["messages"][-1]["content"]
    assert (await house.now(asked)).row.slug == "hello-webhook" and len(house.pulls()) == 1


async def test_closed_unmerged_and_reopened(house: House) -> None:
    issue, asked = await house.published()
    number = asked.row.pull
    assert number is not None
    house.hub.close(REPOSITORY, number, as_user="octocat")
    await house.settled()
    failed = await house.now(asked)
    assert failed.row.status == "failed" and failed.error_details is not None
    assert revive(failed.error_details["message"]) == "The pull request was closed unmerged by octocat."
    assert "closed unmerged by octocat" in house.comments(issue)[0]
    house.hub.reopen(REPOSITORY, number, as_user="octocat")
    await house.settled()
    again = await house.now(asked)
    assert (again.row.status, again.row.pull_state, again.error_details) == ("inactive", "open", None)
    assert "ready for review" in house.comments(issue)[0]


async def test_begun_again_after_closing_it_is_another_pull_request(house: House) -> None:
    issue, asked = await house.published()
    assert asked.row.pull is not None
    house.hub.close(REPOSITORY, asked.row.pull, as_user="octocat")
    await house.settled()
    house.claude.answers = [answer(draft())]
    house.hub.comment(REPOSITORY, issue, "/ccb retry", as_user="stranger")
    await house.settled()
    assert (await house.now(asked)).row.status == "failed"
    house.hub.comment(REPOSITORY, issue, "/ccb retry", as_user="dev")
    await house.settled()
    done = await house.now(asked)
    assert (done.row.status, done.row.pull_state) == ("inactive", "open")
    assert house.pulls() == [asked.row.pull, done.row.pull] and len(house.comments(issue)) == 1


async def test_stop_while_claude_thinks(house: House) -> None:
    house.claude.held = asyncio.Event()
    house.claude.answers = [answer(draft()), answer(draft())]
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="dev")["number"]
    async with asyncio.timeout(10):
        while not house.claude.asked:
            await asyncio.sleep(0.02)
    asked = await house.request(issue)
    house.hub.comment(REPOSITORY, issue, "/ccb stop", as_user="dev")
    await house.until(asked, lambda one: one.row.status == "failed")
    house.claude.held.set()
    await house.settled()
    stopped = await house.now(asked)
    assert (stopped.row.status, house.pulls()) == ("failed", [])
    spent = (await service.spending(house.client.engine.ctx, stopped))["spent_usd"]
    assert spent > 0, "the answer came too late to be of use, and is paid all the same"
    assert "Stopped by dev." in house.comments(issue)[0] and "/ccb retry" in house.comments(issue)[0]
    house.hub.comment(REPOSITORY, issue, "/ccb retry", as_user="dev")
    await house.settled()
    assert (await house.now(asked)).row.status == "inactive" and len(house.pulls()) == 1


async def test_closing_the_issue_stops_and_reopening_goes_on(house: House) -> None:
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="stranger")["number"]
    await house.settled()
    house.hub.close(REPOSITORY, issue, as_user="stranger")
    await house.settled()
    assert (await house.request(issue)).row.status == "failed"
    house.hub.edit_issue(REPOSITORY, issue, body=ENGLISH + "\nMore.\n", as_user="dev")
    await house.settled()
    assert (await house.request(issue)).row.status == "failed"
    house.claude.answers = [answer(draft())]
    house.hub.reopen(REPOSITORY, issue, as_user="dev")
    await house.settled()
    assert (await house.request(issue)).row.status == "inactive"


async def test_approving_while_it_is_under_way_changes_nothing(house: House) -> None:
    house.claude.held = asyncio.Event()
    house.claude.answers = [answer(draft())]
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="dev")["number"]
    async with asyncio.timeout(10):
        while not house.claude.asked:
            await asyncio.sleep(0.02)
        house.hub.comment(REPOSITORY, issue, "/ccb approve", as_user="octocat")
        while "issue_comment.created: approve by octocat does nothing now" not in await house.done():
            await asyncio.sleep(0.02)
    house.claude.held.set()
    await house.settled()
    assert (await house.request(issue)).row.status == "inactive"


async def test_a_push_to_the_default_branch_updates_what_runs(house: House) -> None:
    """A narrower package runs at once; one that may do more waits until somebody activates it, and that is told."""
    issue, asked = await house.published()
    client = house.client
    assert asked.row.pull is not None
    merged = house.hub.merge(REPOSITORY, asked.row.pull, as_user="octocat")
    await house.settled()
    await client.ask("POST", f"/v1/integrations/{asked.id}/activate", {})
    assert (await client.ask("GET", f"/v1/integrations/{asked.id}"))["provenance"]["commit"] == merged

    commit = house.hub.push(REPOSITORY, "main", {f"{FOLDER}/README.md": "New words.\n"}, as_user="dev")
    await house.settled()
    assert (await client.ask("GET", f"/v1/integrations/{asked.id}"))["provenance"]["commit"] == commit
    wider = house.hub.push(REPOSITORY, "main", {f"{FOLDER}/integration.yaml": WIDER}, as_user="dev")
    await house.settled()
    assert (await client.ask("GET", f"/v1/integrations/{asked.id}"))["provenance"]["commit"] == commit
    assert any("waits for an admin" in done for done in await house.done())
    status = await client.ask("GET", f"/v1/integrations/{asked.id}/status")
    [waits] = [one for one in status["problems"] if one["code"] == "version_waits"]
    assert wider[:12] in waits["message"] and commit[:12] in waits["message"] and "activate" in waits["fix"]
    assert f"Its version `{wider[:12]}` waits for an admin" in house.comments(issue)[0]
    await client.ask("POST", f"/v1/integrations/{asked.id}/activate", {})
    await house.settled()
    assert "waits for an admin" not in house.comments(issue)[0]
    assert (await client.ask("GET", f"/v1/integrations/{asked.id}"))["provenance"]["commit"] == wider
    broken = house.hub.push(REPOSITORY, "main", {f"{FOLDER}/handler.py": "import os\n"}, as_user="dev")
    await house.settled()
    assert (await client.ask("GET", f"/v1/integrations/{asked.id}"))["provenance"]["commit"] == wider != broken
    pushed = [step for step in await house.log(asked) if step[0] == "update"]
    assert pushed == [("update", "info"), ("update", "warning"), ("update", "error")], "the merge's own push is none"


async def test_two_requests_for_one_slug_have_two_branches(house: House) -> None:
    _, first = await house.published()
    _, second = await house.published(ENGLISH.replace("Helpdesk", "Another helpdesk"))
    assert first.row.branch == "ccb/hello-webhook"
    assert second.row.branch == f"ccb/hello-webhook-{second.id[-6:].lower()}"
    assert len(house.pulls()) == 2


async def test_a_request_that_revises_what_is_installed_updates_it(house: House) -> None:
    earlier_issue, first = await house.published()
    assert first.row.pull is not None
    house.hub.merge(REPOSITORY, first.row.pull, as_user="octocat")
    await house.settled()
    await house.client.ask("POST", f"/v1/integrations/{first.id}/activate", {})
    for number, name in enumerate(("Ada | `x`", "Grace")):
        delivered = await house.client.deliver(first.id, {"type": "greet", "message": name}, f"msg_{number}")
        await house.client.ended(delivered.json["event_id"])
    house.claude.answers = [answer(draft(handler=REVISED))]
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH, [LABEL], as_user="dev")["number"]
    await house.settled()
    second = await house.request(issue)
    assert second.row.pull is not None
    shown = house.hub.pulls.shown(REPOSITORY, second.row.pull)
    assert shown["title"] == "Change the integration Hello, webhook"
    body = shown["body"]
    assert "integrations/hello-webhook is there already" in body, "whoever merges knows whose folder it is"
    earlier = house.hub.pulls.shown(REPOSITORY, first.row.pull)
    assert earlier["title"].startswith("Add ") and "CAUTION" not in earlier["body"]
    assert "Different from what `" in body and "1 of the last 2." in body
    same, other = (line.split(" | ") for line in sorted(body.splitlines()) if "<code>greet</code>" in line)
    assert [cells[2] for cells in (same, other)].count("the same |") == 1
    assert "Ada &#124; &#96;x&#96;" in body and "&#58; Grace" in body
    commit = house.hub.merge(REPOSITORY, second.row.pull, as_user="octocat")
    await house.settled()
    assert (await house.now(second)).row.status == "installed"
    assert (await house.client.ask("GET", f"/v1/integrations/{first.id}"))["provenance"]["commit"] == commit
    await house.client.ask("GET", f"/v1/integrations/{second.id}", status=404)
    assert f"/webhooks/{first.id}" in house.comments(issue)[0]
    house.hub.push(REPOSITORY, "main", {f"{FOLDER}/integration.yaml": WIDER}, as_user="dev")
    await house.settled()
    assert all("waits for an admin" in house.comments(one)[0] for one in (earlier_issue, issue)), "both came to it"
    await house.client.ask("POST", f"/v1/integrations/{first.id}/activate", {})
    await house.settled()
    assert not any("waits for an admin" in house.comments(one)[0] for one in (earlier_issue, issue))
