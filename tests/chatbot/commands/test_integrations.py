"""activate, pause, config, usage and the App Home: typed and pressed in Slack."""

from __future__ import annotations

import orjson
import sqlalchemy as sa

from core import audit
from core.demo.stand_ins.slack import ANNA, BORIS, CAROL
from storage.calls import CALLS
from storage.requests import REQUESTS
from tests.chatbot.conftest import House, text_of

LOADING = ":hourglass_flowing_sand:"
SECRET = "a-secret-that-is-long-enough"


async def test_activating_and_pausing(house: House) -> None:
    await house.client.ask("POST", "/v1/integrations", {"gallery": "http-forward"}, status=201)
    incomplete = await house.type("activate http-forward")
    assert "`target_url`" in text_of(incomplete)
    await house.slack.press(ANNA, incomplete, "open:config")
    await house.modal("config")
    given = {"target_url": "https://example.com/in", "token": SECRET}
    saved = await house.after(ANNA, "general", lambda: house.slack.submit(ANNA, given=given))
    assert "`target_url`, `token` saved" in text_of(saved)
    active = await house.press(saved, "run:activate", confirm=True)
    assert "`http-forward` is active" in text_of(active)
    assert active in house.slack.channel("general").messages  # seen by all
    paused = await house.press(active, "run:pause", confirm=True)
    assert "`http-forward` is paused by" in text_of(paused)
    assert "is active" in text_of(await house.press(paused, "run:activate", confirm=True))
    again = await house.type("activate http-forward")
    assert "is active already" in text_of(again) and again.get("is_ephemeral")  # nothing has changed for the others
    asked = await house.type("pause")
    assert "`http-forward` is paused" in text_of(await house.press(asked, "run:0"))
    again = await house.type("pause http-forward")
    assert "is paused already" in text_of(again) and again.get("is_ephemeral")
    assert "роль «администратор»" in text_of(await house.type("pause http-forward", user=BORIS))
    assert "role operator" in text_of(await house.type("config http-forward", user=CAROL))
    changes = await audit.newest(house.ctx, action="status.changed")
    assert [(one.actor_kind, one.actor_id) for one in changes] == [("slack", ANNA)] * 4
    assert SECRET not in str(house.slack.views) + str(house.slack.ephemerals) + str(house.slack.texts)
    assert SECRET not in str([one.changes for one in await audit.newest(house.ctx)])


async def test_requests_are_no_integrations(house: House) -> None:
    """However many were asked for since: they are not counted, and what is installed stays in sight."""
    await house.client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
    now = house.clock.now()
    row = {"language": "en", "origin": "slack", "fields": "{}", "status": "failed", "stage": "", "asked_by": "anna",
           "created_at": now, "updated_at": now}  # fmt: skip
    asked = [{**row, "id": f"int_ZZ{n:02}", "slug": f"wish-{n}", "title": f"Wish {n}"} for n in range(50)]
    await house.ctx.db.write(lambda connection: connection.execute(REQUESTS.insert(), asked))
    for line in ("list", "status"):
        said = text_of(await house.type(line))
        assert "1 integration" in said and "integrations" not in said and "`hello-webhook`" in said
    assert "`hello-webhook`" in text_of(await house.type("config"))
    await house.slack.open_home(ANNA)
    shown = await house.slack.until(lambda: house.slack.homes.get(ANNA))
    home = text_of(shown or {})
    assert "`hello-webhook`" in home and home.endswith("1 integration")


async def test_configuring_by_command(house: House) -> None:
    await house.client.ask("POST", "/v1/integrations", {"gallery": "github-push-to-slack"}, status=201)
    await house.slack.command("/ccb", "config github-push-to-slack", user=BORIS)
    view = await house.modal("config", user=BORIS)
    assert orjson.loads(view["private_metadata"])["about"] == {"integration": "github-push-to-slack"}
    for channel, problem in {
        "post it to Deploys, please": "C0123456789",
        "C0": "C0123456789",
        "#random": "/invite @ccb",
        "#nowhere": "/invite @ccb",
    }.items():
        wrong = await house.slack.submit(BORIS, given={"channel": channel})
        assert list(wrong.errors) == ["channel"], channel
        assert problem in wrong.errors["channel"]
    given = {"channel": "#deploys", "branches": "main\nrelease/*", "webhook:secret": SECRET}
    saved = await house.after(BORIS, "general", lambda: house.slack.submit(BORIS, given=given))
    assert saved.get("is_ephemeral")
    shown = await house.client.ask("GET", "/v1/integrations/github-push-to-slack/config")
    assert (shown["channel"], shown["branches"]) == ("#deploys", ["main", "release/*"])
    await house.slack.command("/ccb", "config github-push-to-slack", user=BORIS)
    again = await house.modal("config", user=BORIS)
    assert "release/*" in str(again) and SECRET not in str(again)
    assert "Nothing was changed" in text_of(
        await house.after(BORIS, "general", lambda: house.slack.submit(BORIS))
    ) or "не измен" in str(house.slack.ephemerals[BORIS])


