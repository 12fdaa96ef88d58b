"""Alerts by REST: rules put and shown, and tests that really arrive or say why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chatbot.notifier import SlackNotifier
from core import auth, integrations
from core.context import Context
from core.demo.stand_ins.slack import BOT_TOKEN, SlackStandIn
from core.integrations import Wish
from core.secret_box import SecretBox
from core.texts import T
from storage.db import open_database
from tests import templates
from tests.contexts import MovableClock, context, settings
from tests.core.http.conftest import Sandbox
from tests.inbox import Inbox, serving
from tests.packages import package

Keys = Callable[..., Awaitable[dict[str, str]]]

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
PATH = "/v1/integrations/forward/alerts"
GUIDE = {
    "name": "High Error Rate",
    "condition": "error_rate > 5%",
    "notification_channels": ["slack://dev-alerts", "email://team@company.com"],
    "severity": "critical",
}
"""The guide's own rule."""
RULE: dict[str, Any] = {"name": "Slow", "condition": "latency_p95 > 2s", "notification_channels": ["slack"]}


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with serving() as made:
        yield made


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def changed() -> dict[str, Any]:
    """What a test wants set otherwise; None is not set."""
    return {}


@pytest.fixture
async def ctx(
    tmp_path: Path,
    clock: MovableClock,
    no_services: None,
    slack: SlackStandIn,
    inbox: Inbox,
    changed: dict[str, Any],
) -> AsyncIterator[Context]:
    """A context with Slack and mail, and one integration, `forward`."""
    templates.sqlite_in(tmp_path)
    db = await open_database(None, tmp_path)
    values = {
        "CCB_DATA_DIR": tmp_path,
        "CCB_PORT": 0,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_API_URL": slack.url,
        "CCB_SMTP_URL": inbox.url,
        "CCB_MAIL_FROM": "CCB <ccb@example.org>",
        "CCB_ALERT_SLACK_CHANNEL": "#deploys",
        "CCB_ALERT_EMAIL": "ops@example.com",
        **changed,
    }
    given = settings(**{name: value for name, value in values.items() if value is not None})
    notifier = SlackNotifier(given, clock)
    made = context(given=given, clock=clock, db=db, sandbox=Sandbox(), secrets=SecretBox.open(given), slack=notifier)
    files = package(HANDLER, "example.com")["files"]
    await integrations.install(made, Wish(files=files, provenance={}, config={}), actor=auth.SYSTEM)
    yield made
    await notifier.close()
    await db.close()


async def put(admin: aiohttp.ClientSession, *rules: dict[str, Any]) -> Any:
    """Put rules; return the answer's list."""
    response = await admin.put(PATH, json={"rules": rules})
    found = await response.json()
    assert response.status == 200, found
    return found["rules"]


async def tried(admin: aiohttp.ClientSession, status: int = 200, **wish: Any) -> Any:
    """Test; return the answer."""
    response = await admin.post(f"{PATH}/test", json=wish)
    found = await response.json()
    assert response.status == status, found
    return found


async def test_rules_are_put_and_shown(admin: aiohttp.ClientSession, clock: MovableClock) -> None:
    before = (await (await admin.get(PATH)).json())["rules"]
    assert [(rule["name"], rule["condition"], rule["notification_channels"]) for rule in before] == [
        ("Error rate", "error_rate > 1% for 2m", []),
        ("Latency", "latency_p95 > 500ms for 5m", []),
        ("Webhook failures", "webhook_failures > 0", []),
        ("Queue depth", "queue_depth > 100 for 2m", []),
    ], "the guide's best practices"
    first, second = await put(admin, GUIDE, {**RULE, "condition": "latency_p95>2000ms for 300s"})
    assert first.pop("id").startswith("alr_")
    assert first == {**GUIDE, "description": "", "resolve_condition": None, "min_samples": None,
                     "repeat_interval": None, "created_at": "2023-11-14T22:13:20.000Z",
                     "updated_at": "2023-11-14T22:13:20.000Z"}  # fmt: skip
    assert (second["condition"], second["severity"]) == ("latency_p95 > 2s for 5m", "warning")
    shown = (await (await admin.get(PATH)).json())["rules"]
    assert [rule["name"] for rule in shown] == ["High Error Rate", "Slow"] and shown[1] == second
    clock.move(60)
    (changed,) = await put(admin, {**RULE, "description": "Look at the queue."})
    assert (changed["id"], changed["created_at"]) == (second["id"], second["created_at"])
    assert changed["updated_at"] == "2023-11-14T22:14:20.000Z"
    assert await put(admin) == []


