"""Running again what failed, from the pages: it is asked first, and no more runs than was said."""

from __future__ import annotations

from core import alerting
from core.alerting import Evaluator
from tests.contexts import MovableClock
from tests.core.http.dashboard.browser import Browser, harmless, key_with
from tests.engines import Client
from tests.packages import package

FAILS = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "http_request", "url": "http://HOST/", "json": {"n": event["payload"]["n"] // event["payload"]["n"]}}]
"""
RULE = {"name": "Dead", "condition": "failed > 0"}


async def _enter(client: Client, browser: Browser, *permissions: str) -> None:
    key = await key_with(client, *permissions)
    assert (await browser.send("/dashboard/sign-in", {"key": key["token"]})).status == 303


async def test_what_failed_is_run_again_once_it_was_asked(
    client: Client, browser: Browser, moved: MovableClock
) -> None:
    made = await client.install(package(FAILS.replace('n"] //', 'n"] + 1 //'), "127.0.0.1:9"))
    assert made
