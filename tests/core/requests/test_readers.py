"""What is wrong with a package, for people in their language and for Claude in English."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.texts import T
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import REPOSITORY, House
from tests.core.requests.issues import LABEL, RUSSIAN

pytestmark = pytest.mark.slow

NO_HANDLE = T("There is no function handle(event, config) at the top level.")
NO_LIST = T("must be a list")
NO_DEF = draft(handler="x = 1\n")
WRONG_SAMPLE = draft(samples=[draft().samples[0].model_copy(update={"content": json.dumps({"event": {
    "id": "1", "type": "a", "payload": {}}, "actions": 7})})])  # fmt: skip


async def told(house: House, path: str, language: str) -> Any:
    async with house.client.local.get(f"http://ccb{path}", headers={"Accept-Language": language}) as found:
        return await found.json()


async def test_problems_are_told_in_the_readers_language_and_to_claude_in_english(house: House) -> None:
    assert NO_HANDLE.render("ru") != str(NO_HANDLE) and NO_LIST.render("ru") != str(NO_LIST)
    house.claude.answers = [answer(NO_DEF), answer(WRONG_SAMPLE), answer(NO_DEF), answer(NO_DEF)]
    issue = house.hub.open_issue(REPOSITORY, "Поддержка", RUSSIAN, [LABEL], as_user="dev")["number"]
    await house.settled()
    asked = await house.request(issue)
    assert asked.row.status == "failed"
    [said] = house.comments(issue)
    assert NO_HANDLE.render("ru") in said and str(NO_HANDLE) not in said
    assert all(part in said for part in (",", "$")) and "USD" not in said
    refused = [
        line["message"]
        for line in await told(house, f"/v1/requests/{asked.id}/log", "ru")
        if line["step"] == "verify" and line["level"] == "warning"
    ]
    assert NO_HANDLE.render("ru") in refused[0] and NO_LIST.render("ru") in refused[1]
    for language in ("ru", "en"):
        first, second, *_ = (await told(house, f"/v1/requests/{asked.id}", language))["rounds"]
        assert NO_HANDLE.render(language) in first["problem"] and NO_LIST.render(language) in second["problem"]
    repairs = [call.body["messages"][-1]["content"] for call in house.claude.asked[1:]]
    assert str(NO_HANDLE) in repairs[0] and str(NO_LIST) in repairs[1]
    assert not any(NO_HANDLE.render("ru") in repair for repair in repairs)


async def test_dependencies_that_cannot_be_met_are_told_in_the_requests_language(house: House) -> None:
    body = RUSSIAN + "**Зависимости:** python>=3.12, requests>=2\n"
    issue = house.hub.open_issue(REPOSITORY, "Поддержка", body, [LABEL], as_user="dev")["number"]
    await house.settled()
    [said] = house.comments(issue)
    reason = T("{requirement}: the sandbox has no packages, only a part of the standard library", requirement="X")
    assert reason.render("ru").removeprefix("X: ") in said