async def test_every_change_is_in_the_changelog(admin: aiohttp.ClientSession) -> None:
    await put(admin)
    await put(admin, RULE)
    await put(admin, RULE)  # nothing changes: nothing to keep
    await put(admin, {**RULE, "condition": "latency_p95 > 3s"})
    second, _, _ = await (await admin.get("/v1/integrations/forward/changelog?action=alerts.changed")).json()
    (change,) = second["changes"]
    assert change["key"] == "Slow"
    assert (change["from"]["condition"], change["to"]["condition"]) == ("latency_p95 > 2s", "latency_p95 > 3s")


async def test_what_is_shown_can_be_put_again(admin: aiohttp.ClientSession) -> None:
    wish = {
        **RULE,
        "condition": "failed>3 and queue_age>2m for 5m",
        "notification_channels": ["slack://#dev", "email"],
        "resolve_condition": "failed<1",
        "min_samples": 3,
        "repeat_interval": "120m",
    }
    (shown,) = await put(admin, wish)
    again = {key: value for key, value in shown.items() if key not in ("id", "created_at", "updated_at")}
    assert await put(admin, again) == [shown]


@pytest.mark.parametrize(
    ("rules", "path", "said"),
    [
        ([{**RULE, "condition": "error_rate > 500ms"}], "rules.0.condition", "percentage"),
        ([RULE, {**RULE, "name": "x", "condition": "latncy_p95 > 2s"}], "rules.1.condition", "mean latency_p95?"),
        ([{**RULE, "condition": "failed > 1" + " " * 500}], "rules.0.condition", "500"),
        ([{**RULE, "condition": ""}], "rules.0.condition", "empty"),
        ([RULE, RULE], "rules.1.name", "'Slow'"),
        ([{**RULE, "name": ""}], "rules.0.name", "empty"),
        ([{**RULE, "name": "a\nb"}], "rules.0.name", "one line"),
        ([{**RULE, "name": " "}], "rules.0.name", "must not be blank"),
        ([{**RULE, "severity": "fatal"}], "rules.0.severity", "critical"),
        ([{**RULE, "resolve_condition": "latency_p95 < 5%"}], "rules.0.resolve_condition", "duration"),
        ([{**RULE, "repeat_interval": "1m"}], "rules.0.repeat_interval", "5m to 30d"),
        ([{**RULE, "repeat_interval": "soon"}], "rules.0.repeat_interval", "not a duration"),
        ([{**RULE, "min_samples": 0}], "rules.0.min_samples", "1"),
        ([{**RULE, "notification_channels": ["slack", "x://me"]}], "rules.0.notification_channels.1", "discord, email"),
        ([{**RULE, "notification_channels": ["email://team"]}], "rules.0.notification_channels.0", "email://team@"),
        ([{**RULE, "notification_channels": "slack"}], "rules.0.notification_channels", "a list"),
        ([{**RULE, "silence": 1}], "rules.0.silence", "unknown"),
        ([{"name": "x"}], "rules.0.condition", "missing"),
        ([{**RULE, "name": f"r{n}"} for n in range(51)], "rules", "at most 50"),
    ],
)  # fmt: skip
async def test_wrong_rules_change_nothing(admin: aiohttp.ClientSession, rules: list[Any], path: str, said: str) -> None:
    before = await put(admin, GUIDE)
    response = await admin.put(PATH, json={"rules": rules})
    found = await response.json()
    assert (response.status, found["path"]) == (422, path)
    assert said in found["message"]
    assert (await (await admin.get(PATH)).json())["rules"] == before


async def test_every_wrong_place_is_named(admin: aiohttp.ClientSession) -> None:
    wrong = {**RULE, "condition": "error_rate = 5", "notification_channels": ["x"]}
    found = await (await admin.put(PATH, json={"rules": [wrong]})).json()
    assert [field["path"] for field in found["fields"]] == ["rules.0.condition", "rules.0.notification_channels.0"]
    assert found["column"] == found["fields"][0]["column"] == 12
    assert found["expected"] == ["a comparison (> >= < <= == !=)", "(", "*"] and found["error"] == "Invalid alert rules"


