"""A new handler on events that were recorded for other integrations with the same source."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest

from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import REPOSITORY, House
from tests.packages import package

pytestmark = pytest.mark.slow

OLD = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "old: " + str(event["payload"]["n"]) + " " + str(event["payload"].get("key"))}]
"""
SECRET = "hunter2-hunter2"
CONFIG = {"type": "object", "properties": {"token": {"type": "string", "x-secret": True}}}


def source(**more: Any) -> dict[str, Any]:
    return {"kind": "standard-webhooks", "events": ["greet"], **more}


def old(slug: str, **more: Any) -> dict[str, Any]:
    files = package(OLD, "x", expected=[{"type": "log", "message": "old: 0 None"}], slug=slug)
    manifest = json.loads(files["files"]["integration.yaml"])
    files["files"]["integration.yaml"] = json.dumps({**manifest, "source": source(), "config": CONFIG, **more})
    sample = json.loads(files["files"]["samples/first.json"])
    sample["event"]["type"] = {**source(), **more.get("source", {})}.get("events", ["event"])[0]
    files["files"]["samples/first.json"] = json.dumps(sample)
    return files


async def events(house: House, integration: str, *numbers: int, kind: str = "greet") -> None:
    for number in numbers:
        payload = {"type": kind, "n": number, "message": f"no. {number}", "key": SECRET}
        house.clock.move(1)
        delivered = await house.client.deliver(integration, payload, f"{kind}_{number}")
        await house.client.until(delivered.json["event_id"], lambda event: event["status"] in ("succeeded", "skipped"))


async def pull_of(house: House, **wanted: Any) -> str:
    """Have a package for such a source written; return its pull request's text."""
    whole = draft()
    shown = json.dumps(source(**wanted))
    manifest = whole.manifest.replace("source: {kind: standard-webhooks}", f"source: {shown}")
    [sample] = [one for one in whole.samples if one.name == "hello"]
    content = sample.content.replace("deploy.finished", (wanted.get("events", ["greet"]) or ["any"])[0])
    greets = sample.model_copy(update={"content": content})
    house.claude.answers = [answer(draft(manifest=manifest, samples=[greets]))]
    asked = await house.ask()
    done = await house.until(asked, lambda one: one.row.status in ("inactive", "failed"))
    assert done.row.pull is not None, done.error_details
    return str(house.hub.pulls.shown(REPOSITORY, done.row.pull)["body"])


async def test_it_runs_on_what_came_for_others_without_secrets_or_effects(house: House) -> None:
    config = {"token": SECRET}
    one = await house.client.install(old("one"), config=config)
    two = await house.client.install(old("two"), config=config)
    other = await house.client.install(old("three", source=source(events=["bye"])), config=config)
    await events(house, one["id"], 1, 2)
    await events(house, two["id"], 3, 4, 5, 6)
    await events(house, other["id"], 7, kind="bye")
    logged = len(await house.client.ask("GET", f"/v1/integrations/{two['id']}/logs"))
    body = await pull_of(house)
    table = [line for line in body.splitlines() if line.startswith("| <code>greet</code>")]
    assert len(table) == 5 and "other integrations" in body and "5 of the last 5" in body
    assert ["<code>two</code>" in line for line in table] == [True, True, True, True, False]
    newest = html.unescape(table[0])
    assert "old: 6 •••" in newest and "Привет! greet has arrived: no. 6" in newest, "with the sample's configuration"
    assert SECRET not in html.unescape(body) and "<code>bye</code>" not in body
    assert len(await house.client.ask("GET", f"/v1/integrations/{two['id']}/logs")) == logged


async def test_in_public_only_names_are_shown(house: House) -> None:
    house.hub.repositories[REPOSITORY].private = False
    made = await house.client.install(old("one"))
    await events(house, made["id"], 1)
    [row] = [line for line in (await pull_of(house)).splitlines() if line.startswith("| <code>greet</code>")]
    assert row == "| <code>greet</code> <code>one</code> | <code>log</code> | <code>log</code> |"


@pytest.mark.parametrize("wanted", [{"events": []}, {"events": ["bye"]}, {"kind": "none", "unsigned": True}])
async def test_of_another_sender_nothing_is_taken(house: House, wanted: dict[str, Any]) -> None:
    """A scheme that many services share says nothing of who sends, unless the types of event are named too."""
    made = await house.client.install(old("one"))
    await events(house, made["id"], 1)
    assert "other integrations" not in await pull_of(house, **wanted)
