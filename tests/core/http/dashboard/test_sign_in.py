"""The dashboard's door: keys, links, cookies, forms of others."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest
import structlog

from core.http.dashboard import load
from tests.contexts import MovableClock
from tests.core.http.dashboard.browser import Browser, key_with
from tests.engines import Client


def _cookie(header: str) -> dict[str, str]:
    morsel = SimpleCookie(header)["ccb_session"]
    return {name: str(morsel[name]) for name in ("path", "samesite", "httponly", "secure", "max-age")}


async def test_a_key_signs_in_and_its_end_signs_out(client: Client, browser: Browser) -> None:
    key = await key_with(client, "integrations.read", "events.read")
    asked = await browser.get("/dashboard/system?x=1")
    assert asked.status == 401 and 'name="to" value="/dashboard/system?x=1"' in asked.text
    assert asked.headers["Cache-Control"] == "no-store" and asked.headers["Referrer-Policy"] == "same-origin"
    assert asked.headers["X-Content-Type-Options"] == "nosniff"
    policy = asked.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy

    with structlog.testing.capture_logs() as logged:
        wrong = await browser.send("/dashboard/sign-in", {"key": key["token"][:-1], "to": "/dashboard/system"})
    refused = [line for line in logged if line["event"] == "dashboard sign-in refused"]
    assert [line["log_level"] for line in refused] == ["warning"] and key["token"][:-1] not in str(logged)
    assert wrong.status == 401 and "not good" in wrong.text and key["token"][:-1] not in wrong.text
    assert "Set-Cookie" not in wrong.headers

    entered = await browser.send("/dashboard/sign-in", {"key": key["token"], "to": "/dashboard/system?x=1"})
    assert (entered.status, entered.headers["Location"]) == (303, "/dashboard/system?x=1")
    assert _cookie(entered.headers["Set-Cookie"]) == {
        "path": "/dashboard", "samesite": "Lax", "httponly": "True", "secure": "", "max-age": "604800",
    }  # fmt: skip
    shown = await browser.get("/dashboard")
    assert shown.status == 200 and "ops &lt;b&gt;" in shown.text and shown.headers["Cache-Control"] == "no-store"
    assert (await browser.get("/dashboard/nothing/here")).status == 404

    rotated = await client.ask("POST", f"/v1/auth/tokens/{key['id']}/rotate", {})
    assert (await browser.get("/dashboard")).status == 401
    assert (await browser.send("/dashboard/sign-in", {"key": rotated["token"]})).status == 303
    assert (await browser.get("/dashboard")).status == 200
    await client.ask("DELETE", f"/v1/auth/tokens/{key['id']}")
    assert (await browser.get("/dashboard")).status == 401


async def test_signing_out_ends_the_session_itself(client: Client, browser: Browser) -> None:
    key = await key_with(client, "integrations.read")
    entered = await browser.send("/dashboard/sign-in", {"key": key["token"]})
    kept = SimpleCookie(entered.headers["Set-Cookie"])["ccb_session"].value
    assert (await browser.send("/dashboard/sign-out")).status == 303
    assert (await browser.get("/dashboard")).status == 401
    assert (await browser.get("/dashboard", Cookie=f"ccb_session={kept}")).status == 401


async def test_forms_of_others_are_refused(client: Client, browser: Browser) -> None:
    key = await key_with(client, "integrations.read")
    fields = {"key": key["token"]}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": "", "Origin": ""},
    ):
        refused = await browser.send("/dashboard/sign-in", fields, **headers)
        assert refused.status == 403 and "Set-Cookie" not in refused.headers, headers
    assert (await browser.send("/dashboard/sign-in", fields, **{"Sec-Fetch-Site": ""})).status == 303
    for path in ("/dashboard/sign-out", "/dashboard/language"):
        assert (await browser.send(path, {}, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    assert (await browser.get("/dashboard")).status == 200
    async with browser.session.post(
        f"{browser.address}/dashboard/sign-in", json=fields, headers={"Sec-Fetch-Site": "same-origin"}
    ) as answer:
        assert answer.status == 400
    long = await browser.send("/dashboard/sign-in", {"key": "x" * 70_000})
    assert long.status == 413


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "/dashboard\\@evil", "/dashboardx", "/v1", ""]
)
async def test_signing_in_leads_nowhere_else(client: Client, browser: Browser, to: str) -> None:
    key = await key_with(client, "integrations.read")
    entered = await browser.send("/dashboard/sign-in", {"key": key["token"], "to": to})
    assert entered.headers["Location"] == "/dashboard"


async def test_a_link_signs_in_once_and_looking_at_it_uses_nothing_up(
    client: Client, browser: Browser, moved: MovableClock
) -> None:
    made = await client.ask("POST", "/v1/dashboard/links", status=201)
    path, _, code = made["url"].removeprefix(client.engine.report.address).partition("#")
    assert path == "/dashboard/link" and len(code) == 43
    for _ in range(3):  # a mail's scanner, a preview
        assert (await browser.get(path)).status == 200
    entered = await browser.send(path, {"code": code})
    assert entered.status == 303 and (await browser.get("/dashboard")).status == 200
    assert "local" in (await browser.get("/dashboard")).text
    again = await browser.send(path, {"code": code})
    assert again.status == 401 and "works once" in again.text

    late = await client.ask("POST", "/v1/dashboard/links", status=201)
    moved.move(300)
    assert (await browser.send(path, {"code": late["url"].partition("#")[2]})).status == 401


async def test_a_link_of_a_key_is_worth_no_more_than_the_key(client: Client, browser: Browser) -> None:
    key = await key_with(client, "events.read")
    async with client.public.post(
        f"{client.engine.report.address}/v1/dashboard/links", headers={"Authorization": f"Bearer {key['token']}"}
    ) as answer:
        assert answer.status == 201
        code = (await answer.json())["url"].partition("#")[2]
    assert (await browser.send("/dashboard/link", {"code": code})).status == 303
    refused = await browser.get("/dashboard")
    assert refused.status == 403 and "integrations.read" in refused.text
    assert (await browser.get("/dashboard/system")).status == 200


async def test_wrong_keys_are_slowed_down(client: Client, browser: Browser) -> None:
    statuses = [(await browser.send("/dashboard/sign-in", {"key": f"ccb_{n}"})).status for n in range(200)]
    assert statuses[0] == 401 and statuses[-1] == 429 and set(statuses) == {401, 429}
    last = await browser.send("/dashboard/sign-in", {"key": "ccb_x"})
    assert last.status == 429 and int(last.headers["Retry-After"]) >= 1  # the clock stands still


async def test_https_makes_the_cookie_secure(client: Client, browser: Browser) -> None:
    key = await key_with(client, "integrations.read")
    behind = {"X-Forwarded-Proto": "https"}
    entered = await browser.send("/dashboard/sign-in", {"key": key["token"]}, **behind)
    assert _cookie(entered.headers["Set-Cookie"])["secure"] == "True"


async def test_the_language_is_the_browsers_until_one_is_chosen(client: Client, browser: Browser) -> None:
    russian = {"Accept-Language": "ru"}
    assert '<html lang="ru">' in (await browser.get("/dashboard", **russian)).text
    chosen = await browser.send("/dashboard/language", {"language": "en", "back": "/dashboard/system"})
    assert (chosen.status, chosen.headers["Location"]) == (303, "/dashboard/system")
    assert '<html lang="en">' in (await browser.get("/dashboard", **russian)).text
    assert "Set-Cookie" not in (await browser.send("/dashboard/language", {"language": "xx"})).headers


async def test_no_action_takes_a_foreign_form_or_one_of_nobody(client: Client, browser: Browser) -> None:
    actions = [re.sub(r"\{\w+[^}]*\}", "x", route.path) for route in load() if route.method == "POST"]
    assert len(actions) >= 15
    open_ones = {"/dashboard/sign-in", "/dashboard/link", "/dashboard/sign-out", "/dashboard/language"}
    for path in actions:
        assert (await browser.send(path, {}, **{"Sec-Fetch-Site": "cross-site"})).status == 403, path
        if path not in open_ones:
            assert (await browser.send(path)).status == 401, path
    key = await key_with(client, "logs.read")
    await browser.send("/dashboard/sign-in", {"key": key["token"]})
    for path in actions:
        if path not in open_ones:
            assert (await browser.send(path)).status == 403, path
