"""Issues that ask for an integration, taken up again: through the door, against the stand-in for GitHub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.actors import Actor
from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn
from core.generation.template import parse
from core.requests import service
from tests.contexts import MovableClock
from tests.engines import Client, running

COMPLETE = """## 🔌 Запрос на создание интеграции

**Название сервиса:** Sentry
**Тип интеграции:** Webhook
**Целевой сервис:** Slack
**Описание:** Писать о каждой новой ошибке.
"""
LABEL = ["integration-request"]


@pytest.fixture
async def hub() -> AsyncIterator[GitHubStandIn]:
    async with GitHubStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def client(tmp_path: Path, clock: MovableClock, hub: GitHubStandIn) -> AsyncIterator[Client]:
    hub.now = clock.now
    given = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "Acme/app", "GITHUB_API_URL": hub.url}
    async with running(tmp_path, clock=clock, **given) as client:
        yield client


def opened(hub: GitHubStandIn, body: str = COMPLETE, *, title: str = "Sentry to Slack", labels: Any = None) -> int:
    number: int = hub.open_issue("acme/app", title, body, LABEL if labels is None else labels)["number"]
    return number


async def test_a_complete_one_becomes_a_request_and_its_story_is_told(client: Client, hub: GitHubStandIn) -> None:
    number = opened(hub)
    done = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert (done["issue"], done["status"], done["missing_fields"]) == ("acme/app#2", "generating", [])
    assert f"POST /v1/requests/{done['request']}/stop" in done["message"]
    lines = await client.ask("GET", f"/v1/issues/{number}/logs")
    assert (lines[0]["step"], lines[0]["level"], lines[0]["message"]) == ("check", "info", "The request is complete.")
    assert lines[0]["timestamp"] == "2023-11-14T22:13:20.000Z"
    asked = await client.ask("GET", f"/v1/requests/{done['request']}")
    assert asked["issue"] == {"repository": "acme/app", "number": 2} and asked["origin"] == "issue"
    assert asked["fields"]["description"] == "Писать о каждой новой ошибке." and asked["language"] == "ru"
    [entry] = await client.ask("GET", "/v1/changelog?action=request.opened")
    assert entry["actor"]["kind"] == "local"
    again = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert again["request"] == done["request"], "what is under way goes on"


async def test_what_the_guide_answers_when_fields_are_missing(client: Client, hub: GitHubStandIn) -> None:
    number = opened(
        hub, "### Service name\n\nSentry\n\n### Integration type\n\nWebhook\n\n### Description\n\nAll of it.\n"
    )
    done = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    details = done["error_details"]
    assert details["error"] == "Insufficient integration requirements" and "Target service" in details["message"]
    assert details["missing_fields"] == done["missing_fields"] == ["target_service", "api_endpoints"]
    assert done["status"] == "failed" and "POST /v1/issues/2/reprocess" in done["message"]
    [line] = await client.ask("GET", f"/v1/issues/{number}/logs?level=error")
    assert line["step"] == "check" and "Target service, API endpoints" in line["message"]


async def test_an_edited_one_is_taken_up_again(client: Client, hub: GitHubStandIn) -> None:
    number = opened(hub, "**Service name:** Sentry\n")
    failed = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    again = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert (failed["status"], again["status"]) == ("failed", "failed"), "begun again, to the same end"
    hub.repositories["acme/app"].issues[number - 1]["body"] = COMPLETE
    mended = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert (mended["status"], mended["request"]) == ("generating", failed["request"])
    steps = [line["step"] for line in await client.ask("GET", f"/v1/issues/{number}/logs")]
    assert steps[:5] == ["check", "said", "check", "said", "check"]
    assert len(await client.ask("GET", "/v1/requests")) == 1


async def test_a_missing_label_is_named_with_the_command_that_adds_it(client: Client, hub: GitHubStandIn) -> None:
    number = opened(hub, labels=["bug"])
    done = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert (done["status"], done["request"]) == ("failed", None)
    assert (done["error_details"]["error"], done["error_details"]["missing_label"]) == (
        "Label missing", "integration-request",
    )  # fmt: skip
    assert await client.ask("GET", "/v1/requests") == [] == await client.ask("GET", "/v1/integrations")
    [label] = await client.ask("GET", f"/v1/issues/{number}/logs?level=error")
    assert "gh issue edit 2 --repo acme/app --add-label integration-request" in label["message"]
    assert "POST /v1/issues/2/reprocess" in done["message"]
    hub.repositories["acme/app"].issues[number - 1]["labels"].append({"name": "Integration-Request"})
    again = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert again["status"] == "generating"


async def test_no_template_at_all(client: Client, hub: GitHubStandIn) -> None:
    done = await client.ask("POST", "/v1/issues/1/reprocess", status=202)
    assert done["status"] == "failed" and done["error_details"]["missing_label"] == "integration-request"
    assert len(done["missing_fields"]) == 5
    lines = await client.ask("GET", "/v1/issues/1/logs")
    assert "does not follow the template" in lines[2]["message"]


async def test_an_issue_that_nothing_was_done_with_says_so(client: Client, hub: GitHubStandIn) -> None:
    lines = await client.ask("GET", "/v1/issues/1/logs")
    assert lines[0]["message"].endswith("by octocat was read from GitHub; it is open.")
    assert lines[0]["fields"].keys() == {"title", "author", "state"}
    assert [line["step"] for line in lines] == ["fetch", "label", *["template"] * 6, "done"]
    assert (lines[-1]["level"], lines[3]["level"]) == ("warning", "error") and "For example" in lines[3]["message"]
    assert "Nothing has been done" in lines[-1]["message"] and "POST /v1/issues/1/reprocess" in lines[-1]["message"]
    assert len(await client.ask("GET", "/v1/issues/1/logs?level=warning&limit=2")) == 2
    assert hub.requests == [("GET", "/repos/acme/app/issues/1")], "asked once in half a minute"


async def test_it_can_be_named_in_full(client: Client, hub: GitHubStandIn) -> None:
    number = opened(hub)
    done = await client.ask("POST", f"/v1/issues/ACME%2Fapp%23{number}/reprocess", status=202)
    assert done["issue"] == "acme/app#2"
    lines = await client.ask("GET", f"/v1/issues/acme%2Fapp%23{number}/logs")
    assert lines[0]["message"] == "The request is complete."


@pytest.mark.parametrize(
    "name",
    ["0", "-1", "abc", "7x", "99999999999", "2147483648", "other%2Frepo%231", "acme%2Fapp", "acme%2Fapp%230", "1%00"],
)
async def test_what_is_no_issue_of_ours(client: Client, hub: GitHubStandIn, name: str) -> None:
    await client.ask("GET", f"/v1/issues/{name}/logs", status=404)
    await client.ask("POST", f"/v1/issues/{name}/reprocess", status=404)
    assert hub.requests == []


async def test_one_that_github_does_not_have_leaves_nothing(client: Client) -> None:
    refused = await client.ask("POST", "/v1/issues/77/reprocess", status=404)
    assert "acme/app#77" in refused["message"]
    await client.ask("GET", "/v1/issues/77/logs", status=404)
    assert await client.ask("GET", "/v1/requests") == []


async def test_githubs_refusals_are_ours(client: Client, hub: GitHubStandIn, clock: MovableClock) -> None:
    hub.primary_limit_resets_at = clock.now() + 300
    async with client.local.post("http://ccb/v1/issues/1/reprocess") as answer:
        limited = await answer.json()
        assert (answer.status, answer.headers["Retry-After"], limited["error"]) == (503, "300", "Rate limit exceeded")
    hub.primary_limit_resets_at = None
    hub.callers[TOKEN] = Caller("octocat", scopes=("gist",))
    scoped = await client.ask("POST", "/v1/issues/1/reprocess", status=502)
    assert "lacks the scope" in scoped["message"] and scoped["missing_scopes"] == ["repo"]
    octocat = hub.callers.pop(TOKEN)
    refused = await client.ask("POST", "/v1/issues/1/reprocess", status=502)
    assert "GITHUB_TOKEN" in refused["message"] and TOKEN not in str(refused)
    assert await client.ask("GET", "/v1/requests") == []
    told = [limited["message"], scoped["message"], refused["message"]]
    lines = await client.ask("GET", "/v1/issues/1/logs")
    assert [(line["step"], line["level"], line["message"]) for line in lines] == [("fetch", "error", m) for m in told]
    hub.callers[TOKEN] = Caller(octocat.login)
    lines = await client.ask("GET", "/v1/issues/1/logs")
    assert [line["message"] for line in lines[:3]] == told and "Nothing has been done" in lines[-1]["message"]
    assert await client.ask("GET", "/v1/issues/1/logs?level=warning&limit=1") == lines[-1:]


async def test_refusals_are_in_the_log_of_what_is_a_request(client: Client, hub: GitHubStandIn) -> None:
    number = opened(hub)
    done = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    del hub.callers[TOKEN]
    refused = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=502)
    for path in (f"/v1/issues/{number}/logs", f"/v1/requests/{done['request']}/log"):
        lines = [(line["step"], line["level"], line["message"]) for line in await client.ask("GET", path)]
        assert ("fetch", "error", refused["message"]) in lines


async def test_a_strangers_text_stays_text(client: Client, hub: GitHubStandIn) -> None:
    title = "{0} {title}\n<!-- x -->\u202e\0" + "a" * 500
    number = opened(hub, COMPLETE + "\n**Events:** {x} \0 %s", title=title)
    lines = await client.ask("GET", f"/v1/issues/{number}/logs")
    assert lines[0]["fields"]["title"].startswith("{0} {title} a") and len(lines[0]["fields"]["title"]) == 200
    done = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert (await client.ask("GET", f"/v1/requests/{done['request']}"))["fields"]["events"] == "{x}  %s"


async def test_without_a_repository_it_says_which_setting(tmp_path: Path) -> None:
    async with running(tmp_path) as client:
        refused = await client.ask("GET", "/v1/issues/1/logs", status=409)
        assert refused["settings"] == ["GITHUB_REPOSITORY"]
        await client.ask("POST", "/v1/issues/1/reprocess", status=409)


async def test_who_may(client: Client, hub: GitHubStandIn) -> None:
    wish = {"name": "reader", "permissions": ["logs.read"]}
    token = (await client.ask("POST", "/v1/auth/tokens", wish, status=201))["token"]
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "ru"}
    base = f"{client.engine.report.address}/v1/issues/1"
    async with client.public.get(f"{base}/logs", headers=headers) as answer:
        assert answer.status == 200
    async with client.public.post(f"{base}/reprocess", headers=headers) as answer:
        assert answer.status == 403
    assert await client.ask("GET", "/v1/requests") == []


async def test_one_that_waits_for_an_approval_is_let_through(client: Client, hub: GitHubStandIn) -> None:
    number, ctx = opened(hub), client.engine.ctx
    stranger = Actor("github", "eve", "eve", frozenset({"integrations.write"}))
    issue = service.Issue("acme/app", number, COMPLETE)
    asked = await service.open_request(ctx, parse(COMPLETE).fields, actor=stranger, origin="issue", issue=issue)
    async with asyncio.timeout(10):
        while (await service.find(ctx, asked.id)).row.stage:
            await asyncio.sleep(0.02)
    assert (await client.ask("GET", f"/v1/requests/{asked.id}"))["status"] == "requested"
    done = await client.ask("POST", f"/v1/issues/{number}/reprocess", status=202)
    assert (done["status"], done["request"]) == ("generating", asked.id)
    assert (await service.find(ctx, asked.id)).row.approved_by != "eve"
