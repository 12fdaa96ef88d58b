"""Running again what failed, from the pages: it is asked first, and no more runs than was said."""

from __future__ import annotations

import asyncio

from core import alerting
from core.alerting import Evaluator
from tests.contexts import MovableClock
from tests.core.http.dashboard.browser import Browser, Seen, harmless, key_with
from tests.engines import Client
from tests.packages import package

HANDLER = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"]["n"]:
        raise ValueError("channel_not_found")
    return []
"""
RULE = {"name": "Errors", "condition": "failed > 0 or error_rate > 1%", "severity": "critical", "min_samples": 1}


async def _enter(client: Client, browser: Browser, *permissions: str) -> None:
    key = await key_with(client, *permissions)
    assert (await browser.send("/dashboard/sign-in", {"key": key["token"]})).status == 303


async def _fail(client: Client, integration: str, number: int) -> str:
    event: str = (await client.deliver(integration, {"n": number}, f"msg_{number}")).json["event_id"]
    await client.ended(event, "dead")
    return event


async def _alert(client: Client, clock: MovableClock) -> str:
    async with asyncio.timeout(15):
        while not (found := await alerting.newest(client.engine.ctx)):
            clock.move(10)
            await Evaluator(client.engine.ctx).look()
    return found[0].id


def _hidden(page: Seen) -> dict[str, str]:
    parts = page.text.split('<input type="hidden" name="')[1:]
    fields = dict((part.partition('"')[0], part.partition('value="')[2].partition('"')[0]) for part in parts)
    return {name: fields[name] for name in ("until", "named") if name in fields}


async def test_what_failed_is_run_again_once_it_was_asked(
    client: Client, browser: Browser, moved: MovableClock
) -> None:
    made = (await client.install(package(HANDLER, "example.com", name="Forward <b>")))["id"]
    await client.ask("PUT", f"/v1/integrations/{made}/alerts", {"rules": [RULE]})
    event = await _fail(client, made, 1)
    await _fail(client, made, 2)
    alert = await _alert(client, moved)
    path, one = f"/dashboard/alerts/{alert}/replay", f"/dashboard/events/{event}/replay"

    await _enter(client, browser, "alerts.read", "events.read")
    assert (await browser.get(path)).status == (await browser.send(path)).status == 403
    assert (await browser.get(one)).status == (await browser.send(one)).status == 403
    assert one not in (await browser.get(f"/dashboard/events/{event}")).text
    await _enter(client, browser, "events.replay")
    assert (await browser.get(path)).status == (await browser.send(path)).status == 403

    await _enter(client, browser, "alerts.read", "alerts.write", "events.read", "events.replay")
    assert path in (await browser.get(f"/dashboard/alerts/{alert}")).text
    asked = harmless(await browser.get(path))
    assert "Replay 2 failed events" in asked.text and "cannot be taken back" in asked.text
    fields = _hidden(asked)
    assert fields["named"] == "2"
    for wrong in ({}, {**fields, "named": "3"}, {**fields, "until": "soon"}, {**fields, "until": "nan"}):
        assert (await browser.send(path, wrong)).status == 409, wrong
    assert (await browser.send(path, fields, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    moved.move(1)
    await _fail(client, made, 3)
    begun = await browser.send(path, fields)
    assert begun.status == 303 and begun.headers["Location"].startswith("/dashboard/jobs/job_")
    job = harmless(await browser.get(begun.headers["Location"]))
    assert job.status == 200 and "of 2" in job.text and "Forward &lt;b&gt;" in job.text
    assert "2 events are replayed" in (await browser.get(f"/dashboard/alerts/{alert}")).text
    assert (await browser.get("/dashboard/jobs/job_x")).status == 404

    async with asyncio.timeout(10):
        while (await client.ask("GET", begun.headers["Location"].replace("/dashboard", "/v1")))["status"] == "running":
            await asyncio.sleep(0.05)
    await client.ended(event, "dead")
    shown = await browser.get(f"/dashboard/events/{event}")
    assert one in shown.text and "curl" not in shown.text
    assert "Run this event again?" in harmless(await browser.get(one)).text
    assert (await browser.send(one, {}, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    assert (await browser.send(one)).headers["Location"] == f"/dashboard/events/{event}"
    attempts = await client.until(event, lambda found: found["status"] == "dead" and found["attempt"] >= 1)
    assert attempts["run"] >= 1
    assert (await browser.get("/dashboard/events/evt_x/replay")).status == 404
