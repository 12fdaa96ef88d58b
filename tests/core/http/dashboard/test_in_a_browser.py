"""The dashboard in a real browser: the link signs in, charts are drawn, pages refresh, a phone fits."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from core import alerting
from core.alerting import Evaluator
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
SIZE = f"{BAR}.getBoundingClientRect().width"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
REFRESHED = """
(() => { window.kept = 1; refresh(); return true; })()
"""
"""The page's own function; it is what the clock calls every 30 seconds."""
MEDIA = {"name": "prefers-color-scheme", "value": "dark"}


async def _reached(tab: chromium.Tab, script: str) -> None:
    """Wait until this is true of the page that the browser is on its way to."""
    async with asyncio.timeout(20):
        while True:
            with suppress(AssertionError):  # the page that was asked is left in this moment
                if await tab.run(script):
                    return
            await asyncio.sleep(0.05)


async def _wheel(tab: chromium.Tab, script: str) -> None:
    """Turn the wheel over the middle of an element, towards the screen."""
    await tab.run(f"{script}.scrollIntoView({{block: 'center'}})")
    box = await tab.run(
        f"(() => {{ const b = {script}.getBoundingClientRect(); return [b.x, b.y, b.width, b.height] }})()"
    )
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    await tab.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    await tab.ask("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-240)


async def test_charts_answer_and_pages_refresh_and_fit_a_phone(
    client: Client, receiver: Receiver, moved: MovableClock, tmp_path: Path
) -> None:
    made = await client.install(package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)))
    rules = [{"name": "Many", "condition": "received > 0", "severity": "critical"}]
    await client.ask("PUT", f"/v1/integrations/{made['id']}/alerts", {"rules": rules})
    event = (await client.deliver(made["id"], {"n": 1})).json["event_id"]
    await client.ended(event)
    async with asyncio.timeout(15):
        while not (found := await alerting.newest(client.engine.ctx)):
            moved.move(20)
            await Evaluator(client.engine.ctx).look()
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
        before = await tab.run(SIZE)
        await _wheel(tab, BAR)
        await tab.until(f"{BAR} && {SIZE} > {before} * 1.2")

        await _alert(tab, client, found[0].id)
        await _phone(tab, client, made["id"], found[0].id)
        faults = [one for one in tab.complaints if '"verbose"' not in one]
        assert not faults, faults


async def _alert(tab: chromium.Tab, client: Client, alert: str) -> None:
    """An alert's chart is drawn; what somebody else does about it comes by itself, and what is typed stays."""
    address = client.engine.report.address
    await tab.ask("Page.navigate", url=f"{address}/dashboard/alerts/{alert}")
    await _reached(
        tab, f"location.pathname.endsWith('{alert}') && Boolean(document.querySelector('#drawn[data-drawn=yes] svg'))"
    )
    await tab.write("#comment", "looking")
    assert "ops has it" not in await tab.run("document.body.innerText")
    await client.ask("POST", f"/v1/alerts/{alert}/acknowledge", {"comment": "ops has it"})
    await tab.run(REFRESHED)
    await tab.until("document.querySelector('.story').innerText.includes('ops has it')")
    assert await tab.run("[window.kept, document.querySelector('#comment').value]") == [1, "looking"]
    assert "UTC" not in await tab.run("document.querySelector('.story time').textContent")
    zone = await tab.run("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert await tab.run("document.querySelector('[data-zone]').value") == zone


async def _phone(tab: chromium.Tab, client: Client, integration: str, alert: str) -> None:
    """No page is wider than a phone's screen; a table's rows stand below each other, each with its column's name."""
    address = client.engine.report.address
    await tab.ask("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    await tab.ask("Emulation.setEmulatedMedia", features=[MEDIA])
    own = f"/dashboard/integrations/{integration}"
    for path in (
        "/dashboard", own, f"{own}/events", f"{own}/logs", f"{own}/pause",
        f"{own}/alerts", f"{own}/alerts/new", "/dashboard/alerts", "/dashboard/alerts/rules",
        f"/dashboard/alerts/{alert}", "/dashboard/silences", "/dashboard/silences/new", "/dashboard/system",
    ):  # fmt: skip
        await tab.ask("Page.navigate", url=address + path)
        await _reached(tab, f"location.pathname === '{path}' && document.readyState === 'complete'")
        assert await tab.run(WIDER) <= 0, path
    await tab.ask("Page.navigate", url=f"{address}/dashboard/alerts")
    await _reached(tab, "location.pathname === '/dashboard/alerts' && document.readyState === 'complete'")
    cell = "document.querySelector('table.stack td')"
    assert await tab.run(f"getComputedStyle({cell}).display") == "block"
    assert "State" in await tab.run(f"getComputedStyle({cell}, '::before').content")
    assert await tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(25, 24, 23)"
