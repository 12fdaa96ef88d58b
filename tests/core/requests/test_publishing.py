"""The branch and the base of a request's pull request."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from sqlalchemy.exc import IntegrityError
from standardwebhooks import Webhook

from core.requests import publishing
from core.texts import revive
from storage import requests as rows
from storage.db import Database
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import REPOSITORY, House
from tests.core.requests.issues import ENGLISH, LABEL
from tests.storage.test_requests import opened


async def test_a_branch_is_one_requests_alone(db: Database) -> None:
    for number in (1, 2):
        await opened(db, f"int_{number}")
    first, second = [await db.write(rows.claim, 10.0, 40.0) for _ in range(2)]
    assert first is not None and second is not None
    outcomes = await asyncio.gather(
        *(db.write(rows.hold, one.id, one.lease_token, "acme/app:ccb/x") for one in (first, second, first)),
        return_exceptions=True,
    )
    assert [isinstance(one, IntegrityError) for one in outcomes] == [False, True, False]
    assert await db.write(rows.hold, second.id, second.lease_token, "acme/app:ccb/y")
    assert not await db.write(rows.hold, second.id, "another's", "acme/app:ccb/z")
    await db.write(rows.advance, first.id, first.lease_token, {"holds": None})
    assert await db.write(rows.hold, second.id, second.lease_token, "acme/app:ccb/x")


@pytest.mark.slow
async def test_two_that_publish_at_the_same_moment_have_two_branches(house: House) -> None:
    house.claude.held = asyncio.Event()
    house.claude.answers = [answer(draft()), answer(draft())]
    asked = [await house.ask(service_name=name) for name in ("One", "Two")]
    async with asyncio.timeout(10):
        while len(house.claude.asked) < 2:
            await asyncio.sleep(0.02)
    house.claude.held.set()
    done = [await house.until(one, lambda one: one.row.status == "inactive") for one in asked]
    assert len({one.row.branch for one in done}) == len({one.row.pull for one in done}) == 2
    assert "ccb/hello-webhook" in {one.row.branch for one in done}


@pytest.mark.slow
async def test_its_own_branch_is_known_again_after_a_crash(house: House) -> None:
    """It was killed after it had the branch with the suffix; meanwhile the other one became free."""
    ctx, house.claude.answers = house.client.engine.ctx, [answer(draft())]
    other, _ = await house.ask(service_name="Other", target_service=""), None
    await house.until(other, lambda one: one.row.status == "failed")
    asked = await house.ask()
    mine = f"ccb/hello-webhook-{asked.id[-6:].lower()}"
    await ctx.db.write(rows.hold, asked.id, None, f"{REPOSITORY}:{mine}")
    done = await house.until(asked, lambda one: one.row.status == "inactive")
    assert done.row.branch == mine and publishing.FOLDER == "integrations"


@pytest.mark.slow
async def test_what_is_merged_into_another_branch_is_not_installed(house: House) -> None:
    issue, asked = await house.published()
    number = asked.row.pull
    assert number is not None
    house.hub.push(REPOSITORY, "develop", {"NOTES.md": "Later.\n"})
    house.hub.rebase(REPOSITORY, number, "develop")
    house.claude.answers = [answer(draft(readme="Other.\n")), answer(draft())]
    house.hub.review(REPOSITORY, number, "Another.")
    await house.settled()
    assert house.pulls() == [number] and house.hub.pulls.shown(REPOSITORY, number)["base"]["ref"] == "develop"
    house.hub.merge(REPOSITORY, number, as_user="octocat")
    await house.settled()
    ended = await house.now(asked)
    assert (ended.row.status, ended.row.pull_state) == ("failed", "closed") and ended.error_details is not None
    why = "octocat merged the pull request into develop, not into the default branch main: nothing is installed."
    assert (ended.error_details["error"], revive(ended.error_details["message"])) == ("Merged elsewhere", why)
    [said] = house.comments(issue)
    assert why in said and "/ccb retry" in said
    shown = await house.client.ask("GET", f"/v1/integrations/{asked.id}")
    assert (shown["status"], shown["version"]) == ("failed", None)
    lines = await house.client.ask("GET", f"/v1/issues/{issue}/logs")
    assert lines[-1]["message"] == why
    house.hub.comment(REPOSITORY, issue, "/ccb retry", as_user="dev")
    await house.settled()
    again = await house.now(asked)
    assert again.row.pull not in (None, number) and again.row.status == "inactive"
    house.hub.merge(REPOSITORY, again.row.pull, as_user="octocat")
    await house.settled()
    assert (await house.now(asked)).row.status == "installed"


@pytest.mark.slow
async def test_a_merge_that_is_told_twice_installs_once(house: House) -> None:
    """Such as by the hook of a GitHub App and by the repository's own."""
    _, asked = await house.published()
    assert asked.row.pull is not None
    house.hub.merge(REPOSITORY, asked.row.pull, as_user="dev")
    house.hub.pulls.tell(REPOSITORY, asked.row.pull, "closed", "dev")
    await house.settled()
    lines = [step for step, _ in await house.log(asked)]
    assert lines.count("said") == 1 and (await house.now(asked)).row.status == "installed"


