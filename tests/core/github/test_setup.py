from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.actors import LOCAL
from core.context import Context
from core.demo.stand_ins.github.hub import BOT_TOKEN, Caller, GitHubStandIn
from core.errors import Conflict, Invalid, NotConfigured
from core.github import setup
from core.github.client import GitHub
from storage import audit
from storage.db import open_database
from tests import templates
from tests.contexts import MovableClock, context, settings
from tests.core.github.conftest import Dying, Killed, writes

URL = "https://ccb.example.com"
GIVEN = {"CCB_PUBLIC_URL": URL, "GITHUB_WEBHOOK_SECRET": "your-webhook-secret", "GITHUB_REPOSITORY": "acme/app"}
STEPS = ["label integration-request", "label needs-info", "issue forms", "webhook"]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Any]:
    templates.sqlite_in(tmp_path)
    opened = await open_database(None, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def ctx(db: Any, bot: GitHub, clock: MovableClock) -> Context:
    return context(given=settings(**GIVEN), clock=clock, db=db, github=bot)


async def outcomes(ctx: Context, **more: Any) -> list[str]:
    _, steps = await setup.setup(ctx, actor=LOCAL, **more)
    assert [step.name for step in steps] == STEPS
    return [step.outcome for step in steps]


def forms_on(hub: GitHubStandIn, branch: str) -> dict[str, str]:
    git = hub.repositories["acme/app"].git
    return {name: git.read(branch, f"{setup.FORMS}/{name}") for name in setup.forms()}


async def test_everything_is_made_once(hub: GitHubStandIn, ctx: Context) -> None:
    hub.push("acme/app", "main", {f"{setup.FORMS}/bug.yml": "name: Bug\n"})
    assert await outcomes(ctx) == ["done"] * 4
    git = hub.repositories["acme/app"].git
    head = git.refs["heads/main"]
    assert forms_on(hub, "main") == setup.forms()
    assert git.read("main", f"{setup.FORMS}/bug.yml") == "name: Bug\n"
    assert set(hub.repositories["acme/app"].labels) == {"integration-request", "needs-info"}
    [hook] = hub.hooks.all.values()
    assert (hook.config["url"], hook.config["secret"]) == (f"{URL}/webhooks/github", "your-webhook-secret")
    assert hook.events == list(setup.EVENTS)

    assert await outcomes(ctx, repository="acme/app") == ["there"] * 4
    assert git.refs["heads/main"] == head
    entries = await ctx.db.read(audit.newest)
    assert [(entry.action, entry.subject) for entry in entries] == [("github.set_up", "acme/app")]
    assert "your-webhook-secret" not in str(entries)


async def test_forms_that_were_changed_are_put_right(hub: GitHubStandIn, ctx: Context) -> None:
    await outcomes(ctx)
    hub.push("acme/app", "main", {f"{setup.FORMS}/integration-request.yml": "old\n"})
    assert await outcomes(ctx) == ["there", "there", "done", "there"]
    assert forms_on(hub, "main") == setup.forms()


async def test_killed_after_any_write_it_goes_on(hub: GitHubStandIn, ctx: Context, bot: GitHub) -> None:
    for after in range(1, 7):
        hub.repositories["acme/app"] = type(hub.repositories["acme/app"])()
        hub.hooks.all.clear()
        dying = context(given=ctx.settings, clock=ctx.clock, db=ctx.db, github=Dying(bot, after=after))
        with pytest.raises(Killed):
            await outcomes(dying)
        await outcomes(ctx)
        assert len(hub.hooks.all) == 1
        git = hub.repositories["acme/app"].git
        assert len(git.history(git.refs["heads/main"])) == 2


async def test_a_protected_branch_gets_a_pull_request(hub: GitHubStandIn, ctx: Context) -> None:
    hub.repositories["acme/app"].protected.add("main")
    for _ in range(2):
        _, steps = await setup.setup(ctx, actor=LOCAL)
        assert steps[2].outcome == "done"
        assert "merge https://github.example/acme/app/pull/2" in str(steps[2].detail)
    assert forms_on(hub, "ccb-setup") == setup.forms()
    hub.merge("acme/app", 2)
    assert await outcomes(ctx) == ["there"] * 4


async def test_a_step_that_fails_says_why_and_the_others_are_done(
    hub: GitHubStandIn, ctx: Context, bot: GitHub
) -> None:
    hub.callers[BOT_TOKEN] = Caller("ccb-bot", scopes=None, may_administer=False)
    _, steps = await setup.setup(ctx, actor=LOCAL)
    assert [step.outcome for step in steps] == ["done", "done", "done", "failed"]
    assert "it needs repository_hooks=read" in str(steps[3].detail)
    bare = context(given=settings(GITHUB_REPOSITORY="acme/app"), clock=ctx.clock, db=ctx.db, github=bot)
    _, steps = await setup.setup(bare, actor=LOCAL)
    assert str(steps[3].detail).startswith("CCB_PUBLIC_URL, GITHUB_WEBHOOK_SECRET must be set first")


async def test_an_empty_repository_says_what_it_needs(hub: GitHubStandIn, ctx: Context) -> None:
    hub.repositories["acme/app"].git.refs.clear()
    _, steps = await setup.setup(ctx, actor=LOCAL)
    assert [step.outcome for step in steps] == ["done", "done", "failed", "done"]
    assert "Git Repository is empty" in str(steps[2].detail)


@pytest.mark.parametrize("repository", ["acme", "acme/..", "a/b/c", "acme/app?x", "../user"])
async def test_what_is_no_repository(hub: GitHubStandIn, ctx: Context, repository: str) -> None:
    with pytest.raises(Invalid, match="owner/repo"):
        await outcomes(ctx, repository=repository)
    assert writes(hub) == 0


async def test_without_a_repository_or_a_token(hub: GitHubStandIn, db: Any, bot: GitHub, clock: MovableClock) -> None:
    with pytest.raises(Conflict):
        await setup.setup(context(db=db, github=bot), actor=LOCAL)
    with pytest.raises(Invalid):
        await setup.setup(context(db=db, github=bot), repository="acme", actor=LOCAL)
    async with GitHub(settings(GITHUB_API_URL=hub.url), clock) as stranger:
        with pytest.raises(NotConfigured):
            await setup.setup(context(given=settings(**GIVEN), db=db, github=stranger), actor=LOCAL)
