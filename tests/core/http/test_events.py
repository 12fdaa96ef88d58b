"""Lists of events over HTTP: filters, and links from page to page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"]["n"] == 13:
        raise ValueError("thirteen")
    return []
"""


@pytest.fixture
async def client(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Client]:
    async with running(tmp_path, clock=clock) as client:
        yield client


@pytest.fixture
async def events(client: Client, clock: MovableClock) -> list[str]:
    """Fifteen events, the newest first, a minute between each two; 13 is dead, 14 came twice."""
    await client.install(package(LOG, "x", source={"kind": "standard-webhooks"}))
    made = []
    for n in range(15):
        clock.move(60)
        answer = await client.deliver("forward", {"n": n, "type": "even" if n % 2 == 0 else "odd"}, f"msg_{n}")
        made.append(answer.json["event_id"])
        await client.ended(made[-1], "dead" if n == 13 else "succeeded")
    await client.deliver("forward", {"n": 14, "type": "even"}, "msg_14")
    return made[::-1]


async def listed(client: Client, query: str, path: str = "/v1/integrations/forward/events") -> list[str]:
    return [event["id"] for event in await client.ask("GET", f"{path}?{query}")]


async def test_filters(client: Client, events: list[str]) -> None:
    for path in ("/v1/events", "/v1/integrations/forward/events"):
        assert await listed(client, "", path) == events
        assert await listed(client, "limit=3&offset=1", path) == events[1:4]
        assert await listed(client, "status=dead", path) == [events[1]]
        assert await listed(client, "status=failed", path) == []
        assert await listed(client, "duplicate=true", path) == [events[0]]
        assert await listed(client, "from=150s", path) == events[:3]
        assert await listed(client, "from=2023-11-14T22:14:20Z&to=2023-11-14T22:16:20Z", path) == events[-2:][::1]
        assert await listed(client, f"after={events[9]}", path) == events[10:]
        assert await listed(client, f"q={events[4]}", path) == [events[4]]
        assert await listed(client, "q=msg_3", path) == [events[11]]
        assert await listed(client, "q=THIRTEEN", path) == [events[1]]
        assert await listed(client, "q=100%25", path) == []
    assert await listed(client, "integration=forward&limit=1", "/v1/events") == events[:1]


async def test_links_lead_through_all_events(client: Client, events: list[str]) -> None:
    url: Any = "http://ccb/v1/integrations/forward/events?limit=4&from=1h&offset=1"
    seen: list[list[str]] = []
    while url is not None:
        async with client.local.get(url) as answer:
            seen.append([event["id"] for event in await answer.json()])
            url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == [events[1:5], events[5:9], events[9:13], events[13:]]
    async with client.local.get("http://ccb/v1/events?limit=15") as answer:
        assert "Link" not in answer.headers, "there is no more"


@pytest.mark.parametrize(
    "query",
    [
        "status=odd",
        "from=soon",
        "q=",
        "limit=0",
        "from=1h&to=2h",
        "limit=501",
        "offset=-1",
        "duplicate=perhaps",
        "before=1",
        f"q={'x' * 201}",
    ],
)
async def test_a_wrong_filter_is_refused(client: Client, query: str) -> None:
    await client.ask("GET", f"/v1/events?{query}", status=422)
