"""Wishes for jobs that are refused, and start nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.jobs.dead_letters import dead, installed
from tests.engines import Client
from tests.stand_ins.receiver import Receiver

BAD: dict[str, tuple[str, dict[str, Any]]] = {
    "no bounds": ("replay", {}),
    "only an end": ("replay", {"to": "1h"}),
    "no time": ("replay", {"from": "yesterday"}),
    "the end first": ("replay", {"from": "1h", "to": "2h"}),
    "in the queue": ("replay", {"from": "1h", "status": ["queued"]}),
    "no status": ("replay", {"from": "1h", "status": []}),
    "no types": ("replay", {"from": "1h", "type": []}),
    "no events": ("replay", {"event_ids": []}),
    "too many events": ("replay", {"event_ids": [f"evt_{n}" for n in range(1001)]}),
    "unknown effects": ("replay", {"from": "1h", "effects": "twice"}),
    "unknown member": ("replay", {"from": "1h", "form": 1}),
    "a dry run in words": ("replay", {"from": "1h", "dry_run": "maybe"}),
    "retry of what succeeded": ("events/retry", {"status": ["succeeded"]}),
    "discard of what succeeded": ("events/discard", {"status": ["succeeded"]}),
    "an empty error": ("events/discard", {"error": ""}),
}


@pytest.mark.parametrize("bad", BAD)
async def test_what_is_wrong_is_refused_and_starts_nothing(client: Client, receiver: Receiver, bad: str) -> None:
    integration, (path, body) = await installed(client, receiver), BAD[bad]
    told = await client.ask("POST", f"/v1/integrations/{integration}/{path}", body, status=422)
    assert told["path"] in ("", *body) or told["path"].split(".")[0] in body, told
    assert await client.ask("GET", "/v1/jobs") == []


async def test_what_is_not_there(client: Client, receiver: Receiver) -> None:
    integration, other = await installed(client, receiver), await installed(client, receiver, slug="other")
    (event,) = await dead(client, receiver, other, 1)
    for path in ("replay", "events/retry", "events/discard"):
        wish = {"event_ids": ["evt_none", event]}
        told = await client.ask("POST", f"/v1/integrations/{integration}/{path}", wish, status=404)
        assert told["unknown"] == ["evt_none", event], "another integration's are unknown to this one"
    for path in ("replay", "events/retry", "events/discard"):
        await client.ask("POST", f"/v1/integrations/none/{path}", {"from": "1h"}, status=404)
    await client.ask("GET", "/v1/jobs/job_none", status=404)
    await client.ask("POST", "/v1/jobs/job_none/cancel", status=404)
    await client.ask("GET", "/v1/jobs?integration=none", status=404)
    await client.ask("GET", "/v1/jobs?status=odd", status=422)


async def test_who_may(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    made = await client.ask("POST", "/v1/auth/tokens", {"name": "reader", "permissions": ["events.read"]}, status=201)
    headers = {"Authorization": f"Bearer {made['token']}"}
    of_it = f"/v1/integrations/{integration}"
    for path in (f"{of_it}/replay", f"{of_it}/events/retry", f"{of_it}/events/discard", "/v1/jobs/job_1/cancel",
                 f"{of_it}/events/evt_1/replay"):  # fmt: skip
        url = f"{client.engine.report.address}{path}"
        async with client.public.post(url, headers=headers, json={"from": "1h"}) as answer:
            assert answer.status == 403 and (await answer.json())["required"] == ["events.replay"], path
    async with client.public.get(f"{client.engine.report.address}/v1/jobs", headers=headers) as answer:
        assert answer.status == 200


async def test_a_span_that_lies_ahead_is_refused(client: Client, receiver: Receiver) -> None:
    integration = await installed(client, receiver)
    for wish in ({"from": "2999-01-01"}, {"from": "1h", "to": "2h"}, {"from": "2999-01-01", "dry_run": True}):
        refused = await client.ask("POST", f"/v1/integrations/{integration}/replay", wish, status=422)
        assert refused["path"] == "from"
    assert await client.ask("GET", "/v1/jobs") == []


async def test_a_page_begins_after_an_id(client: Client) -> None:
    for path in ("/v1/events", "/v1/jobs"):
        assert (await client.ask("GET", f"{path}?after=nope", status=422))["path"] == "after"