async def test_a_test_arrives_and_says_what_it_is(
    admin: aiohttp.ClientSession, slack: SlackStandIn, inbox: Inbox
) -> None:
    found = await tried(admin, alert_type="error_rate", notification_channel="slack://general")
    assert found == {
        "alert_type": "error_rate",
        "results": [{"channel": "slack://general", "delivered": True, "detail": "Posted to #general."}],
        "delivered": True,
    }
    (text,) = slack.texts
    assert "This is a test of the alert error_rate of Forward, sent by first admin. Nothing is wrong." in text
    found = await tried(admin, notification_channel="email://a@b.example,c@d.example")
    assert found["results"][0]["detail"] == "Sent to a@b.example, c@d.example." and found["alert_type"] is None
    (message,) = inbox.messages
    assert (message["To"], message["From"]) == ("a@b.example, c@d.example", "CCB <ccb@example.org>")
    assert message["Subject"] == "Test of the alerts of Forward"
    assert (
        "test of the alerts of Forward, sent by first admin. Nothing is wrong."
        in message.get_body(("plain",)).get_content()
    )


async def test_a_channel_alone_goes_where_its_setting_says(
    admin: aiohttp.ClientSession, slack: SlackStandIn, inbox: Inbox
) -> None:
    assert (await tried(admin, notification_channel="slack"))["results"] == [
        {"channel": "slack", "delivered": True, "detail": "Posted to #deploys."}
    ]
    assert len(slack.channel("deploys").messages) == 1
    assert (await tried(admin, notification_channel="email"))["delivered"] is True
    assert inbox.messages[0]["To"] == "ops@example.com"


async def test_without_a_channel_all_of_the_rules_are_tested_once(
    admin: aiohttp.ClientSession, slack: SlackStandIn, inbox: Inbox
) -> None:
    await put(admin)
    refused = await tried(admin, status=409)
    assert "notification_channel" in refused["message"]
    await put(
        admin, {**RULE, "notification_channels": ["slack", "email"]}, {**GUIDE, "notification_channels": ["slack"]}
    )
    found = await tried(admin, alert_type="latency_p95")
    assert [result["channel"] for result in found["results"]] == ["slack", "email"] and found["delivered"] is True
    assert (len(slack.texts), len(inbox.messages)) == (1, 1)
    response = await admin.post(f"{PATH}/test")
    assert response.status == 200 and len((await response.json())["results"]) == 2
    found = await tried(admin, alert_type="High Error Rate")
    assert [result["channel"] for result in found["results"]] == ["slack"], "a rule's name means its own channels"


async def test_slacks_refusals_are_results(admin: aiohttp.ClientSession, slack: SlackStandIn) -> None:
    slack.limits["general"] = 30
    places = ["slack://random", "slack://dev-alerts", "slack://general", "slack://old-news", "slack://deploys"]
    await put(admin, {**RULE, "notification_channels": places})
    found = await tried(admin, alert_type="error_rate")
    assert found["delivered"] is False
    assert [(result["channel"], result["delivered"]) for result in found["results"]] == [
        (place, place == "slack://deploys") for place in places
    ]
    details = [result["detail"] for result in found["results"]]
    for detail, said in zip(
        details, ("Type /invite @ccb", "can't find #dev-alerts", "in 30 s", "archived", "Posted"), strict=True
    ):
        assert said in detail
    assert BOT_TOKEN not in str(found)


async def test_the_mail_servers_refusals_are_results(admin: aiohttp.ClientSession, inbox: Inbox) -> None:
    inbox.refused = {"team@company.com"}
    found = await tried(admin, notification_channel="email://team@company.com")
    assert found["delivered"] is False
    assert "team@company.com" in found["results"][0]["detail"] and "No such mailbox" in found["results"][0]["detail"]
    found = await tried(admin, notification_channel="email://team@company.com,ops@example.com")
    assert found["delivered"] is False and "Sent, but" in found["results"][0]["detail"]
    assert len(inbox.messages) == 1


