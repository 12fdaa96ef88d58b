"""The pages of alerts: what is wrong, why somebody was told or not, and what is done about it."""

from __future__ import annotations

import re

from core import alerting, auth
from core.alerting import engine_words
from core.texts import T
from storage import quotas
from storage.quotas import ServiceQuota
from tests.core.http.dashboard.browser import harmless
from tests.core.http.dashboard.site import BROKEN, EVIL, MAIL, RULE, Site

DAY = 86_400.0


async def test_nothing_yet_says_what_to_do(site: Site) -> None:
    await site.enter("alerts.read")
    empty = await site.browser.get("/dashboard/alerts")
    assert empty.status == 200 and "No rule is looked at yet" in empty.text and "no node runs" in empty.text
    assert "No rule is looked at yet" in (await site.browser.get("/dashboard/alerts/rules")).text
    silences = await site.browser.get("/dashboard/silences")
    assert "Nothing is silenced" in silences.text and "alerts.write" in silences.text


async def test_the_list_has_the_worst_first_and_what_has_ended(site: Site) -> None:
    mild = {"name": "Some", "condition": "failed > 1", "severity": "info"}
    slow = {"name": f"Slow {EVIL}", "condition": "error_rate > 2% for 10m", "severity": "warning"}
    unknown = {"name": "Latency", "condition": "latency_p95 > 1s"}
    made = await site.install(mild, slow, RULE, unknown, name=f"Forward {EVIL}")
    await site.count(made, dead=31, failed=5, succeeded=219)
    await site.look()
    await site.enter("alerts.read")
    page = harmless(await site.browser.get("/dashboard/alerts"))
    table = page.text.partition("<tbody")[2]
    first, second, third = (table.index(f">{name}") for name in ("Errors<", "Some<", "Slow &lt;"))
    assert first < second < third and "2 alerts fire" in page.text and "1 rule has no data" in page.text
    assert "31 of 2" in page.text and "No alert has ended" in page.text

    states = harmless(await site.browser.get(f"/dashboard/alerts/rules?integration={made}"))
    assert states.text.index("Errors") < states.text.index("Slow &lt;") < states.text.index("Latency")
    assert "takes 10 events to be believed" in states.text
    only = await site.browser.get("/dashboard/alerts/rules?state=no_data&integration=")
    assert "Latency" in only.text and "Errors" not in only.text

    await site.rules(made)
    await site.look()
    ended = await site.browser.get(f"/dashboard/alerts?integration={made}&severity=critical&status=&rule=")
    assert "rule removed" in ended.text and "Errors" in ended.text and "failed &gt; 1" not in ended.text
    assert "No alert that has ended fits" in (await site.browser.get("/dashboard/alerts?status=resolved")).text
    assert "No alert that has ended fits" in (await site.browser.get("/dashboard/alerts?integration=engine")).text
    for wrong in ("severity=fatal", "status=firing", "integration=" + "x" * 90):
        assert (await site.browser.get(f"/dashboard/alerts?{wrong}")).status == 422, wrong


async def test_an_alert_says_why_it_was_told_or_not(site: Site) -> None:
    alert = await site.fire(name=f"Forward {EVIL}")
    cause = T("Most are one error: {reason} ({count})", reason=EVIL, count=29)
    await site.set(alert, facts={"failed": 31, "of": 250, "cause": cause.dump(), "example": "evt_1", "failures": 31,
                                 "changes": [[alert.started_at - 60, T("{x}", x=EVIL).dump()]]})  # fmt: skip
    path = f"/dashboard/alerts/{alert.id}"
    await site.enter("alerts.read")
    waiting = await site.browser.get(path)
    assert f"about to be told in {MAIL}" in waiting.text and "metrics.read" in waiting.text
    site.clock.move(10)
    await site.tell(2)
    page = harmless(await site.browser.get(path))
    assert f"It was told in {MAIL}." in page.text and f"It was not told in {BROKEN}: given up after" in page.text
    assert "No such mailbox" in page.text and "31 of 250 attempts" in page.text and "onerror" in page.text
    assert "/dashboard/events/evt_1" in page.text and "/acknowledge" not in page.text and "alerts.write" in page.text
    assert [sign for sign in ("It fires", "To be told in", "Told in", "Given up for") if sign not in page.text] == []
    assert (await site.browser.get("/dashboard/alerts/alt_nothing")).status == 404
    russian = await site.browser.get(path, **{"Accept-Language": "ru"})
    assert '<html lang="ru">' in russian.text

    assert (await site.browser.get(f"{path}/chart.json?width=700")).status == 403
    await site.enter("alerts.read", "metrics.read", "integrations.read")
    drawn = await site.browser.get(f"{path}/chart.json?width=700&tz=Europe/Moscow")
    assert drawn.status == 200 and '"width":700' in drawn.text and "Europe/Moscow" in drawn.text
    assert 'id="drawn"' in (await site.browser.get(path)).text
    await site.enter("metrics.read")
    assert (await site.browser.get(f"{path}/chart.json")).status == 403 and (await site.browser.get(path)).status == 403


