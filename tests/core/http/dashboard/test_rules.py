"""The pages of an integration's rules: tried, added, changed, removed, and their channels tested."""

from __future__ import annotations

from core import alerts
from tests.core.http.dashboard.browser import harmless
from tests.core.http.dashboard.site import BROKEN, EVIL, RULE, Site

TYPED = {
    "name": f"Slow {EVIL}", "condition": "latency_p95 > 500ms for 5m", "resolve_condition": "latency_p95 < 400ms",
    "severity": "warning", "notification_channels": "email://a@example.org\nslack://deploys, email://b@example.org",
    "description": f"Wait {EVIL}", "min_samples": "7", "repeat_interval": "1h",
}  # fmt: skip


def _kept(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


async def test_a_rule_is_added_changed_and_removed(site: Site) -> None:
    made = await site.install(RULE, name=f"Forward {EVIL}")
    base = f"/dashboard/integrations/{made}/alerts"
    await site.enter("alerts.read", "alerts.write")
    await site.look()
    shown = harmless(await site.browser.get(base))
    assert "error_rate &gt; 5%" in shown.text and BROKEN in shown.text and "no data" in shown.text
    assert "takes 5 events" in shown.text
    assert harmless(await site.browser.get(f"{base}/new")).status == 200

    foreign = await site.browser.send(f"{base}/new", {**TYPED, "do": "save"}, **{"Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403
    done = await site.browser.send(f"{base}/new", {**TYPED, "do": "save"})
    assert done.status == 303
    first, added = await alerts.listed(site.ctx, made)
    assert done.headers["Location"] == f"{base}?saved={added.id}#{added.id}"
    assert [str(target) for target in added.rule.channels] == [
        "email://a@example.org", "slack://deploys", "email://b@example.org",
    ]  # fmt: skip
    assert (added.rule.min_samples, added.rule.repeat_seconds) == (7, 3600.0)
    assert "The rule is saved" in harmless(await site.browser.get(done.headers["Location"])).text

    path = f"{base}/rules/{first.id}"
    opened = harmless(await site.browser.get(path))
    seen = opened.text.partition('name="seen" value="')[2].partition('"')[0]
    wish = {"name": "Errors", "condition": "error_rate > 9%", "severity": "info", "seen": seen, "do": "save"}
    site.clock.move(5)
    assert (await site.browser.send(path, wish)).status == 303
    first, _ = await alerts.listed(site.ctx, made)
    assert (first.rule.condition, first.rule.severity, first.rule.channels) == ("error_rate > 9%", "info", ())
    late = harmless(await site.browser.send(path, {**wish, "condition": "error_rate > 8%"}))
    assert late.status == 409 and "meanwhile" in late.text and 'value="error_rate &gt; 8%"' in late.text
    seen = late.text.partition('name="seen" value="')[2].partition('"')[0]
    assert (await site.browser.send(path, {**wish, "condition": "error_rate > 8%", "seen": seen})).status == 303

    asked = harmless(await site.browser.get(f"{path}/remove"))
    assert asked.status == 200 and "error_rate &gt; 8%" in asked.text
    assert (await site.browser.send(f"{path}/remove")).headers["Location"] == f"{base}?removed=yes"
    assert [one.id for one in await alerts.listed(site.ctx, made)] == [added.id]
    assert (await site.browser.send(f"{path}/remove")).status == 404
    assert (await site.browser.get(path)).status == 404


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(site: Site) -> None:
    made = await site.install(RULE)
    base = f"/dashboard/integrations/{made}/alerts"
    await site.enter("alerts.read", "alerts.write", "metrics.read")
    for wrong, said in (
        ({"condition": "error_rate >> 5%"}, "Column 13: "),
        ({"condition": "  error_rate > 500ms"}, "takes "),
        ({"condition": ""}, "must"),
        ({"condition": "x" * 501}, "500"),
        ({"resolve_condition": "latency_p95 < 4"}, "Column 15: "),
        ({"name": "Errors"}, "another rule is called"),
        ({"name": " "}, "must"),
        ({"severity": "fatal"}, "warning"),
        ({"notification_channels": "pigeon://roof"}, "pigeon"),
        ({"min_samples": "many"}, "whole number"),
        ({"min_samples": "0"}, "at least 1"),
        ({"repeat_interval": "1m"}, "5m to 30d"),
        ({"description": "d" * 501}, "500"),
    ):
        for do in ("save", "try"):
            if do == "try" and not {"condition", "resolve_condition", "min_samples"} & wrong.keys():
                continue
            typed = {**TYPED, **wrong}
            refused = harmless(await site.browser.send(f"{base}/new", {**typed, "do": do}))
            assert refused.status == 422 and said in refused.text, (wrong, do)
            assert "Nothing was saved" in refused.text and 'aria-invalid="true"' in refused.text
            for text in (typed[name] for name in typed if name != "severity"):
                assert _kept(text) in refused.text, (wrong, text)
    caret = await site.browser.send(f"{base}/new", {**TYPED, "condition": "error_rate >> 5%", "do": "try"})
    line = caret.text.partition('<pre class="caret" aria-hidden="true">')[2].partition("</pre>")[0].split("\n")
    assert line == ["error_rate &gt;&gt; 5%", " " * 12 + "^"] and "</span> Column 13: " in caret.text
    assert len(await alerts.listed(site.ctx, made)) == 1


async def test_a_rule_is_tried_on_the_past_before_it_is_saved(site: Site) -> None:
    made = await site.install(RULE)
    base = f"/dashboard/integrations/{made}/alerts"
    for _ in range(3):
        await site.count(made, dead=9, succeeded=1)
        site.clock.move(600)
        await site.count(made, succeeded=99)
        site.clock.move(8 * 3600)
    typed = {**TYPED, "condition": "error_rate > 5%", "resolve_condition": ""}
    await site.enter("alerts.read", "alerts.write", "metrics.read", "integrations.read")
    tried = harmless(await site.browser.send(f"{base}/new", {**typed, "do": "try"}))
    assert tried.status == 200 and "times in the last 7 days." in tried.text and "was 90 %" in tried.text
    assert _kept(TYPED["name"]) in tried.text and len(await alerts.listed(site.ctx, made)) == 1
    spec = tried.text.partition('data-spec="')[2].partition('"')[0].replace("&amp;", "&")
    drawn = await site.browser.get(f"{spec}&width=800&tz=Europe/Moscow")
    assert drawn.status == 200 and '"width":800' in drawn.text and "Europe/Moscow" in drawn.text
    (first,) = await alerts.listed(site.ctx, made)
    changed = await site.browser.send(
        f"{base}/rules/{first.id}", {**typed, "do": "try", "condition": "no_events for 1h"}
    )
    assert changed.status == 200 and "would" in changed.text
    assert (await site.browser.get(f"{base}/preview.json?condition=nonsense")).status == 422

    await site.enter("alerts.read", "alerts.write")
    assert "metrics.read" in (await site.browser.get(f"{base}/new")).text
    assert (await site.browser.send(f"{base}/new", {**typed, "do": "try"})).status == 403
    assert (await site.browser.get(spec)).status == 403
    await site.enter("alerts.read", "metrics.read")
    assert (await site.browser.get(spec)).status == 200
    for path in (f"{base}/new", f"{base}/rules/{first.id}", f"{base}/rules/{first.id}/remove"):
        assert (await site.browser.get(path)).status == 403
        assert (await site.browser.send(path, {**typed, "do": "save"})).status == 403
    assert (await site.browser.send(f"{base}/test")).status == 403
    listed = await site.browser.get(base)
    assert listed.status == 200 and "/remove" not in listed.text and "alerts.write" in listed.text


async def test_every_page_speaks_russian(site: Site) -> None:
    alert = await site.fire()
    made = alert.integration_id
    await site.enter("admin")
    own = f"/dashboard/integrations/{made}"
    for path in (
        "/dashboard/alerts", "/dashboard/alerts/rules", f"/dashboard/alerts/{alert.id}", "/dashboard/silences",
        "/dashboard/silences/new", own, f"{own}/alerts", f"{own}/alerts/new", f"{own}/alerts/rules/{alert.rule_id}",
        f"{own}/alerts/rules/{alert.rule_id}/remove", "/dashboard/system",
    ):  # fmt: skip
        shown = harmless(await site.browser.get(path, **{"Accept-Language": "ru"}))
        assert shown.status == 200 and '<html lang="ru">' in shown.text and "Интеграции" in shown.text, path


async def test_each_channels_true_result_is_shown(site: Site) -> None:
    made = await site.install({**RULE, "notification_channels": ["slack://deploys", BROKEN]})
    base = f"/dashboard/integrations/{made}/alerts"
    await site.enter("alerts.read", "alerts.write")
    tested = harmless(await site.browser.send(f"{base}/test", {"alert_type": "Errors", "notification_channel": ""}))
    assert tested.status == 200 and tested.text.count("not delivered") == 2 and "SLACK_BOT_TOKEN" in tested.text
    wrong = harmless(await site.browser.send(f"{base}/test", {"notification_channel": f"pigeon{EVIL}"}))
    assert wrong.status == 422 and "pigeon" in wrong.text and "Channels" in wrong.text
    await site.rules(made)
    none = await site.browser.send(f"{base}/test")
    assert none.status == 409 and "no alert rules" in none.text and "nobody is told" in none.text
