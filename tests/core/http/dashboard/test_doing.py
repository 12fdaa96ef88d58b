"""What an integration's page lets people do: activate, pause, try dead events again, set them aside, look at events."""

from __future__ import annotations

import asyncio
import html
import re

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
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
RUSSIAN = {"Accept-Language": "ru"}
FOREIGN = {"Sec-Fetch-Site": "cross-site"}


async def _enter(client: Client, browser: Browser, *permissions: str) -> None:
    key = await key_with(client, *permissions)
    assert (await browser.send("/dashboard/sign-in", {"key": key["token"]})).status == 303


async def _fail(client: Client, integration: str, number: int, **more: str) -> str:
    event: str = (await client.deliver(integration, {"n": number}, f"msg_{number}", **more)).json["event_id"]
    await client.ended(event, "dead")
    return event


async def _job(client: Client, location: str) -> None:
    async with asyncio.timeout(10):
        while (await client.ask("GET", location.replace("/dashboard", "/v1")))["status"] == "running":
            await asyncio.sleep(0.05)


def _hidden(page: Seen) -> dict[str, str]:
    content = page.text.partition('<main id="content"')[2]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', content)
    return {html.unescape(name): html.unescape(value) for name, value in found}


async def test_dead_events_are_tried_again_or_set_aside_once_it_was_asked(
    client: Client, browser: Browser, moved: MovableClock
) -> None:
    made = (await client.install(package(HANDLER, "example.com", name=f"Forward {EVIL}")))["id"]
    own = f"/dashboard/integrations/{made}"
    retry, discard = f"{own}/retry", f"{own}/discard"
    await _enter(client, browser, "integrations.read", "events.read", "events.replay")
    assert "None of its events is dead now." in harmless(await browser.get(retry)).text
    assert (await browser.send(retry, {"until": str(moved.now()), "named": "0"})).status == 409
    first = await _fail(client, made, 1)
    await _fail(client, made, 2)

    await _enter(client, browser, "integrations.read", "events.read")
    shown = harmless(await browser.get(own))
    assert f"{own}/events?status=dead" in shown.text and "/v1/" not in shown.text
    assert retry not in shown.text and discard not in shown.text
    for path in (retry, discard):
        assert (await browser.get(path)).status == (await browser.send(path)).status == 403

    await _enter(client, browser, "integrations.read", "events.read", "events.replay")
    shown = harmless(await browser.get(own))
    assert retry in shown.text and discard in shown.text
    asked = harmless(await browser.get(retry))
    assert "Try 2 events again" in asked.text and "cannot be taken back" in asked.text
    assert "Повторить 2 события" in harmless(await browser.get(retry, **RUSSIAN)).text
    fields = _hidden(asked)
    assert fields["named"] == "2"
    for wrong in ({}, {**fields, "until": "soon"}, {**fields, "until": "nan"}, {**fields, "until": "1e99"}):
        assert (await browser.send(retry, wrong)).status == 409, wrong
    other = harmless(await browser.send(retry, {**fields, "named": "3"}))
    assert other.status == 409 and "another number of events: 2" in other.text and _hidden(other)["named"] == "2"
    assert (await browser.send(retry, fields, **FOREIGN)).status == 403
    begun = await browser.send(retry, _hidden(other))
    assert begun.status == 303 and begun.headers["Location"].startswith("/dashboard/jobs/job_")
    await _job(client, begun.headers["Location"])
    await client.until(first, lambda found: found["status"] == "dead" and found["attempt"] >= 1)

    asked = harmless(await browser.get(discard))
    assert "they are dead no longer" in asked.text
    assert "Отбросить 2 события" in harmless(await browser.get(discard, **RUSSIAN)).text
    begun = await browser.send(discard, _hidden(asked))
    job = harmless(await browser.get(begun.headers["Location"]))
    assert job.status == 200 and "Setting events aside" in job.text
    await _job(client, begun.headers["Location"])
    await client.ended(first, "discarded")
    assert (await browser.get("/dashboard/integrations/nobody/retry")).status == 404