async def test_a_channel_is_checked_at_every_door(house: House) -> None:
    made = await house.client.ask("POST", "/v1/integrations", {"gallery": "github-push-to-slack"}, status=201)
    path = f"/v1/integrations/{made['id']}/config"
    refused = await house.client.ask("PATCH", path, {"channel": "the usual one"}, status=422)
    assert refused["path"] == "channel" and "#deploys" in refused["message"]
    for channel in ("#deploys", "deploys", "C0DEPLOYS", "объявления"):
        await house.client.ask("PATCH", path, {"channel": channel})


async def test_what_claude_has_cost(house: House) -> None:
    now = house.clock.now()
    row = {"slug": "s", "language": "en", "origin": "slack", "fields": "{}", "status": "failed", "stage": "",
           "created_at": now, "updated_at": now, "title": "Sentry → Jira", "asked_by": "anna"}  # fmt: skip
    spent = {"version": 1, "person": "anna", "under_way": False, "input_cost": 0.0, "estimated": False}

    def fill(connection: sa.Connection) -> None:
        connection.execute(REQUESTS.insert().values(id="int_1", **row))
        for number, (at, cost) in enumerate([(now, 1.25), (now - 40 * 86400, 3.5)], 1):
            values = {**spent, "request_id": "int_1", "id": f"call_{number}", "at": at, "cost": cost}
            connection.execute(CALLS.insert().values(**values))

    await house.ctx.db.write(fill)
    shown = text_of(await house.type("usage", user=CAROL))
    assert "$1.25 of $100.00" in shown and "$98.75 are left" in shown
    assert "2023-11: $1.25" in shown and "2023-10: $3.50" in shown
    assert "anna: $1.25 · $18.75 are left of $20.00" in shown
    assert "Sentry → Jira `int_1`: $1.25 · 1 call" in shown


async def test_the_home_follows_what_its_user_does(house: House) -> None:
    await house.slack.open_home(ANNA)
    home = await house.slack.until(lambda: house.slack.homes.get(ANNA))
    assert home is not None
    assert "No alert is open" in text_of(home)
    assert "You have asked for nothing yet" in text_of(home) and "There is none yet" in text_of(home)
    await house.client.ask("POST", "/v1/integrations", {"gallery": "hello-webhook"}, status=201)
    await house.slack.open_home(ANNA)
    await house.slack.until(lambda: "`hello-webhook`" in text_of(house.slack.homes[ANNA]))
    given = {"webhook:secret": SECRET, "greeting": "Hi"}
    await house.slack.command("/ccb", "config hello-webhook")
    await house.modal("config")
    await house.after(ANNA, "general", lambda: house.slack.submit(ANNA, given=given))
    await house.type("activate hello-webhook")
    await house.slack.until(lambda: ":large_green_circle: active" in text_of(house.slack.homes[ANNA]))
    pressed = house.slack.homes[ANNA]
    direct = house.slack.direct(ANNA).id
    said = await house.after(ANNA, direct, lambda: house.slack.press(ANNA, pressed, "run:usage"))
    assert "Claude has cost" in text_of(said)
    await house.slack.press(ANNA, pressed, "open:request")
    await house.modal("request")
    given = {"description": "Write each event of My service to the log."}
    await house.slack.submit(ANNA, given=given)
    await house.slack.until(lambda: "My requests" in text_of(house.slack.homes[ANNA])
                            and "nothing yet" not in text_of(house.slack.homes[ANNA]))  # fmt: skip
    await house.slack.until(lambda: any("int_" in str(m) for m in house.slack.channel(direct).messages))
    await house.slack.open_home(CAROL)
    carols = await house.slack.until(lambda: house.slack.homes.get(CAROL))
    assert "Ask for an integration" not in text_of(carols or {})
