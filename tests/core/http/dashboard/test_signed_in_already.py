"""A browser that is signed in is not signed in as somebody else unasked, and leaves no session behind."""

from __future__ import annotations

from http.cookies import SimpleCookie

from tests.core.http.dashboard.browser import Browser, Seen, key_with
from tests.engines import Client

AT_ONCE = "data-at-once"


def _secret(entered: Seen) -> str:
    return SimpleCookie(entered.headers["Set-Cookie"])["ccb_session"].value


async def test_a_link_is_not_followed_by_itself_where_somebody_is_signed_in(client: Client, browser: Browser) -> None:
    """Else a page of somebody else's could put its own session in place of an admin's, by a link of its own."""
    assert AT_ONCE in (await browser.get("/dashboard/link")).text
    key = await key_with(client, "integrations.read")
    await browser.send("/dashboard/sign-in", {"key": key["token"]})
    asked = await browser.get("/dashboard/link")
    assert AT_ONCE not in asked.text and "signed in already as ops &lt;b&gt;" in asked.text


async def test_signing_in_anew_ends_the_session_before(client: Client, browser: Browser) -> None:
    key = await key_with(client, "integrations.read")
    former = _secret(await browser.send("/dashboard/sign-in", {"key": key["token"]}))
    link = await client.ask("POST", "/v1/dashboard/links", status=201)
    newer = _secret(await browser.send("/dashboard/link", {"code": link["url"].partition("#")[2]}))
    browser.session.cookie_jar.clear()
    assert (await browser.get("/dashboard", Cookie=f"ccb_session={former}")).status == 401
    assert "local" in (await browser.get("/dashboard", Cookie=f"ccb_session={newer}")).text