async def test_it_is_activated_as_it_was_read_and_paused(client: Client, browser: Browser) -> None:
    made = await client.ask(
        "POST", "/v1/integrations", {"package": package(HANDLER, "example.com", name=f"Forward {EVIL}")}, status=201
    )
    own = f"/dashboard/integrations/{made['id']}"
    activate, pause = f"{own}/activate", f"{own}/pause"
    await _enter(client, browser, "integrations.read", "integrations.write", "events.read", "logs.read")
    shown = harmless(await browser.get(own))
    assert activate not in shown.text and "/v1/" not in shown.text and "integrations.activate" in shown.text
    for path in (activate, pause):
        assert (await browser.get(path)).status == (await browser.send(path)).status == 403

    await _enter(client, browser, "integrations.read", "integrations.activate")
    assert activate in (await browser.get(own)).text
    asked = harmless(await browser.get(activate))
    assert "It may reach: <code>example.com</code>" in asked.text
    assert "Ей можно обращаться к: <code>example.com</code>" in (await browser.get(activate, **RUSSIAN)).text
    fields = _hidden(asked)
    await client.ask("PATCH", f"/v1/integrations/{made['id']}/config", {"retry_attempts": 2})
    late = harmless(await browser.send(activate, fields))
    assert late.status == 409 and "changed meanwhile" in late.text
    assert (await browser.send(activate, {})).status == 409
    assert (await browser.send(activate, _hidden(late), **FOREIGN)).status == 403
    done = await browser.send(activate, _hidden(late))
    assert (done.status, done.headers["Location"]) == (303, own)
    assert pause in (await browser.get(own)).text

    asked = harmless(await browser.get(pause))
    assert "refused until it is activated again" in asked.text
    assert (await browser.send(pause, _hidden(asked), **FOREIGN)).status == 403
    assert (await browser.send(pause, _hidden(asked))).headers["Location"] == own
    shown = harmless(await browser.get(own, **RUSSIAN))
    assert "Приостановлена: доставки отклоняются" in shown.text
    assert activate in shown.text and "/v1/" not in shown.text
    assert (await browser.get("/dashboard/integrations/nobody/activate")).status == 404


async def test_what_is_missing_is_a_command_and_no_button(client: Client, browser: Browser) -> None:
    made = await client.ask("POST", "/v1/integrations", {"gallery": "github-push-to-slack"}, status=201)
    own = f"/dashboard/integrations/{made['id']}"
    await _enter(client, browser, "admin")
    for path in (own, f"{own}/activate"):
        shown = harmless(await browser.get(path))
        assert "<code>ccb config github-push-to-slack " in shown.text and "/v1/" not in shown.text, path
    assert 'class="main"' not in shown.text
    refused = await browser.send(f"{own}/activate", {"seen": _hidden(shown)["seen"]})
    assert refused.status == 409


async def test_events_are_found_by_status_type_and_text_page_by_page(
    client: Client, browser: Browser, moved: MovableClock
) -> None:
    made = (await client.install(package(HANDLER, "example.com")))["id"]
    dead = await _fail(client, made, 1, type=f"order.{EVIL}")
    moved.move(1)
    good = (await client.deliver(made, {"n": 0}, "msg_0", type="order.made")).json["event_id"]
    await client.ended(good)
    path = f"/dashboard/integrations/{made}/events"
    await _enter(client, browser, "integrations.read")
    assert (await browser.get(path)).status == 403
    assert path not in (await browser.get(f"/dashboard/integrations/{made}")).text
    await _enter(client, browser, "integrations.read", "events.read")
    assert path in (await browser.get(f"/dashboard/integrations/{made}")).text
    for query, has, lacks in (
        ("", {dead, good}, set()),
        ("?status=&type=&q=", {dead, good}, set()),
        ("?status=dead", {dead}, {good}),
        ("?type=order.made", {good}, {dead}),
        ("?q=channel_not", {dead}, {good}),
        (f"?q={good}", {good}, {dead}),
        (f"?after={good}", {dead}, {good}),
        ("?q=%3Cscript%3Ealert", {dead}, {good}),
    ):
        shown = harmless(await browser.get(path + query, **RUSSIAN))
        assert shown.status == 200
        found = set(re.findall(r"/dashboard/events/(evt_\w+)", shown.text))
        assert found == has and not found & lacks, query
    assert "No event is so." in (await browser.get(f"{path}?q=zzz")).text
    for wrong in ("?status=gone", "?after=evt_1", "?q=" + "x" * 300, "?status=dead&status=failed", "?q=%00"):
        assert (await browser.get(path + wrong)).status == 422, wrong
    assert (await browser.get("/dashboard/integrations/nobody/events")).status == 404


async def test_older_events_are_a_page_further(client: Client, browser: Browser) -> None:
    made = (await client.install(package(HANDLER, "example.com")))["id"]
    for number in range(51):
        assert (await client.deliver(made, {"n": 0}, f"msg_{number}")).status == 202
    await _enter(client, browser, "events.read")
    path = f"/dashboard/integrations/{made}/events"
    first = await browser.get(f"{path}?type=event")
    link = html.unescape(re.findall(rf'href="({path}\?[^"]*after=[^"]*)"', first.text)[-1])
    second = await browser.get(link)
    pages = [set(re.findall(r"/dashboard/events/(evt_\w+)", page.text)) for page in (first, second)]
    assert "type=event" in link and [len(page) for page in pages] == [50, 1] and not pages[0] & pages[1]


