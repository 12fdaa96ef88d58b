"""Requests through the REST API: asked for, looked at, moved; and how they stand among the integrations."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.actors import SYSTEM, Actor
from core.demo.stand_ins.claude import LIMITED, ClaudeStandIn, Failure
from core.demo.stand_ins.github.hub import GitHubStandIn
from core.requests import service
from core.requests.service import Issue
from core.texts import T, revive
from tests.contexts import MovableClock
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import ASKER, FIELDS, REPOSITORY, House, settings_of
from tests.engines import running

LIMIT = Failure(429, LIMITED.kind, LIMITED.message, retry_after=300)
STRANGER = Actor("github", "eve", "eve", frozenset({"integrations.write"}))


async def post(house: House, **fields: str) -> Any:
    """Ask for an integration through the door."""
    return await house.client.ask("POST", "/v1/integrations", {"request": {**FIELDS, **fields}}, status=201)


async def get(house: House, path: str, language: str = "en") -> Any:
    async with house.client.local.get(f"http://ccb{path}", headers={"Accept-Language": language}) as found:
        assert found.status == 200, await found.text()
        return await found.json()


async def until(house: House, request_id: str, status: str) -> Any:
    asked = await service.find(house.client.engine.ctx, request_id)
    await house.until(asked, lambda one: one.row.status == status and (bool(one.error_details) or not one.row.stage))
    return await get(house, f"/v1/integrations/{request_id}")


async def test_a_request_is_an_integration_to_be_and_becomes_one(house: House) -> None:
    house.claude.answers = [answer(draft())]
    made = await post(house)
    assert (made["status"], made["error_details"], made["source"], made["version"]) == ("requested", None, None, None)
    assert (made["config"], made["missing"], made["capabilities"], made["webhook_secret"]) == ({}, [], {}, None)
    assert made["webhook_url"].endswith(f"/webhooks/{made['id']}") and made["name"] == "My service → the log"
    reviewed = await until(house, made["id"], "inactive")
    assert reviewed["status"] == "inactive" and reviewed["issue"] is None
    assert reviewed["pull_request"] == {
        "number": 2, "url": house.hub.pulls.shown(REPOSITORY, 2)["html_url"], "state": "open",
    }  # fmt: skip
    assert await get(house, f"/v1/integrations/{reviewed['slug']}") == reviewed
    status = await get(house, f"/v1/integrations/{made['id']}/status")
    assert status["summary"].startswith("Its pull request #2 is open.") and not status["healthy"]
    assert reviewed["pull_request"]["url"] in status["problems"][0]["fix"]
    assert 0 < status["spending"]["spent_usd"] < status["spending"]["limit_usd"] == 2.0
    logs = await get(house, f"/v1/integrations/{made['id']}/logs")
    assert [line["fields"]["step"] for line in logs] == ["publish", "verify", "write", "check"]
    whole = await get(house, f"/v1/requests/{made['id']}")
    assert (whole["status"], whole["stage"], whole["run_at"], whole["origin"]) == ("inactive", "", None, "rest")
    [first] = whole["rounds"]
    assert (first["round"], first["problem"], first["samples"][0]["name"]) == (1, None, "hello")
    assert first["tokens"]["output_tokens"] > 0 and first["cost_usd"] == whole["spending"]["spent_usd"]
    await _merge(house, made["id"])
    installed = await get(house, f"/v1/integrations/{made['id']}")
    assert installed["pull_request"] == {**reviewed["pull_request"], "state": "merged"}
    assert (installed["status"], installed["slug"]) == ("inactive", "hello-webhook") and installed["source"]
    assert await get(house, "/v1/integrations") == [installed]
    assert (await get(house, f"/v1/integrations/{made['id']}/status"))["pull_request"] == installed["pull_request"]


async def _merge(house: House, request_id: str) -> None:
    ctx = house.client.engine.ctx
    asked = await service.find(ctx, request_id)
    commit = house.hub.pulls.shown(REPOSITORY, 2)["head"]["sha"]
    await service.merged(ctx, asked, commit, actor=SYSTEM)
    await house.until(asked, lambda one: one.row.status == "installed")


async def test_what_is_missing_is_named_in_the_readers_language(house: House) -> None:
    made = await post(house, target_service="", description="")
    failed = await until(house, made["id"], "failed")
    details = failed["error_details"]
    assert details["error"] == "Insufficient integration requirements"
    assert details["missing_fields"] == ["target_service", "description"] and "lacks" in details["message"]
    status = await get(house, f"/v1/integrations/{made['id']}/status")
    assert status["status"] == "failed" and status["problems"][0]["code"] == "failed"
    again = f"PATCH /v1/requests/{made['id']} adds what is missing: target_service, description."
    assert status["problems"][0]["fix"] == again
    assert house.claude.asked == []
    stored = (await service.find(house.client.engine.ctx, made["id"])).error_details
    assert stored is not None
    in_russian = await get(house, f"/v1/integrations/{made['id']}", "ru")
    assert in_russian["error_details"]["message"] == revive(stored["message"], "ru")


async def test_what_was_missing_is_added(house: House) -> None:
    made = await post(house, target_service="", description="")
    await until(house, made["id"], "failed")
    path, house.claude.answers = f"/v1/requests/{made['id']}", [answer(draft()), answer(draft(readme="Other.\n"))]
    wish = {"fields": {"target_service": "the log", "description": " Write\u200b a line. ", "events": "e"}}
    changed = await house.client.ask("PATCH", path, wish)
    assert (changed["status"], changed["error_details"], changed["title"]) == (
        "requested",
        None,
        "My service → the log",
    )
    assert changed["fields"]["description"] == "Write a line." and changed["fields"]["service_name"] == "My service"
    reviewed = await until(house, made["id"], "inactive")
    assert "Write a line." in house.claude.asked[0].body["messages"][0]["content"]
    assert await house.client.ask("PATCH", path, {"fields": {"events": " e "}}) == await get(house, path)
    assert len(house.claude.asked) == 1, "nothing has changed"
    await house.client.ask("PATCH", path, {"fields": {"events": ""}})
    again = await until(house, made["id"], "inactive")
    assert again["pull_request"] == reviewed["pull_request"] and len(house.claude.asked) == 2
    assert "events" not in (await get(house, path))["fields"]
    said = [line["message"] for line in await get(house, path + "/log") if line["step"] == "said"]
    assert len(said) == 2 and said[0].startswith("The request was edited by ")
    [entry, *_] = await house.client.ask("GET", "/v1/changelog?action=request.edited")
    assert made["id"] in str(entry)
    await _merge(house, made["id"])
    refused = await house.client.ask("PATCH", path, wish, status=409)
    assert refused["status"] == "installed" and "is merged" in refused["message"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"fields": {}}, {"fields": {"colour": "red"}}, {"fields": {"description": 7}}, {"fields": None},
        {"fields": {"description": None}}, {"fields": {"description": "x" * 20_001}}, {"fields": {"events": "\0"}},
        {"fields": {"events": "e"}, "more": 1},
    ],
)  # fmt: skip
async def test_wrong_changes_change_nothing(house: House, body: Any) -> None:
    made = await post(house, target_service="")
    await until(house, made["id"], "failed")
    before = await get(house, f"/v1/requests/{made['id']}")
    await house.client.ask("PATCH", f"/v1/requests/{made['id']}", body, status=422)
    assert await get(house, f"/v1/requests/{made['id']}") == before


async def test_a_request_that_is_an_issue_is_edited_there(house: House) -> None:
    issue = Issue(REPOSITORY, 1, "a body")
    asked = await service.open_request(
        house.client.engine.ctx, FIELDS, actor=STRANGER, origin="issue", issue=issue
    )  # fmt: skip
    wish = {"fields": {"description": "Something else."}}
    refused = await house.client.ask("PATCH", f"/v1/requests/{asked.id}", wish, status=409)
    assert "It is the issue acme/app#1: edit that." in refused["message"]
    assert (await house.now(asked)).fields == FIELDS
    await house.client.ask("PATCH", "/v1/requests/nothing", wish, status=404)


async def test_what_the_runtime_cannot_give(house: House) -> None:
    made = await post(house, dependencies="python>=3.12, requests")
    failed = await until(house, made["id"], "failed")
    assert failed["error_details"]["error"] == "Dependency conflict detected"
    assert len(failed["error_details"]["conflicts"]) == 2


async def test_at_claudes_limit_it_waits(house: House) -> None:
    house.claude.answers = [LIMIT]
    made = await post(house)
    waits = await until(house, made["id"], "generating")
    assert waits["status"] == "generating" and waits["error_details"]["error"] == "Rate limit exceeded"
    assert waits["error_details"]["retry_after"] == "300s"
    assert (await get(house, f"/v1/requests/{made['id']}"))["run_at"] == "2023-11-14T22:18:20.000Z"
    status = await get(house, f"/v1/integrations/{made['id']}/status")
    assert status["problems"][0]["severity"] == "warning" and "goes on by itself" in status["summary"]
    refused = await house.client.ask("POST", f"/v1/requests/{made['id']}/retry", status=409)
    assert refused["status"] == "generating" and "failed or was stopped" in refused["message"]
    stopped = await house.client.ask("POST", f"/v1/requests/{made['id']}/stop")
    assert (stopped["status"], stopped["error_details"]["error"], stopped["run_at"]) == ("failed", "Stopped", None)
    await house.client.ask("POST", f"/v1/requests/{made['id']}/stop", status=409)
    house.claude.answers = [answer(draft())]
    again = await house.client.ask("POST", f"/v1/requests/{made['id']}/retry")
    assert again["status"] in ("requested", "generating") and again["error_details"] is None
    assert (await until(house, made["id"], "inactive"))["error_details"] is None
    steps = [(line["step"], line["level"]) for line in await get(house, f"/v1/requests/{made['id']}/log")]
    assert steps[:4] == [("check", "info"), ("write", "warning"), ("said", "info"), ("said", "info")]
    only = await get(house, f"/v1/requests/{made['id']}/log?level=warning&limit=5")
    assert [line["step"] for line in only] == ["write"]


async def test_a_budget_that_covers_nothing_ends_it_before_any_call(
    tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn
) -> None:
    given = {**settings_of(claude, hub), "CCB_BUDGET_REQUEST": "0.001"}
    async with running(tmp_path, clock=clock, **given) as client:
        house = House(client, claude, hub, clock)
        made = await post(house)
        failed = await until(house, made["id"], "failed")
        details = failed["error_details"]
        assert (details["error"], details["setting"]) == ("Budget exceeded", "CCB_BUDGET_REQUEST")
        told = (await get(house, f"/v1/integrations/{made['id']}", "ru"))["error_details"]["message"]
        assert T("this request").render("ru") in told
        assert (details["spent_usd"], details["limit_usd"]) == (0, 0.001) and "0.00" in details["message"]
        status = await get(house, f"/v1/integrations/{made['id']}/status")
        assert status["spending"]["spent_usd"] == 0 and "of $0.0010" in status["summary"]
        assert claude.asked == []


async def test_what_a_person_has_spent_counts_for_the_next_request(
    tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn
) -> None:
    claude.answers = [answer(draft()), answer(draft())]
    given = {**settings_of(claude, hub), "CCB_BUDGET_PERSON": "0.1"}
    async with running(tmp_path, clock=clock, **given) as client:
        house = House(client, claude, hub, clock)
        first = (await post(house))["id"]
        await until(house, first, "inactive")
        spent = (await get(house, f"/v1/requests/{first}"))["spending"]
        assert spent["person"] == {"spent_usd": spent["spent_usd"], "limit_usd": 0.1}
        assert spent["month"]["spent_usd"] == spent["spent_usd"]


@pytest.mark.slow
async def test_requests_at_once_stay_within_a_budget_together(
    tmp_path: Path, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn
) -> None:
    claude.answers, claude.held = [answer(draft()) for _ in range(3)], asyncio.Event()
    given = {**settings_of(claude, hub), "CCB_BUDGET_PERSON": "0.25", "CCB_CLAUDE_MAX_TOKENS": "10000"}
    async with running(tmp_path, clock=clock, **given) as client:
        house = House(client, claude, hub, clock)
        asked = [await house.ask(service_name=f"Service {number}") for number in range(3)]
        async with asyncio.timeout(10):
            while len(claude.asked) + len([one for one in asked if (await house.now(one)).error_details]) < 3:
                await asyncio.sleep(0.02)
        output = client.engine.ctx.settings.claude_prices[1]
        assert sum(call.body["max_tokens"] for call in claude.asked) * output / 1e6 <= 0.25
        assert [(await house.now(one)).row.status for one in asked] == ["generating"] * 3
        spending = await service.spending(client.engine.ctx, asked[0])
        assert spending["person"]["spent_usd"] == 0, "what is reserved is not spent"
        claude.held.set()
        await house.settled()
        for _ in asked[1:]:
            await house.later(31)
        assert [(await house.now(one)).row.status for one in asked] == ["inactive"] * 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"request": FIELDS, "gallery": "hello-webhook"}, "one of package, gallery and request"),
        ({"request": FIELDS, "slug": "mine"}, "with request nothing else"),
        ({"request": FIELDS, "config": {"a": 1}}, "with request nothing else"),
        ({"request": FIELDS, "activate": True}, "with request nothing else"),
        ({"request": {**FIELDS, "colour": "red"}}, "colour: is unknown here. Known: service_name, integration_type,"),
        ({"request": {**FIELDS, "description": 7}}, "description"),
        ({"request": {**FIELDS, "description": "x" * 20_001}}, "description"),
        ({"request": []}, "request"),
        ({"request": None}, "one of package, gallery and request"),
    ],
)
async def test_wrong_requests_store_nothing(house: House, body: Any, said: str) -> None:
    refused = await house.client.ask("POST", "/v1/integrations", body, status=422)
    assert said in str(refused)
    assert await get(house, "/v1/requests") == [] == await get(house, "/v1/integrations")


async def test_who_may(house: House) -> None:
    made = await post(house, target_service="")
    await until(house, made["id"], "failed")
    wish = {"name": "reader", "permissions": ["integrations.read"]}
    token = (await house.client.ask("POST", "/v1/auth/tokens", wish, status=201))["token"]
    base, headers = house.client.engine.report.address, {"Authorization": f"Bearer {token}", "Accept-Language": "ru"}
    for path in ("", f"/{made['id']}"):
        async with house.client.public.get(f"{base}/v1/requests{path}", headers=headers) as found:
            assert found.status == 200
    change = {"fields": {"target_service": "the log"}}
    async with house.client.public.patch(f"{base}/v1/requests/{made['id']}", json=change, headers=headers) as found:
        assert found.status == 403
    for way in ("retry", "stop", "approve"):
        url = f"{base}/v1/requests/{made['id']}/{way}"
        async with house.client.public.post(url, headers=headers) as found:
            assert found.status == 403
        await house.client.ask("POST", f"/v1/requests/nothing/{way}", status=404)
    async with house.client.public.get(f"{base}/v1/requests/{made['id']}/log", headers=headers) as found:
        assert found.status == 403, "logs.read"
    body = {"request": FIELDS}
    async with house.client.public.post(f"{base}/v1/integrations", json=body, headers=headers) as found:
        assert found.status == 403
    for path in ("/v1/requests/nothing", "/v1/requests/%E2%80%A8", "/v1/requests/nothing/log"):
        await house.client.ask("GET", path, status=404)
    await house.client.ask("GET", "/v1/requests?status=active", status=422)


async def test_a_strangers_request_waits_for_an_approval(house: House) -> None:
    ctx, house.claude.answers = house.client.engine.ctx, [LIMIT]
    issue = Issue(REPOSITORY, 1, "a body")
    asked = await service.open_request(ctx, FIELDS, actor=STRANGER, origin="issue", issue=issue)
    await house.until(asked, lambda one: one.row.status == "requested" and not one.row.stage)
    status = await get(house, f"/v1/integrations/{asked.id}/status")
    assert "waits for the approval" in status["summary"] and house.claude.asked == []
    assert f"/v1/requests/{asked.id}/approve" in status["problems"][0]["fix"]
    assert status["issue"] == {"repository": REPOSITORY, "number": 1}
    await house.client.ask("POST", f"/v1/requests/{asked.id}/approve")
    assert (await until(house, asked.id, "generating"))["error_details"]["error"] == "Rate limit exceeded"
    refused = await house.client.ask("POST", f"/v1/requests/{asked.id}/approve", status=409)
    assert "does not wait for an approval" in refused["message"]
    of_rest = (await post(house, target_service=""))["id"]
    await house.client.ask("POST", f"/v1/requests/{of_rest}/approve", status=409)


async def test_the_list_of_integrations_has_requests_in_their_place(house: House) -> None:
    before = await house.client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
    asked = [await post(house, service_name=name, target_service="") for name in ("One", "Two")]
    after = await house.client.ask(
        "POST", "/v1/integrations", {"gallery": "hello-webhook", "slug": "another"}, status=201
    )
    for one in asked:
        await until(house, one["id"], "failed")
    ids = [before["id"], *(one["id"] for one in asked), after["id"]]
    assert [one["id"] for one in await get(house, "/v1/integrations")] == ids
    assert [one["id"] for one in await get(house, "/v1/integrations?offset=1&limit=2")] == ids[1:3]
    assert [one["id"] for one in await get(house, "/v1/integrations?offset=2")] == ids[2:]
    async with house.client.local.get("http://ccb/v1/integrations?limit=1") as page:
        assert page.headers["X-Total-Count"] == "4"
    batch = {"ids": [ids[0], ids[1], asked[1]["slug"], "nothing"]}
    results = (await house.client.ask("POST", "/v1/integrations/batch", batch))["results"]
    assert [one["status"] for one in results] == [200, 200, 200, 404]
    assert results[1]["integration"] == await get(house, f"/v1/integrations/{ids[1]}")
    assert results[2]["integration"]["id"] == ids[2]
    assert [one["title"] for one in await get(house, "/v1/requests?status=failed")] == ["Two", "One"]
    assert len(await get(house, "/v1/requests?limit=1")) == 1 and await get(house, "/v1/requests?status=inactive") == []


@pytest.mark.parametrize("path", ["/v1/integrations", "/v1/integrations?limit=10"])
async def test_every_change_of_a_request_changes_the_lists_tag(house: House, path: str) -> None:
    """The clock stands still meanwhile: it is not only the time of the change."""
    tags = []

    async def tag() -> str:
        async with house.client.local.get(f"http://ccb{path}") as found:
            return found.headers["ETag"]

    tags.append(await tag())
    house.claude.answers = [LIMIT]
    made = await post(house)
    await until(house, made["id"], "generating")
    tags.append(await tag())
    assert await tag() == tags[-1]
    await house.client.ask("POST", f"/v1/requests/{made['id']}/stop")
    tags.append(await tag())
    house.claude.answers = [answer(draft())]
    await house.client.ask("POST", f"/v1/requests/{made['id']}/retry")
    await until(house, made["id"], "inactive")
    tags.append(await tag())
    await _merge(house, made["id"])
    tags.append(await tag())
    assert len(set(tags)) == 5, tags


async def test_a_request_is_not_asked_for_what_only_an_integration_has(house: House) -> None:
    made = await post(house, target_service="")
    for path in ("config", "webhook-config", "events", "metrics"):
        await house.client.ask("GET", f"/v1/integrations/{made['id']}/{path}", status=404)
    await house.client.ask("POST", f"/v1/integrations/{made['id']}/activate", status=404)
    answered = await house.client.post(f"/webhooks/{made['id']}", b"{}", {})
    assert answered.status == 404


async def test_a_name_stays_with_the_integration(house: House) -> None:
    """An integration's slug goes before a request's."""
    ctx = house.client.engine.ctx
    asked = await service.open_request(ctx, {**FIELDS, "target_service": ""}, actor=ASKER, origin="rest")
    wish = {"gallery": "hello-webhook", "slug": asked.row.slug}
    made = await house.client.ask("POST", "/v1/integrations", wish, status=201)
    assert (await get(house, f"/v1/integrations/{asked.row.slug}"))["id"] == made["id"]
    [only] = (await house.client.ask("POST", "/v1/integrations/batch", {"ids": [asked.row.slug]}))["results"]
    assert only["integration"]["id"] == made["id"]
