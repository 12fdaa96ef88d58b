"""Alerts and silences by REST: what fires, why somebody was told or not, and what can be done about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from core import alerts, auth, integrations
from core.alerting import Evaluator
from core.alerts import RuleWish
from core.context import Context
from core.integrations import Wish
from storage import metrics
from tests.contexts import MovableClock
from tests.packages import package

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
Keys = Callable[..., Awaitable[dict[str, str]]]


@pytest.fixture
async def firing(ctx: Context, clock: MovableClock) -> str:
    """An integration whose only rule fires; its id."""
    files = package(HANDLER, "example.com")["files"]
    wish = Wish(files=files, provenance={}, config={}, webhook_secret="a secret of sixteen", activate=True)
    installed, _ = await integrations.install(ctx, wish, actor=auth.SYSTEM)
    rule = RuleWish(name="Errors", condition="error_rate > 5%", severity="critical", notification_channels=["slack"])
    await alerts.replace(ctx, installed.id, [rule], actor=auth.SYSTEM)
    counts: metrics.Counts = {}
    metrics.count(counts, installed.id, clock.now(), "dead", by=31)
    metrics.count(counts, installed.id, clock.now(), "succeeded", by=219)
    await ctx.db.write(metrics.add, counts)
    clock.move(20)
    await Evaluator(ctx).look()
    return installed.id


async def ask(admin: aiohttp.ClientSession, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    async with admin.request(method, path, json=body) as answer:
        found = await answer.json()
        assert answer.status == status, found
        return found


async def test_an_alert_says_what_is_wrong_and_why_it_was_told(admin: aiohttp.ClientSession, firing: str) -> None:
    (alert,) = await ask(admin, "GET", "/v1/alerts?status=open&integration=forward&severity=critical")
    assert alert["message"] == "error_rate is 12.4 % (rule: > 5%), since 2023-11-14T22:13:40.000Z"
    assert (alert["status"], alert["counts"], alert["value"], alert["samples"]) == (
        "firing", "31 of 250 attempts", 12.4, 250,
    )  # fmt: skip
    assert [change["change"] for change in alert["changes_before"]] == [
        "the alert rules were changed by system (Error rate, Latency, Webhook failures, Queue depth, Errors)",
        "installed by system",
    ]
    assert await ask(admin, "GET", f"/v1/alerts/{alert['id']}") == alert
    history = await ask(admin, "GET", f"/v1/alerts/{alert['id']}/history")
    assert [line["message"] for line in history["history"]] == [
        "The condition began to hold (error_rate 12.4 %, threshold 5 %)",
        "It fires (error_rate 12.4 %, threshold 5 %)",
        "To be told in slack.",
    ]
    (message,) = history["messages"]
    assert (message["channel"], message["items"][0]["kind"], message["items"][0]["result"]) == ("slack", "fired", None)
    states = await ask(admin, "GET", "/v1/alert-states?integration=forward")
    assert [(rule["name"], rule["state"], rule["alert_id"]) for rule in states["rules"]] == [
        ("Errors", "firing", alert["id"])
    ]
    assert await ask(admin, "GET", f"/v1/alerts?after={alert['id']}") == []
    assert await ask(admin, "GET", "/v1/alerts?status=resolved&integration=engine") == []
    await ask(admin, "GET", "/v1/alerts?integration=nothing", status=404)
    await ask(admin, "GET", "/v1/alerts/alt_nothing", status=404)


async def test_acknowledge_and_snooze(admin: aiohttp.ClientSession, firing: str, clock: MovableClock) -> None:
    (alert,) = await ask(admin, "GET", "/v1/alerts")
    path = f"/v1/alerts/{alert['id']}"
    found = await ask(admin, "POST", f"{path}/acknowledge", {"comment": "looking"})
    assert (found["acknowledged_by"], found["comment"]) == ("first admin", "looking")
    found = await ask(admin, "POST", f"{path}/snooze")
    assert (found["snoozed_until"], found["snoozed_by"]) == ("2023-11-14T23:13:40.000Z", "first admin")
    found = await ask(admin, "POST", f"{path}/snooze", {"until": "tomorrow", "timezone": "Europe/Berlin"})
    assert found["snoozed_until"] == "2023-11-15T08:00:00.000Z"
    clock.move(3600)
    found = await ask(admin, "POST", f"{path}/snooze", {"until": "tomorrow", "timezone": "Europe/Berlin"})
    assert found["snoozed_until"] == "2023-11-15T08:00:00.000Z", "a quarter past midnight, the morning to come is meant"
    clock.move(-3600)
    found = await ask(admin, "DELETE", f"{path}/snooze")
    assert found["snoozed_until"] == "2023-11-14T22:13:40.000Z"
    for wish, where in (
        ({"for": "1h", "until": "tomorrow"}, "until"),
        ({"for": "soon"}, "for"),
        ({"for": "31d"}, "for"),
        ({"until": "tomorrow", "timezone": "Mars/Base"}, "timezone"),
        ({"until": "tomorrow", "timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": "UTC"}, "timezone"),
    ):
        assert (await ask(admin, "POST", f"{path}/snooze", wish, status=422))["path"] == where
    changes = await ask(admin, "GET", "/v1/changelog")
    assert [change["action"] for change in changes[:4]] == [
        "alert.unsnoozed", "alert.snoozed", "alert.snoozed", "alert.snoozed",
    ]  # fmt: skip
    await ask(admin, "PUT", "/v1/integrations/forward/alerts", {"rules": []})


async def test_silences(admin: aiohttp.ClientSession, firing: str, clock: MovableClock) -> None:
    wish = {"integration": "forward", "rule": "Errors", "to": "2h", "comment": "a migration"}
    made = await ask(admin, "POST", "/v1/silences", wish, status=201)
    assert (made["integration_id"], made["active"], made["from"], made["to"], made["created_by"]) == (
        firing, True, "2023-11-14T22:13:40.000Z", "2023-11-15T00:13:40.000Z", "first admin",
    )  # fmt: skip
    path = f"/v1/silences/{made['id']}"
    changed = await ask(admin, "PUT", path, {**wish, "from": "1h", "kind": "maintenance"})
    assert (changed["id"], changed["active"], changed["kind"]) == (made["id"], False, "maintenance")
    assert await ask(admin, "GET", path) == changed
    assert await ask(admin, "GET", "/v1/silences") == [changed]
    ended = await ask(admin, "DELETE", path)
    assert ended["to"] == "2023-11-14T22:13:40.000Z"
    assert await ask(admin, "GET", "/v1/silences") == []
    assert await ask(admin, "GET", "/v1/silences?ended=true") == [ended]
    refused = await ask(admin, "PUT", path, wish, status=409)
    assert "has ended" in refused["message"] and await ask(admin, "GET", path) == ended, "it tells who was not told"
    assert await ask(admin, "DELETE", path) == ended
    for wrong, where in (
        ({"to": "2h", "from": "3h"}, "to"),
        ({"to": "2020-01-01T00:00:00Z"}, "to"),
        ({"to": "367d"}, "to"),
        ({"to": "soon"}, "to"),
        ({"integration": "nothing"}, "integration"),
        ({"comment": " "}, "comment"),
        ({"rule": "errors"}, "rule"),
        ({"integration": "engine"}, "rule"),
        ({"severity": "fatal"}, "severity"),
    ):
        assert (await ask(admin, "POST", "/v1/silences", {**wish, **wrong}, status=422))["path"] == where
    typo = await ask(admin, "POST", "/v1/silences", {**wish, "rule": "Erors"}, status=422)
    assert typo["message"] == "rule: there is no rule 'Erors'. Did you mean Errors?"
    blank = await ask(admin, "POST", "/v1/silences", {**wish, "comment": " "}, status=422)
    assert blank["message"] == "comment: must not be blank."
    await ask(admin, "GET", "/v1/silences/sil_nothing", status=404)


async def test_who_may(anonymous: aiohttp.ClientSession, issued: Keys, firing: str) -> None:
    reader, writer = await issued("alerts.read"), await issued("alerts.write")
    (alert,) = await (await anonymous.get("/v1/alerts", headers=reader)).json()
    for path in ("/v1/alerts", f"/v1/alerts/{alert['id']}/history", "/v1/alert-states", "/v1/silences"):
        assert (await anonymous.get(path, headers=reader)).status == 200
        assert (await anonymous.get(path, headers=writer)).status == 403
    wish = {"to": "1h", "comment": "x"}
    for path, body in ((f"/v1/alerts/{alert['id']}/acknowledge", {}), ("/v1/silences", wish)):
        assert (await anonymous.post(path, json=body, headers=reader)).status == 403
        assert (await anonymous.post(path, json=body, headers=writer)).status in (200, 201)


async def test_why_there_is_no_data_is_said(
    admin: aiohttp.ClientSession, firing: str, ctx: Context, clock: MovableClock
) -> None:
    async def told() -> dict[str, str | None]:
        clock.move(20)
        await Evaluator(ctx).look()
        states = await ask(admin, "GET", "/v1/alert-states?integration=forward")
        return {rule["name"]: rule["reason"] for rule in states["rules"]}

    rules = [
        RuleWish(name="Errors", condition="error_rate > 5%"),
        RuleWish(name="Patient", condition="latency_p95 > 1s", min_samples=300),
        RuleWish(name="Silence", condition="no_events for 1h"),
        RuleWish(name="Past", condition="error_rate > 3 * avg(error_rate, 1d)"),
    ]
    await alerts.replace(ctx, firing, rules, actor=auth.SYSTEM)
    clock.move(7200)
    assert await told() == {
        "Errors": "error_rate takes 5 events to be believed; lately there were 0.",
        "Patient": "latency_p95 takes 300 events to be believed; lately there were 0.",
        "Silence": None,
        "Past": "error_rate takes 5 events to be believed; lately there were 0.",
    }
    await integrations.pause(ctx, firing, actor=auth.SYSTEM)
    assert set((await told()).values()) == {"The integration is not active (paused): nothing is expected of it."}
    await integrations.activate(ctx, firing, actor=auth.SYSTEM)
    await ask(admin, "PATCH", "/v1/integrations/forward/monitoring", {"metrics_enabled": False})
    assert (await told())["Errors"] == "Its metrics are switched off (metrics_enabled)."