async def test_what_keeps_it_quiet_is_said(site: Site) -> None:
    await site.enter("alerts.read", "alerts.write")
    made = await site.install(RULE)
    fields = {"comment": f"Jira moves {EVIL}", "kind": "maintenance", "integration": made, "for": "2h", "zone": "UTC"}
    assert (await site.browser.send("/dashboard/silences/new", fields)).status == 303
    await site.count(made, dead=31, succeeded=219)
    await site.look()
    (alert,) = await alerting.newest(site.ctx)
    page = harmless(await site.browser.get(f"/dashboard/alerts/{alert.id}"))
    assert "Nobody was told: the silence sil_" in page.text and "Jira moves &lt;script" in page.text
    whole = harmless(await site.browser.get("/dashboard/alerts"))
    assert "Kept quiet now" in whole.text and "silenced" in whole.text


async def test_acknowledge_snooze_and_take_it_back(site: Site) -> None:
    alert = await site.fire()
    path = f"/dashboard/alerts/{alert.id}"
    await site.enter("alerts.read", "alerts.write")
    for deed, fields in (("acknowledge", {"comment": "x"}), ("snooze", {}), ("unsnooze", {})):
        refused = await site.browser.send(f"{path}/{deed}", fields, **{"Sec-Fetch-Site": "cross-site"})
        assert refused.status == 403, deed
    long = await site.browser.send(f"{path}/acknowledge", {"comment": "y" * 501})
    assert long.status == 422 and "y" * 501 in long.text and "at most 500" in long.text
    done = await site.browser.send(f"{path}/acknowledge", {"comment": f"looking {EVIL}"})
    assert (done.status, done.headers["Location"]) == (303, path)
    shown = harmless(await site.browser.get(path))
    assert "Acknowledged by" in shown.text and "looking &lt;script" in shown.text

    wrong = await site.browser.send(f"{path}/snooze", {"how": "other", "for": "soon"})
    assert wrong.status == 422 and 'value="soon"' in wrong.text and "is not a duration" in wrong.text
    assert 'aria-invalid="true"' in wrong.text
    for fields, until in (
        ({"how": "hour"}, site.clock.now() + 3600),
        ({"how": "other", "for": " 3h "}, site.clock.now() + 3 * 3600),
        ({"how": "tomorrow", "timezone": "Europe/Berlin"}, 1_700_035_200.0),
    ):
        assert (await site.browser.send(f"{path}/snooze", fields)).status == 303
        assert (await alerting.find(site.ctx, alert.id)).snoozed_until == until
    assert "End snooze" in (await site.browser.get(path)).text
    assert (await site.browser.send(f"{path}/unsnooze")).status == 303
    assert "End snooze" not in (await site.browser.get(path)).text
    bad_zone = await site.browser.send(f"{path}/snooze", {"how": "tomorrow", "timezone": "Mars/Base"})
    assert bad_zone.status == 422 and "Mars/Base" in bad_zone.text

    await site.rules(alert.integration_id)
    await site.look()
    late = await site.browser.send(f"{path}/acknowledge", {"comment": "late"})
    assert late.status == 409 and "has ended" in late.text

    await site.enter("alerts.read")
    for deed in ("acknowledge", "snooze", "unsnooze"):
        assert (await site.browser.send(f"{path}/{deed}")).status == 403
    for page in ("/dashboard/silences/new", f"{path}/replay"):
        assert (await site.browser.get(page)).status == 403