@pytest.mark.slow
async def test_two_that_install_the_same_request_at_once_install_it_once(house_on_either: House) -> None:
    """One had the lease before the other: it slept past it."""
    house, both = house_on_either, asyncio.Barrier(2)
    _, asked = await house.published()
    assert asked.row.pull is not None
    house.hub.hooks.all.clear()
    commit = house.hub.merge(REPOSITORY, asked.row.pull, as_user="dev")
    merged = replace(asked, row=asked.row.model_copy(update={"merge_commit": commit}))

    async def together(request: web.Request) -> None:
        if "/git/trees/" in request.path:
            await asyncio.wait_for(both.wait(), 10)

    house.hub.after = together
    ctx = house.client.engine.ctx
    came = await asyncio.gather(publishing.install(ctx, merged), publishing.install(ctx, merged))
    assert [one.status for one in came] == ["installed", "installed"]
    [only] = await house.client.ask("GET", "/v1/integrations")
    assert (only["id"], only["slug"]) == (asked.id, "hello-webhook")


@pytest.mark.slow
async def test_the_comment_says_how_to_come_by_the_secret(house: House) -> None:
    """What the installation made was shown to nobody: following the comment makes one that is."""
    issue, asked = await house.published()
    client, number = house.client, asked.row.pull
    assert number is not None
    house.hub.merge(REPOSITORY, number, as_user="octocat")
    await house.settled()
    [said] = house.comments(issue)
    assert "`ccb config hello-webhook webhook_secret=…` sets the secret that the sender has" in said
    lines = await client.ask("GET", f"/v1/requests/{asked.id}/log")
    told = [re.search(r"`PATCH (\S+)` without a body", text) for text in (said, lines[-1]["message"])]
    assert told[0] is not None and told[1] is not None and told[0][1] == told[1][1]
    made = await client.ask("PATCH", told[0][1])
    assert made["secret"].startswith("whsec_") and made["url"] in said
    await client.ask("POST", f"/v1/integrations/{asked.id}/activate", {})
    body, at = b'{"type": "greet", "data": {}}', datetime.fromtimestamp(house.clock.now(), UTC)
    signature = Webhook(made["secret"]).sign("msg_1", at, body.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    taken = await client.post(f"/webhooks/{asked.id}", body, headers | {"Content-Type": "application/json"})
    assert taken.status == 202, taken.json
    again = await client.ask("PATCH", told[0][1], {"secret": made["secret"]})
    assert again["secret"] is None, "shown once"


@pytest.mark.slow
async def test_the_label_looks_the_same_whoever_makes_it(house: House) -> None:
    issue = house.hub.open_issue(REPOSITORY, "Helpdesk", ENGLISH.replace("the log", ""), [LABEL], as_user="dev")
    await house.settled()
    assert "needs-info" in house.labels(issue["number"])
    made = dict(house.hub.repositories[REPOSITORY].labels)
    house.hub.repositories[REPOSITORY].labels.clear()
    await house.client.ask("POST", "/v1/github/setup", {"repository": REPOSITORY})
    there = house.hub.repositories[REPOSITORY].labels
    look = ("color", "description")
    assert [made["needs-info"][key] for key in look] == [there["needs-info"][key] for key in look]
