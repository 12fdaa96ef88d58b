"""A rule edited and removed in Slack."""

from __future__ import annotations

from core import alerting
from core.alerting import Evaluator
from core.demo.stand_ins.slack import ANNA, CAROL
from tests.chatbot.commands.test_alerts import RULE, _count, _install, _look
from tests.chatbot.conftest import House, text_of


async def test_a_rule_is_edited_in_its_own_form_and_removed_after_a_question(house: House) -> None:
    kept = {"min_samples": 7, "repeat_interval": "2h", "notification_channels": ["slack://deploys", "email://a@x.org"],
            "resolve_condition": "error_rate < 2%"}  # fmt: skip
    made = await _install(house, {**RULE, **kept}, {"name": "Calm", "condition": "failed > 1000"})
    path = f"/v1/integrations/{made['id']}/alerts"
    [before, calm] = (await house.client.ask("GET", path))["rules"]
    evaluator = Evaluator(house.ctx)
    await _count(house, made["id"], dead=30, succeeded=20)
    await _look(house, evaluator)
    shown = await house.type("alerts forward")
    await house.slack.press(ANNA, shown, "open:edit0")
    view = await house.modal("edit_alert_rule")
    assert "Edit an alert rule" in text_of({"blocks": [{"text": view["title"]}]})
    filled = {name: next(iter(found.values())).get("value") for name, found in view["state"]["values"].items()}
    assert {name: value for name, value in filled.items() if name != "severity"} == {
        "name": RULE["name"], "condition": "error_rate > 5%", "channels": "slack://deploys, email://a@x.org",
        "resolve": "error_rate < 2%", "description": "Call the team.", "samples": "7", "repeat": "2h",
    }  # fmt: skip
    outcome = await house.slack.submit(ANNA, view, {"name": "Calm", "samples": "many", "repeat": "1s"})
    assert set(outcome.errors) == {"samples", "repeat"}
    outcome = await house.slack.submit(ANNA, view, {"name": "Calm", "samples": "7", "repeat": "2h"})
    assert set(outcome.errors) == {"name"}, "another rule is called so"
    house.slack.fill(ANNA, {"name": "Errors", "condition": "error_rate > 10%"})
    await house.slack.press(ANNA, house.slack.view(ANNA) or {}, "preview_rule")
    await house.slack.until(lambda: "image" in {block["type"] for block in (house.slack.view(ANNA) or {})["blocks"]})
    assert ":crystal_ball:" in text_of(house.slack.view(ANNA) or {})
    house.clock.move(1)
    said = await house.after(ANNA, "general", lambda: house.slack.submit(ANNA))
    assert "<@U0ANNA> changed the alert rule *Errors* of `forward`." in text_of(said)
    [after, same] = (await house.client.ask("GET", path))["rules"]
    assert same == calm and after["updated_at"] != before["updated_at"]
    expected = {**before, "name": "Errors", "condition": "error_rate > 10%", "updated_at": after["updated_at"]}
    assert after == expected, "it keeps its id, and what was not touched"

    await house.slack.press(ANNA, await house.type("alerts forward"), "open:edit0")
    view = await house.modal("edit_alert_rule")
    house.clock.move(1)
    await house.client.ask("PUT", path, {"rules": [{**RULE, "name": "Errors", "condition": "error_rate > 20%"}]})
    outcome = await house.slack.submit(ANNA, view)
    assert "Somebody has changed this rule meanwhile" in outcome.errors["name"]

    refused = await house.press(
        await house.type("alerts forward", user=CAROL), "remove_rule:0", user=CAROL, confirm=True
    )
    assert "role operator" in text_of(refused)
    asks = await house.type("alerts forward remove Errors")
    assert "Remove this rule?" in text_of(asks) and "Errors" in text_of(asks)
    said = await house.press(asks, "remove_rule:0", confirm=True)
    assert said in house.slack.channel("general").messages, "a change is said in the channel"
    assert "removed the alert rule *Errors* of `forward`: `error_rate &gt; 20%`" in text_of(said)
    assert (await house.client.ask("GET", path))["rules"] == []
    assert "There is no alert rule Errors" in text_of(await house.type("alerts forward edit Errors"))
    assert "It has no rules" in text_of(await house.press(said, "run:0"))
    await _look(house, evaluator)
    [alert] = await alerting.newest(house.ctx)
    assert alert.status == "removed"