async def test_silences_are_made_changed_and_ended(site: Site) -> None:
    made = await site.install(RULE)
    await site.enter("alerts.read", "alerts.write")
    filled = await site.browser.get(f"/dashboard/silences/new?integration={made}&rule=Errors")
    assert f'<option value="{made}" selected>' in filled.text and 'value="Errors"' in filled.text
    fields = {
        "comment": f"A move {EVIL}", "kind": "maintenance", "integration": made, "rule": "Errors", "severity": "",
        "from": "2023-11-15T02:00", "for": "until", "until": "2023-11-15T04:00", "zone": "Europe/Moscow",
    }  # fmt: skip
    foreign = await site.browser.send("/dashboard/silences/new", fields, **{"Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403
    for wrong, said in (
        ({"rule": "Erors"}, "Did you mean Errors?"),
        ({"until": "2023-11-15T01:00"}, "to must be after from"),
        ({"until": ""}, "Write a time such as"),
        ({"from": "later"}, "Write a time such as"),
        ({"comment": " "}, "must not be blank"),
        ({"zone": "Mars/Base"}, "no time zone"),
        ({"kind": "loud"}, "silence"),
        ({"for": "9y"}, "9y"),
        ({"for": "9y", "from": ""}, "9y"),
        ({"integration": "", "rule": ""}, "This keeps every alert quiet"),
    ):
        refused = harmless(await site.browser.send("/dashboard/silences/new", {**fields, **wrong}))
        assert refused.status == 422 and said in refused.text, wrong
        for name in ("comment", "until"):
            typed = {**fields, **wrong}[name].replace("<", "&lt;").replace(">", "&gt;")
            assert f'value="{typed}"' in refused.text, (wrong, name)
    assert await alerting.silences(site.ctx, ended=True) == []

    done = await site.browser.send("/dashboard/silences/new", fields)
    assert done.status == 303
    (silence,) = await alerting.silences(site.ctx, ended=True)
    assert (silence.at_from, silence.at_to, silence.kind) == (1_700_002_800.0, 1_700_010_000.0, "maintenance")
    listed = harmless(await site.browser.get("/dashboard/silences"))
    assert "Coming" in listed.text and silence.id in listed.text
    path = f"/dashboard/silences/{silence.id}"
    edited = await site.browser.get(path)
    assert 'value="2023-11-14T23:00"' in edited.text and "data-zone" in edited.text
    changed = {**fields, "from": "", "for": "1h", "zone": "UTC", "rule": "", "integration": "", "everything": "yes"}
    assert (await site.browser.send(path, changed)).status == 303
    (silence,) = await alerting.silences(site.ctx, ended=False)
    assert (silence.at_to, silence.integration_id) == (site.clock.now() + 3600, None)
    assert "everything" in (await site.browser.get("/dashboard/silences")).text

    asked = harmless(await site.browser.get(f"{path}/end"))
    assert "cannot be taken up again" in asked.text and len(await alerting.silences(site.ctx, ended=False)) == 1
    assert (await site.browser.send(f"{path}/end")).status == 303
    assert await alerting.silences(site.ctx, ended=False) == []
    assert (await site.browser.get("/dashboard/silences/sil_x")).status == 404
    assert (await site.browser.send("/dashboard/silences/sil_x", changed)).status == 404
    await site.enter("alerts.read")
    for send in ("/dashboard/silences/new", path, f"{path}/end"):
        assert (await site.browser.send(send, fields)).status == 403
    assert not re.search(r"/dashboard/silences/sil_\w+/end", (await site.browser.get("/dashboard/silences")).text)


async def test_ended_ones_come_page_by_page_and_the_engines_own_have_a_page(site: Site) -> None:
    ids = await site.ended(27, detail=T("{free} MB are free.", free=7).dump())
    await site.enter("alerts.read", "alerts.write", "events.replay", "metrics.read")
    first = await site.browser.get("/dashboard/alerts?severity=info")
    seen = re.findall(r'<a href="/dashboard/alerts/(alt_\d+)">', first.text)
    assert seen == ids[:1:-1] and f"severity=info&amp;after={ids[2]}" in first.text
    older = await site.browser.get(f"/dashboard/alerts?severity=info&after={ids[2]}")
    assert re.findall(r'<a href="/dashboard/alerts/(alt_\d+)">', older.text) == ids[1::-1]
    assert "Newest alerts" in older.text and "Older alerts" not in older.text
    page = harmless(await site.browser.get(f"/dashboard/alerts/{ids[0]}"))
    assert page.status == 200 and "7 MB are free." in page.text and "ended before a message was planned" in page.text
    assert "/replay" not in page.text and 'id="drawn"' not in page.text and "/dashboard/system" in page.text
    assert (await site.browser.get(f"/dashboard/alerts/{ids[0]}/replay")).status == 409
    assert (await site.browser.get(f"/dashboard/alerts/{ids[0]}/chart.json")).status == 404


async def test_what_the_engine_says_of_itself_is_said_in_the_readers_language(site: Site) -> None:
    expires = site.clock.now() + 15 * DAY
    await auth.issue(site.ctx, actor=auth.SYSTEM, name="ci", permissions=("alerts.read",), expires_at=expires)
    await site.enter("alerts.read")
    site.clock.move(2 * DAY)
    await site.watch()
    (alert,) = await alerting.newest(site.ctx)
    await site.enter("alerts.read", "alerts.write")
    russian = {"Accept-Language": "ru"}
    page = (await site.browser.get(f"/dashboard/alerts/{alert.id}", **russian)).text
    whole = (await site.browser.get("/dashboard/alerts", **russian)).text
    rules = (await site.browser.get("/dashboard/alerts/rules", **russian)).text
    name, condition = (engine_words.spoken(stored).render("ru") for stored in (alert.name, alert.condition))
    assert name != alert.name and condition != alert.condition
    assert f"<h1>{name}</h1>" in page and condition in page and "Give it a later" not in page
    assert f"{name}</a>" in whole and f"{name}</option>" in whole and f"{name}</a>" in rules and condition in rules
    assert alert.name not in page + whole + rules and "free in the data folder" not in rules
    assert '<time datetime="2023-11-29' in whole, "when it expires is in the reader's zone"
    silence = {"comment": "known", "kind": "silence", "integration": "engine", "rule": alert.name, "for": "1h"}
    form = (await site.browser.get("/dashboard/silences/new?integration=engine", **russian)).text
    assert f'<option value="{alert.name}">{name}</option>' in form
    assert (await site.browser.send("/dashboard/silences/new", silence)).status == 303
    for path in ("/dashboard/silences", "/dashboard/alerts"):
        told = (await site.browser.get(path, **russian)).text
        assert re.search(rf", {name}\b", told) and alert.name not in told, path
    english = (await site.browser.get(f"/dashboard/alerts/{alert.id}")).text
    assert f"<h1>{alert.name}</h1>" in english and alert.condition in english


async def test_what_is_left_of_quotas(site: Site) -> None:
    await site.enter("alerts.read")
    assert "No service has said anything of its quota yet" in (await site.browser.get("/dashboard/system")).text
    now = site.clock.now()
    for service, credential, kind, resets_at in (
        ("github", "key 1", "requests", now + 60),
        ("github", "key 2", "requests", now - 60),
        ("claude", "key", "tokens", now + 60),
    ):
        heard = ServiceQuota(service=service, credential=credential, kind=kind, remaining=7, allowed=5000,
                             resets_at=resets_at, heard_at=now - 90)  # fmt: skip
        await site.ctx.db.write(quotas.keep, [heard])
    page = (await site.browser.get("/dashboard/system")).text
    assert page.count("Requests to GitHub") == 2 and page.count("Tokens of Claude") == 1
    assert page.count("7 / 5,000") == 2 and page.count("given anew since") == 1