async def test_its_log_says_what_it_said_and_what_was_refused(client: Client, browser: Browser) -> None:
    made = (await client.install(package(HANDLER, "example.com")))["id"]
    event = await _fail(client, made, 1)
    assert (await client.post(f"/webhooks/{made}", b"{}", {})).status == 401
    path = f"/dashboard/integrations/{made}/logs"
    await _enter(client, browser, "integrations.read")
    assert (await browser.get(path)).status == 403
    await _enter(client, browser, "integrations.read", "logs.read")
    assert f"{path}#refused" in (await browser.get(f"/dashboard/integrations/{made}")).text
    shown = harmless(await browser.get(path))
    assert "channel_not_found" in shown.text and event in shown.text and "127.0.0.1" in shown.text
    assert "Отклонённые доставки" in harmless(await browser.get(path, **RUSSIAN)).text
    assert (await browser.get("/dashboard/integrations/nobody/logs")).status == 404


async def test_metrics_are_switched_on_from_the_page(client: Client, browser: Browser) -> None:
    made = (await client.install(package(HANDLER, "example.com")))["id"]
    await client.ask("PATCH", f"/v1/integrations/{made}/monitoring", {"metrics_enabled": False})
    own = f"/dashboard/integrations/{made}"
    await _enter(client, browser, "integrations.read", "metrics.read")
    shown = harmless(await browser.get(own))
    assert "Metrics are switched off" in shown.text and "/v1/" not in shown.text and f"{own}/count" not in shown.text
    assert (await browser.send(f"{own}/count")).status == 403
    await _enter(client, browser, "integrations.read", "integrations.write", "metrics.read")
    assert f"{own}/count" in (await browser.get(own)).text
    assert (await browser.send(f"{own}/count")).headers["Location"] == own
    assert "Metrics are switched off" not in (await browser.get(own)).text


async def test_the_system_page_leads_to_those_whose_events_are_dead(client: Client, browser: Browser) -> None:
    made = (await client.install(package(HANDLER, "example.com")))["id"]
    await _fail(client, made, 1)
    await _enter(client, browser, "events.read")
    shown = harmless(await browser.get("/dashboard/system"))
    assert f"/dashboard/integrations/{made}" in shown.text and "1 dead" in shown.text and "POST" not in shown.text


async def test_what_was_typed_outlasts_the_session(client: Client, browser: Browser) -> None:
    made = (await client.install(package(HANDLER, "example.com")))["id"]
    path = f"/dashboard/integrations/{made}/alerts/new"
    typed = {"name": f"Errors {EVIL}", "condition": "error_rate > 5% & ошибки", "key": "mine", "to": "//evil.example"}
    ended = harmless(await browser.send(path, typed))
    assert ended.status == 401 and "kept" in ended.text and "/dashboard/language" not in ended.text
    assert "/dashboard/language" in (await browser.get(path)).text
    assert "сохранено" in harmless(await browser.send(path, typed, **RUSSIAN)).text
    assert f'<form method="post" action="{path}">' in ended.text  # for whoever has signed in in another tab
    kept = {name: value for name, value in _hidden(ended).items() if name.startswith("kept")}
    assert (await browser.send(path, typed, **FOREIGN)).status == 403

    key = await key_with(client, "alerts.read", "alerts.write", "metrics.read")
    wrong = harmless(await browser.send("/dashboard/sign-in", {**kept, "key": "ccb_x"}))
    assert wrong.status == 401
    kept = {name: value for name, value in _hidden(wrong).items() if name.startswith("kept")}
    foreign = {**kept, "kept-deed": "https://evil.example/dashboard", "key": key["token"]}
    assert (await browser.send("/dashboard/sign-in", foreign)).headers["Location"] == "/dashboard"
    await browser.send("/dashboard/sign-out")

    again = harmless(await browser.send("/dashboard/sign-in", {**kept, "key": key["token"]}))
    assert again.status == 200 and "Set-Cookie" in again.headers and key["token"] not in again.text
    assert f'action="{path}"' in again.text
    assert _hidden(again) == typed
    shown = harmless(await browser.send(path, _hidden(again)))
    assert shown.status == 422
    assert "error_rate &gt; 5% &amp; ошибки" in shown.text


async def test_the_list_says_of_each_what_its_own_page_says(client: Client, browser: Browser) -> None:
    bad = (await client.install(package(HANDLER, "example.com", slug="bad", name="Bad")))["id"]
    well = (await client.install(package(HANDLER, "example.com", slug="well", name="Well")))["id"]
    shut = (await client.install(package(HANDLER, "example.com", slug="shut", name="Shut")))["id"]
    await _fail(client, bad, 1)
    assert (await client.post(f"/webhooks/{shut}", b"{}", {})).status == 401
    await _enter(client, browser, "integrations.read")
    rows = harmless(await browser.get("/dashboard")).text.split("<tr>")
    for one, word in ((bad, "1 event is dead"), (shut, "1 delivery was refused"), (well, "")):
        (row,) = [row for row in rows if f"/dashboard/integrations/{one}" in row]
        assert ("trouble" in row) == bool(word) and word in row
        told = (await client.ask("GET", f"/v1/integrations/{one}/status"))["problems"]
        assert bool(word) == any(problem["severity"] == "error" for problem in told)