@pytest.mark.parametrize(
    ("changed", "channel", "said"),
    [
        ({"SLACK_BOT_TOKEN": None}, "slack", "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_BOT_TOKEN": "xoxb-a-wrong-secret"}, "slack", "SLACK_BOT_TOKEN is wrong"),
        ({"CCB_ALERT_SLACK_CHANNEL": None}, "slack", "CCB_ALERT_SLACK_CHANNEL is not set"),
        ({"CCB_ALERT_SLACK_CHANNEL": "No Channel"}, "slack", "CCB_ALERT_SLACK_CHANNEL: 'No Channel' is no Slack"),
        ({"CCB_SMTP_URL": None}, "email", "CCB_SMTP_URL is not set"),
        ({"CCB_ALERT_EMAIL": None}, "email", "CCB_ALERT_EMAIL is not set"),
        ({"CCB_MAIL_FROM": "nobody"}, "email", "CCB_MAIL_FROM"),
        ({"CCB_SMTP_URL": "smtp://me:a-wrong-secret@127.0.0.1:1"}, "email", "127.0.0.1:1 cannot be used"),
    ],
    ids=str,
)
async def test_what_is_not_configured_is_a_result_that_names_the_setting(
    admin: aiohttp.ClientSession, channel: str, said: str
) -> None:
    found = await tried(admin, alert_type="error_rate", notification_channel=channel)
    assert found["delivered"] is False
    assert said in found["results"][0]["detail"]
    assert "a-wrong-secret" not in str(found)


async def test_names_neither_call_people_nor_break_the_subject(
    admin: aiohttp.ClientSession, slack: SlackStandIn
) -> None:
    await put(admin, {**RULE, "name": "<!channel> & co"})
    assert (await tried(admin, alert_type="<!channel> & co"))["delivered"] is True
    assert "&lt;!channel&gt; &amp; co" in slack.texts[0] and "<!channel>" not in slack.texts[0]


@pytest.mark.parametrize("changed", [{"CCB_LANGUAGE": "ru"}], ids=str)
async def test_channels_speak_the_engines_language(admin: aiohttp.ClientSession, slack: SlackStandIn) -> None:
    await tried(admin, notification_channel="slack")
    (text,) = slack.texts
    assert T("Test of the alerts of {name}", name="Forward").render("ru") in text


@pytest.mark.parametrize(
    ("wish", "path", "said"),
    [
        ({"alert_type": "eror_rate"}, "alert_type", "Did you mean error_rate?"),
        ({"alert_type": "zzz", "notification_channel": "slack"}, "alert_type", "There are: Slow, received"),
        ({"notification_channel": "pager://me"}, "notification_channel", "discord, email"),
        ({"notification_channel": "email://me"}, "notification_channel", "no e-mail address"),
        ({"notification_channel": ""}, "notification_channel", "empty"),
        ({"surprise": 1}, "surprise", "alert_type, notification_channel"),
    ],
)
async def test_wrong_tests_send_nothing(
    admin: aiohttp.ClientSession, slack: SlackStandIn, wish: dict[str, Any], path: str, said: str
) -> None:
    await put(admin, RULE)
    found = await tried(admin, status=422, **wish)
    assert found["path"] == path and said in found["message"]
    assert slack.texts == []


async def test_who_may(anonymous: aiohttp.ClientSession, issued: Keys) -> None:
    reader, writer = await issued("alerts.read"), await issued("alerts.write")
    assert (await anonymous.get(PATH, headers=reader)).status == 200
    assert (await anonymous.get(PATH, headers=writer)).status == 403
    for method, path in (("PUT", PATH), ("POST", f"{PATH}/test")):
        body: dict[str, Any] = {"rules": []} if method == "PUT" else {"notification_channel": "slack"}
        assert (await anonymous.request(method, path, json=body, headers=reader)).status == 403
        assert (await anonymous.request(method, path, json=body, headers=writer)).status == 200
        other = path.replace("forward", "nothing")
        assert (await anonymous.request(method, other, json=body, headers=writer)).status == 404
    assert (await anonymous.get(PATH.replace("forward", "nothing"), headers=reader)).status == 404


async def test_a_package_brings_its_rules(admin: aiohttp.ClientSession) -> None:
    made = package(HANDLER, "example.com", alerts=[{**RULE, "condition": "latency_p95>2s"}], slug="with-rules")
    response = await admin.post("/v1/integrations", json={"package": made})
    assert response.status == 201, await response.text()
    rule, *others = (await (await admin.get("/v1/integrations/with-rules/alerts")).json())["rules"]
    assert [other["name"] for other in others] == ["Error rate", "Latency", "Webhook failures", "Queue depth"]
    assert (rule["name"], rule["condition"], rule["severity"]) == ("Slow", "latency_p95 > 2s", "warning")
