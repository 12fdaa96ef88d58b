"""events, trace and logs: what arrived, what became of it, and running one of it again."""

from __future__ import annotations

import re

from core import audit, integrations
from core.demo.stand_ins.slack import ANNA, BORIS, CAROL
from core.events.passes import ENGINES_OWN
from tests.chatbot.commands.conftest import Worked
from tests.chatbot.conftest import House, text_of
from tests.packages import package

MANY = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "x" * 400} for i in range(event["payload"]["n"])]
"""


async def test_events_are_listed_and_traced(worked: Worked) -> None:
    house = worked.house
    assert "Nothing has arrived yet" in text_of(await house.type("events"))
    [good] = await worked.deliver(1)
    [bad] = await worked.deliver(2, status="dead")
    listed = await house.type("events", user=CAROL)
    said = text_of(listed)
    assert said.index(bad) < said.index(good)
    assert ":red_circle: dead · *event* · `forward` · <!date^1700000001^" in said
    assert "answered 500" in said
    traced = text_of(await house.press(listed, "run:0", user=CAROL))
    assert bad in traced

    # Another status stands where the former page did, and so does the next page.
    await house.slack.select(CAROL, listed, "events:status", "status=dead")
    said = await worked.becomes(listed, lambda said: good not in said)
    assert bad in said and "Events, the newest first: :red_circle: dead" in said
    assert "There are none such" in text_of(await house.type("events forward type=push"))
    details = text_of(await house.type("status forward"))
    assert f"/webhooks/{worked.id}`" in details and "Runs `" in details and "Run events again" in details
    assert "There is no integration forwarp" in text_of(await house.type("events forwarp"))
    assert "There is no status done" in text_of(await house.type("events status=done"))

    await worked.deliver(*range(10, 21))
    first = await house.type("events forward succeeded")
    newest = text_of(first)
    assert newest.count("Trace") == 10
    next_page = await worked.press(first, until=f"`{good}`", text="Show the next ten")
    assert next_page.count("Trace") == 2
    assert not [line for line in next_page.splitlines() if "evt_" in line and line in newest]


async def test_a_trace_says_what_went_wrong_and_runs_it_again(worked: Worked) -> None:
    house = worked.house
    assert "There is no such event" in text_of(await house.type("trace"))
    [event] = await worked.deliver(2, status="dead")
    trace = await house.type(f"trace {event}")
    said = text_of(trace)
    assert ":red_circle: dead after" in said and "attempt 1 of 1" in said and "Forward `forward` @ `" in said
    assert ":x: *Upstream failed*" in said and "answered 500" in said
    assert "├─ receive" in said and "├─ log warning  ✓" in said and "└─ http_request" in said and "  ✗ " in said
    assert all(name in said for name in ENGINES_OWN - {"lease", "replay", "discard"})
    assert event in text_of(await house.type("trace last"))
    in_russian = text_of(await house.type("trace last", user=BORIS))
    assert " мс" in in_russian and not re.search(r"\d ms\b", in_russian)
    picked = await house.type("trace")
    assert event in text_of(await house.press(picked, "run:0"))
    assert "There is no event evt_0" in text_of(await house.type("trace evt_0"))

    # A viewer may look, and is told what pressing needs.
    viewed = await house.type(f"trace {event}", user=CAROL)
    assert "role operator" in text_of(await house.press(viewed, "replay:resume", user=CAROL))

    # What is left: the effects that are done stay done, and the message is edited.
    told = await house.press(trace, "replay:resume")
    assert "what is done stays done" in text_of(told) and f"<@{ANNA}>" in text_of(told)
    assert told in house.slack.channel("general").messages
    said = await worked.becomes(trace, lambda said: ":large_green_circle: succeeded" in said)
    assert "Do what is left" not in said
    assert [got.path for got in worked.receiver.received] == ["/0", "/1", "/1"]

    # Everything again asks first; Boris reads it in Russian.
    his = await house.type(f"trace {event}", user=BORIS)
    again = next(part for part in his["blocks"][-1]["elements"] if part["action_id"] == "replay:again")
    assert again["style"] == again["confirm"]["style"] == "danger"
    assert "3 " in again["confirm"]["text"]["text"]
    assert (await house.slack.press(BORIS, his, "replay:again", confirm=False)).sent is False
    await house.press(his, "replay:again", user=BORIS, confirm=True)
    await worked.becomes(
        his, lambda said: "прогон 2" in said and ":hourglass" not in said and "white_circle" not in said
    )
    assert len(worked.receiver.received) == 5
    entries = await audit.newest(house.ctx, action="replay.started")
    assert [(entry.actor_kind, entry.actor_id, entry.subject) for entry in entries] == [
        ("slack", BORIS, event),
        ("slack", ANNA, event),
    ]


async def test_payloads_are_shown_without_secrets(worked: Worked) -> None:
    house = worked.house
    installed = await integrations.find(house.ctx, worked.id)
    secret = installed.webhook_secrets[0].secret
    [event] = await worked.deliver(
        1, password="hunter2", echo=f"as {secret} said", nested={"api_key": "abc-123", "note": "plain & <b>"}
    )
    [long] = await worked.deliver(3, text="<&>" * 9_000)
    trace = await house.type(f"trace {event}", user=CAROL)
    await house.slack.press(CAROL, trace, text="Show payload")
    shown = text_of(await house.modal("payload", user=CAROL))
    assert '"note": "plain &amp; &lt;b&gt;"' in shown and "content-type: application/json" in shown
    assert secret not in shown and '"echo": "as ••• said"' in shown
    assert "hunter2" not in shown and "abc-123" not in shown and "webhook-signature" not in shown
    await house.slack.close(CAROL)
    await house.slack.press(CAROL, await house.type(f"trace {long}", user=CAROL), text="Show payload")
    assert "Cut: the first" in text_of(await house.modal("payload", user=CAROL))


async def test_tracing_by_shortcut_mention_and_in_threads(worked: Worked) -> None:
    house = worked.house
    [event, other] = await worked.deliver(1, 2)
    parent = (await house.slack.say(CAROL, "general", f"What became of {event}?")).message
    assert parent is not None
    answer = await house.mention(f"trace {event}", user=CAROL, thread_ts=parent["ts"])
    assert answer["thread_ts"] == parent["ts"] and event in text_of(answer)

    async def use(message: dict[str, object]) -> str:
        return text_of(
            await house.after(CAROL, "general", lambda: house.slack.message_shortcut(CAROL, message, "trace_this"))
        )

    assert f"`{event}` · received" in await use(parent)
    both = (await house.slack.say(CAROL, "general", f"{event} or {other}")).message
    assert both is not None
    which = await use(both)
    assert "Which event?" in which and event in which and other in which
    none = (await house.slack.say(CAROL, "general", "Nothing")).message
    assert none is not None
    which = await use(none)
    assert "names no event" in which and event in which and other in which


async def test_a_long_way_fits_into_a_message(house: House) -> None:
    wish = package(MANY, "example.com", name="N" * 80, source={"kind": "standard-webhooks"})
    made = await house.client.install(wish)
    event = (await house.client.deliver(made["id"], {"n": 50})).json["event_id"]
    await house.client.ended(event)
    said = text_of(await house.type(f"trace {event}"))
    assert "┊  30 more steps" in said
    kind = "a.b_c-d" * 14
    odd = (await house.client.deliver(made["id"], {"n": 50, "type": kind}, "msg_2")).json["event_id"]
    assert (await house.client.ended(odd))["type"] == kind
    for line in (
        "events",
        f"trace {odd}",
        f"events forward type={kind}",
        f"replay forward from 1h type={kind}",
        "trace",
    ):
        assert kind in text_of(await house.type(line)) or line.startswith("replay")
    logs = text_of(await house.type("logs forward"))
    assert logs.count("Trace") == 10 and "x" * 299 + "…" in logs


async def test_logs(worked: Worked) -> None:
    house = worked.house
    assert "There are no lines" in text_of(await house.type("logs forward"))
    [event] = await worked.deliver(1)
    await worked.deliver(2, status="dead")
    await house.client.post(f"/webhooks/{worked.id}", b"{}", {"Content-Type": "application/json"})
    listed = await house.type("logs forward", user=CAROL)
    said = text_of(listed)
    assert ":x: error" in said and ":warning: warning" in said and "got 1" in said and "`n=1`" in said
    assert "Refused at its door" in said and "401 · " in said
    errors = text_of(await house.type("logs forward error"))
    assert "answered 500" in errors and "got 1" not in errors
    assert event in text_of(await house.press(listed, "run:2", user=CAROL))
    assert "Which integration?" in text_of(await house.type("logs error"))
