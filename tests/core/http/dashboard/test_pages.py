"""The dashboard's pages: what they show to whom, and that nothing that somebody wrote runs in them."""

from __future__ import annotations

import gzip

import pytest

from core.charts import Chart, Limit, Mark, Span, spec
from core.http.dashboard.integration import interactive, links
from core.http.dashboard.render import _ticks
from core.metrics import METRICS, Point, Series
from core.texts import T
from tests.core.http.dashboard.browser import Browser, key_with
from tests.engines import Client
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Receiver

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


async def _enter(client: Client, browser: Browser, *permissions: str) -> None:
    key = await key_with(client, *permissions)
    assert (await browser.send("/dashboard/sign-in", {"key": key["token"]})).status == 303


async def test_an_empty_engine_says_what_to_do(client: Client, browser: Browser) -> None:
    await _enter(client, browser, "integrations.read")
    shown = await browser.get("/dashboard")
    assert "ccb install hello-webhook" in shown.text


async def test_from_the_list_to_a_step(client: Client, browser: Browser, receiver: Receiver) -> None:
    made = await client.install(
        package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host), name=f"Forward {EVIL}")
    )
    event = (await client.deliver(made["id"], {"n": EVIL}, type=EVIL)).json["event_id"]
    await client.ended(event)
    await _enter(client, browser, "admin")

    whole = await browser.get("/dashboard")
    assert whole.status == 200 and f"/dashboard/integrations/{made['id']}" in whole.text
    one = await browser.get(f"/dashboard/integrations/{made['slug']}?metric=latency_p95&range=24h")
    assert one.status == 200 and f"/dashboard/events/{event}" in one.text
    assert "chart.json?metric=latency_p95&amp;from=24h" in one.text
    traced = await browser.get(f"/dashboard/events/{event}")
    assert traced.status == 200 and "http_request" in traced.text and "deduplicate" in traced.text
    system = await browser.get("/dashboard/system")
    assert "SLACK_BOT_TOKEN" in system.text and "scheduler" in system.text
    for page in (whole, one, traced, system):
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        assert page.text.count("<h1") == 1 and '<main id="content"' in page.text

    drawn = await browser.get(f"/dashboard/integrations/{made['id']}/chart.json?metric=received&width=900")
    assert drawn.status == 200 and '"width":900' in drawn.text and drawn.headers["Cache-Control"] == "no-store"
    for path, status in (
        (f"/dashboard/integrations/{made['id']}?metric=nonsense", 422),
        (f"/dashboard/integrations/{made['id']}?range=9y", 422),
        ("/dashboard/integrations/nobody", 404),
        ("/dashboard/events/evt_nothing", 404),
        ("/dashboard/events/%00", 404),
        ("/dashboard?page=0", 422),
    ):
        refused = await browser.get(path)
        assert refused.status == status and "req_" in refused.text, path
    assert "/dashboard/integrations" not in (await browser.get("/dashboard?q=zzz")).text
    assert made["id"] in (await browser.get("/dashboard?q=FORW")).text


async def test_a_page_asks_for_the_permission_that_rest_asks_for(
    client: Client, browser: Browser, receiver: Receiver
) -> None:
    made = await client.install(package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)))
    event = (await client.deliver(made["id"], {"n": 1})).json["event_id"]
    await client.ended(event)
    own = f"/dashboard/integrations/{made['id']}"

    await _enter(client, browser, "integrations.read")
    shown = await browser.get(own)
    assert shown.status == 200 and "metrics.read" in shown.text and "events.read" in shown.text
    assert "latency_p95" not in shown.text and event not in shown.text
    assert "metrics.read" in (await browser.get("/dashboard")).text
    for path in (f"{own}/chart.json?metric=received", f"{own}/chart.png?metric=received", f"/dashboard/events/{event}"):
        assert (await browser.get(path)).status == 403, path

    await _enter(client, browser, "events.read")
    assert (await browser.get(own)).status == 403 and (await browser.get("/dashboard")).status == 403
    assert (await browser.get(f"/dashboard/events/{event}")).status == 200
    await _enter(client, browser, "metrics.read")
    assert (await browser.get(f"{own}/chart.json?metric=received")).status == 200


def test_a_request_leads_to_its_pull_request_and_issue() -> None:
    pull = {"number": 7, "url": "https://git.example/acme/x/pull/7", "state": "open"}
    issue = {"repository": "acme/x", "number": 6}
    assert links(pull, issue) == {
        "pull": ("#7", "https://git.example/acme/x/pull/7"),
        "issue": ("acme/x#6", "https://git.example/acme/x/issues/6"),
    }
    assert links(None, issue) == {"issue": ("acme/x#6", None)}
    evil = {"number": 7, "url": "javascript:alert(1)//pull/7", "state": "open"}
    assert links(evil, None) == {"pull": ("#7", None)}


async def test_files_are_kept_for_ever_under_their_digest(client: Client, browser: Browser) -> None:
    page = (await browser.get("/dashboard")).text
    style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    given = await browser.get(style)
    assert given.status == 200 and "immutable" in given.headers["Cache-Control"]
    assert (await browser.get(style, **{"If-None-Match": given.headers["ETag"]})).status == 304
    assert (await browser.get("/dashboard/static/old/style.css")).headers["Cache-Control"] == "no-cache"
    for name in ("nothing.js", "base.html", "..%2Fstyle.css"):
        assert (await browser.get(f"/dashboard/static/old/{name}")).status == 404


@pytest.mark.parametrize("name", ["received", "error_rate"])
def test_the_chart_in_a_browser_is_the_pictures_with_values_and_zoom(name: str) -> None:
    points = tuple(Point(60 * n, n) for n in range(3))
    series = Series(METRICS[name], 0, 180.0, 60, 3, points)
    chart = Chart("x", series, (Limit(">", 2.0),), (Mark(90.0, T("changed")),), (Span(60.0, 90.0),), width=300)
    plain = spec(chart, "en")
    made = interactive(plain)
    assert made["width"] == 300 and "params" not in str(plain)
    assert made["title"]["text"] == [name, "x"] and isinstance(plain["title"]["text"], str)
    assert isinstance(interactive({**plain, "width": 900})["title"]["text"], str)
    assert [layer["params"][0]["bind"] for layer in made["layer"] if "params" in layer] == ["scales"]


async def test_the_library_of_charts_is_made_aside_and_sent_compressed(client: Client, browser: Browser) -> None:
    async with browser.session.get(
        f"{browser.address}/dashboard/static/x/vega.js", headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    ) as answer:
        packed = await answer.read()
        assert answer.status == 200 and answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 400_000 and b"vegaEmbed" in gzip.decompress(packed)


def test_moments_in_a_text_are_times_and_nothing_else_is_markup() -> None:
    shown = str(_ticks("until 2026-01-31T12:00:00.000Z, not 2026-99-31T12:00:00.000Z; `ccb <x>` <b>"))
    assert shown == (
        'until <time datetime="2026-01-31T12:00:00.000+00:00">2026-01-31 12:00:00 UTC</time>, '
        "not 2026-99-31T12:00:00.000Z; <code>ccb &lt;x&gt;</code> &lt;b&gt;"
    )
    assert str(_ticks("a ` <b>")) == "a ` &lt;b&gt;"
