"""The dashboard in a real browser: the link signs in, the chart is drawn under the policy and says its values."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from tests.contexts import MovableClock
from tests.core.demo import chromium
from tests.engines import Client
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not chromium.FOUND, reason="there is no Chromium")]

BAR = "document.querySelector('#drawn .mark-rect path, #drawn .mark-rect rect')"
POINTED = f"""
(() => {{
  const bar = {BAR}, box = bar.getBoundingClientRect();
  const at = {{ bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 }};
  for (const kind of ["pointerover", "mouseover", "pointermove", "mousemove"])
    bar.dispatchEvent(new (kind.startsWith("p") ? PointerEvent : MouseEvent)(kind, at));
}})()
"""
TIP = "document.querySelector('#vg-tooltip-element.visible')"


async def _reached(tab: chromium.Tab, script: str) -> None:
    """Wait until this is true of the page that the browser is on its way to."""
    async with asyncio.timeout(20):
        while True:
            with suppress(AssertionError):  # the page that was asked is left in this moment
                if await tab.run(script):
                    return
            await asyncio.sleep(0.05)


async def test_the_chart_is_drawn_and_answers_the_pointer(
    client: Client, receiver: Receiver, moved: MovableClock, tmp_path: Path
) -> None:
    made = await client.install(package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)))
    event = (await client.deliver(made["id"], {"n": 1})).json["event_id"]
    await client.ended(event)
    moved.move(120)
    link = await client.ask("POST", "/v1/dashboard/links", status=201)
    async with chromium.browsing(tmp_path / "browser") as tab:
        await tab.open(link["url"])
        await _reached(tab, "location.pathname + location.hash === '/dashboard'")
        await tab.press("th a", "Forward")
        await _reached(tab, "Boolean(document.querySelector('#drawn[data-drawn=yes] svg'))")
        await tab.until(f"Boolean({BAR})")
        await tab.run(POINTED)
        assert "received" in await tab.until(f"{TIP} && {TIP}.innerText")
        assert await tab.run("getComputedStyle(document.querySelector('#vg-tooltip-element')).position") == "fixed"
        assert "UTC" not in await tab.run("document.querySelector('td time').textContent")
        faults = [one for one in tab.complaints if '"verbose"' not in one]
        assert not faults, faults
