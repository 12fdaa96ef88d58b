"""Healing: GitHub is asked to deliver again, and what arrives goes the way of every delivery."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core import gaps, healing, jobs
from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn
from tests.core.gaps.conftest import BOTH, LOG, LOGGED, SECRET, Watched
from tests.engines import running
from tests.packages import package


@BOTH
async def test_what_was_lost_arrives_and_is_processed_once(watched: Watched) -> None:
    """Lost because nobody could connect, because the integration was paused, because the secret was wrong."""
    await watched.happen(0)
    guids = [watched.lose(1)["guid"]]
    watched.hook.config["secret"] = "another-secret"
    guids.append((await watched.happen(2))["guid"])
    watched.hook.config["secret"] = SECRET
    await watched.client.ask("POST", f"{watched.path}/pause")
    guids.append((await watched.happen(3))["guid"])
    await watched.client.ask("POST", f"{watched.path}/activate")
    assert len((await watched.check())["gaps"]) == 3

    job = await watched.heal()
    assert (job["kind"], job["status"], job["total"]) == ("heal", "running", 3)
    done = await watched.healed(job)
    assert (done["started"], done["succeeded"], done["failed"], done["skipped"]) == (3, 3, 0, 0)
    assert await watched.gaps() == []
    closed = await watched.gaps("closed")
    assert {(gap["key"], gap["closed_why"], gap["asked"]) for gap in closed} == {(g, "arrived", 1) for g in guids}
    events = await watched.events()
    assert {event["delivery_id"] for event in events} > set(guids)
    assert len(events) == 4 and {event["status"] for event in events} == {"succeeded"}

    assert (await watched.check())["gaps"] == []
    for lost in guids:
        repeated = next(event for event in events if event["delivery_id"] == lost)
        steps = await watched.client.steps(repeated["id"])
        assert [step["name"] for step in steps].count("receive") == 1


async def test_one_a_second_and_only_those_that_were_chosen(watched: Watched) -> None:
    lost = [watched.lose(n)["guid"] for n in range(5)]
    await watched.check()
    began = watched.clock.now()
    done = await watched.healed(await watched.heal({"keys": lost[:3]}), moves=0.25)
    assert (done["total"], done["succeeded"]) == (3, 3)
    assert watched.clock.now() - began >= 2
    assert {gap["key"] for gap in await watched.gaps()} == set(lost[3:])


async def test_the_start_is_in_the_changelog(watched: Watched) -> None:
    watched.lose(1)
    await watched.check()
    job = await watched.heal()
    (entry,) = await watched.client.ask("GET", f"{watched.path}/changelog?action=heal.started")
    assert (entry["subject"], entry["actor"]["name"]) == (job["id"], "local")


async def test_the_answer_says_where_to_ask_for_the_progress(watched: Watched) -> None:
    async with watched.client.local.post(f"http://ccb{watched.path}/gaps/heal") as answer:
        assert answer.status == 202 and answer.headers["Location"] == f"/v1/jobs/{(await answer.json())['id']}"


async def test_what_cannot_be_healed_is_refused(watched: Watched) -> None:
    lost = watched.lose(1)
    await watched.check()
    refused = await watched.heal({"keys": [lost["guid"], "nobody"]}, status=422)
    assert (refused["path"], refused["keys"]) == ("keys", ["nobody"])
    await watched.heal({"keys": []}, status=422)
    await watched.heal({"all": True}, status=422)
    job = await watched.heal()
    assert (await watched.heal(status=409))["job"] == job["id"]
    await watched.healed(job)
    await watched.client.ask("POST", f"{watched.path}/pause")
    assert (await watched.heal(status=409))["status"] == "paused"
    await watched.client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
    refused = await watched.client.ask("POST", "/v1/integrations/hello-webhook/gaps/heal", status=409)
    assert "Only GitHub can be asked" in refused["message"]


async def test_a_rate_limit_delays_and_loses_nothing(watched: Watched) -> None:
    for n in range(3):
        watched.lose(n)
    await watched.check()
    watched.hub.hooks.redeliveries_limited = 300
    job = await watched.heal()
    await jobs.advance(watched.client.engine.ctx)
    held = await watched.client.ask("GET", f"/v1/jobs/{job['id']}")
    assert "in 300 s" in held["waiting"]["message"] and held["status"] == "running"
    asked = len(watched.hub.requests)
    for _ in range(20):
        watched.clock.move(10)
        await jobs.advance(watched.client.engine.ctx)
    assert len(watched.hub.requests) == asked, "GitHub is left in peace"
    watched.hub.hooks.redeliveries_limited = None
    done = await watched.healed(job, moves=5)
    assert (done["succeeded"], done["failed"]) == (3, 0)
    assert {gap["asked"] for gap in await watched.gaps("closed")} == {1}, "the refused asking cost no try"


@BOTH
async def test_each_is_asked_for_three_times_with_growing_waits(watched: Watched) -> None:
    lost = watched.lose(1)
    await watched.check()
    watched.hook.config["secret"] = "another-secret"
    done = await watched.healed(await watched.heal(), moves=15)
    assert (done["succeeded"], done["failed"]) == (0, 1)
    attempts = [kept["at"] for kept in watched.hook.deliveries if kept["shown"]["redelivery"]]
    waits = [round(after - before) for before, after in pairwise(attempts)]
    assert len(attempts) == 3 and 30 <= waits[0] <= 60 and 120 <= waits[1] <= 150, waits
    found = await watched.check()
    (gap,) = found["gaps"]
    assert (gap["key"], gap["asked"], gap["detail"]["status_code"]) == (lost["guid"], 3, 401)

    ctx = watched.client.engine.ctx
    await watched.client.ask("PATCH", f"{watched.path}/monitoring", {"gap_healing": True})
    await healing.look_after(ctx)
    assert len(await watched.client.ask("GET", "/v1/jobs?kind=heal")) == 1, "given up by itself"
    watched.hook.config["secret"] = SECRET
    assert (await watched.healed(await watched.heal()))["succeeded"] == 1, "and tried anew when somebody asks"


async def test_what_github_keeps_no_longer_is_gone(watched: Watched) -> None:
    lost, other = watched.lose(1), watched.lose(2)
    await watched.check()
    watched.hook.deliveries = [d for d in watched.hook.deliveries if d["shown"]["guid"] != lost["guid"]]
    done = await watched.healed(await watched.heal())
    assert (done["succeeded"], done["failed"]) == (1, 1)
    closed = {gap["key"]: gap["closed_why"] for gap in await watched.gaps("closed")}
    assert closed == {lost["guid"]: "gone", other["guid"]: "arrived"}


async def test_a_token_that_may_only_read_ends_the_job_with_what_it_lacks(watched: Watched) -> None:
    """To GitHub both what is gone and what is hidden are a 404: here the delivery is there."""
    watched.lose(1)
    watched.hub.callers[TOKEN] = Caller("octocat", scopes=("read:repo_hook",))
    assert (await watched.check())["problem"] is None
    done = await watched.healed(await watched.heal(), "failed")
    assert "needs the scope admin:repo_hook" in done["error"]["message"]
    (gap,) = await watched.gaps()
    assert gap["asked"] == 0
    watched.hub.callers[TOKEN] = Caller("octocat")
    assert (await watched.healed(await watched.heal()))["succeeded"] == 1


async def test_what_could_not_be_checked_is_not_said_to_be_healed(watched: Watched) -> None:
    watched.lose(1)
    watched.hub.callers[TOKEN] = Caller("octocat", may_administer=False)
    assert "must administer it" in (await watched.check())["problem"]["message"]
    refused = await watched.heal(status=409)
    assert "could not be checked" in refused["message"] and "must administer it" in refused["message"]
    watched.hub.callers[TOKEN] = Caller("octocat")
    assert (await watched.healed(await watched.heal()))["succeeded"] == 1, "it looks by itself"


async def test_a_hook_that_is_hidden_ends_the_job(watched: Watched) -> None:
    watched.lose(1)
    await watched.check()
    watched.hub.callers[TOKEN] = Caller("octocat", may_administer=False)
    done = await watched.healed(await watched.heal(), "failed")
    assert "must administer it" in done["error"]["message"]
    assert len(await watched.gaps()) == 1


async def test_an_outage_and_a_pause_hold_it_up(watched: Watched) -> None:
    watched.lose(1)
    await watched.check()
    watched.hub.broken = 502
    job = await watched.heal()
    await jobs.advance(watched.client.engine.ctx)
    held = await watched.client.ask("GET", f"/v1/jobs/{job['id']}")
    assert (held["status"], "502" in held["waiting"]["message"]) == ("running", True)
    watched.hub.broken = 0
    await watched.client.ask("POST", f"{watched.path}/pause")
    watched.clock.move(60)
    await jobs.advance(watched.client.engine.ctx)
    assert (await watched.client.ask("GET", f"/v1/jobs/{job['id']}"))["waiting"]["error"] == "Integration inactive"
    await watched.client.ask("POST", f"{watched.path}/activate")
    assert (await watched.healed(job, moves=10))["succeeded"] == 1


@BOTH
async def test_a_cancelled_job_asks_no_more(watched: Watched) -> None:
    for n in range(4):
        watched.lose(n)
    await watched.check()
    job = await watched.heal()
    await jobs.advance(watched.client.engine.ctx)
    await watched.client.ask("POST", f"/v1/jobs/{job['id']}/cancel")
    done = await watched.healed(job, "cancelled")
    assert (done["started"], done["succeeded"]) == (1, 1)
    assert sum(path.endswith("/attempts") for _, path in watched.hub.requests) == 1
    assert len(await watched.gaps()) == 3


async def test_it_arrived_by_itself_meanwhile(watched: Watched) -> None:
    lost = watched.lose(1)
    await watched.check()
    job = await watched.heal()
    await watched.hub.hooks.again(lost["id"])
    done = await watched.healed(job)
    assert done["succeeded"] == 1
    assert len(await watched.events()) == 1


@pytest.mark.slow
async def test_the_scheduler_does_both(tmp_path: Path, hub: GitHubStandIn) -> None:
    """A real clock, a real scheduler: once it is switched on, what was lost arrives though nobody asks."""
    hub.now = time.time
    given: dict[str, Any] = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": hub.url, "GITHUB_REPOSITORY": "acme/app"}
    async with running(tmp_path, CCB_GAP_SECONDS=1, **given) as client:
        source = {"kind": "github", "events": ["push", "event"]}
        wish = package(LOG, "example.com", expected=LOGGED, source=source)
        made = await client.install(wish, webhook_secret=SECRET)
        hub.hooks.add("acme/app", f"{client.engine.report.address}/webhooks/{made['id']}", secret=SECRET)
        hub.hooks.lose("acme/app", "push", {"n": 1})
        await client.ask("PATCH", f"/v1/integrations/{made['id']}/monitoring", {"gap_healing": True})
        closed: list[Any] = []
        async with asyncio.timeout(20):
            while not closed:
                path = f"/v1/integrations/{made['id']}/events/gaps?state=closed"
                closed = (await client.ask("GET", path))["gaps"]
                await asyncio.sleep(0.05)
        assert closed[0]["closed_why"] == "arrived"
        assert len(await client.ask("GET", f"/v1/integrations/{made['id']}/events")) == 1


async def test_when_switched_on_it_looks_and_heals_by_itself(watched: Watched) -> None:
    """What the scheduler does every few minutes: without the setting nothing, with it a look and a job."""
    ctx = watched.client.engine.ctx
    watched.lose(1)
    await healing.look_after(ctx)
    assert (await gaps.overview(ctx, watched.id)).check.checked_at is None
    await watched.client.ask("PATCH", f"{watched.path}/monitoring", {"gap_healing": True})
    await healing.look_after(ctx)
    await healing.look_after(ctx)
    (job,) = await watched.client.ask("GET", "/v1/jobs?kind=heal")
    assert job["created_by"] == "system"
    await watched.healed(job)
    assert [event["status"] for event in await watched.events()] == ["succeeded"]


async def test_a_cancelled_jobs_asking_counts_for_the_next(watched: Watched) -> None:
    """What was asked for a moment ago is waited for, not asked for at once again."""
    watched.lose(1)
    await watched.check()
    watched.hook.config["secret"] = "another-secret"
    job = await watched.heal()
    await jobs.advance(watched.client.engine.ctx)
    await watched.client.ask("POST", f"/v1/jobs/{job['id']}/cancel")
    await watched.healed(job, "cancelled")
    done = await watched.healed(await watched.heal(), moves=5)
    assert (done["started"], done["failed"]) == (1, 1)
    assert sum(kept["shown"]["redelivery"] for kept in watched.hook.deliveries) == 3


async def test_what_was_given_up_is_left_out_by_the_scheduler(watched: Watched) -> None:
    watched.lose(1)
    await watched.check()
    watched.hook.config["secret"] = "another-secret"
    await watched.healed(await watched.heal(), moves=30)
    watched.hook.config["secret"] = SECRET
    watched.lose(2)
    await watched.client.ask("PATCH", f"{watched.path}/monitoring", {"gap_healing": True})
    await healing.look_after(watched.client.engine.ctx)
    job = (await watched.client.ask("GET", "/v1/jobs?kind=heal"))[0]
    done = await watched.healed(job)
    assert (done["total"], done["started"], done["succeeded"]) == (1, 1, 1)
    (gap,) = await watched.gaps()
    assert gap["asked"] == 3


async def test_at_the_bots_limit_the_others_wait_for_the_next_round(watched: Watched) -> None:
    """One refusal is enough to know; an integration with a token of its own is looked at all the same."""
    client, ids = watched.client, [watched.id]
    for number in range(2):
        source = {"kind": "github", "events": ["push", "event"]}
        wish = package(LOG, "example.com", expected=LOGGED, source=source, slug=f"forward-{number}")
        ids.append((await client.install(wish, webhook_secret=SECRET))["id"])
    await client.ask("PATCH", f"/v1/integrations/{ids[2]}/config", {"github_token": "ghp_own"})
    for one in ids:
        await client.ask("PATCH", f"/v1/integrations/{one}/monitoring", {"gap_healing": True})
    watched.hub.secondary_limit = 900
    await healing.look_after(client.engine.ctx)
    looked = [(await gaps.overview(client.engine.ctx, one)).check.checked_at for one in ids]
    assert [at is not None for at in looked] == [True, False, True]


async def test_closed_gaps_are_kept_for_a_month(watched: Watched) -> None:
    watched.lose(1)
    await watched.check()
    await watched.healed(await watched.heal())
    for days, kept in ((29, 1), (2, 0)):
        watched.clock.move(days * 86400)
        await healing.look_after(watched.client.engine.ctx)
        assert len(await watched.gaps("closed")) == kept
