"""`/ccb metrics`: numbers and a chart, in one message that is edited."""

from __future__ import annotations

from core.demo.stand_ins.slack import ANNA, BORIS
from storage import metrics
from tests.chatbot.conftest import House, Message, text_of


async def _drawn(house: House, message: Message) -> Message:
    await house.slack.until(lambda: "slack_file" in str(message["blocks"]))
    return message


async def test_numbers_a_chart_and_buttons_for_others(house: House) -> None:
    wanted = {"gallery": "hello-webhook", "activate": True}
    made = await house.client.ask("POST", "/v1/integrations", wanted, status=201)
    counts: metrics.Counts = {}
    for name, value in {"received": 250, "succeeded": 219, "dead": 31}.items():
        metrics.count(counts, made["id"], house.clock.now() - 120, name, by=value)
    await house.ctx.db.write(metrics.add, counts)

    shown = await house.type("metrics")
    assert "Drawing the chart" in text_of(house.slack.versions.get(shown["ts"], [shown])[0]), "at once"
    await _drawn(house, shown)
    said = text_of(shown)
    assert "*all integrations, the last 1 hour* · `error_rate`" in said and "failed for good: *31*" in said
    assert "received: 250" in shown["text"] and "error rate: 12.4 %" in shown["text"]
    [image] = [block for block in shown["blocks"] if block["type"] == "image"]
    assert "error_rate of all integrations" in image["alt_text"] and "highest 12.4 %" in image["alt_text"]
    assert house.slack.files[image["slack_file"]["id"]]["data"].startswith(b"\x89PNG")
    assert "Drawing" not in said

    one = await _drawn(house, await house.press(shown, "run:0"))
    assert f"*{made['name']}, the last 1 hour*" in text_of(one)
    count = len(house.slack.channel("general").messages)
    await house.slack.press(ANNA, one, "chart:24h")
    await house.slack.until(lambda: "the last 1 day" in text_of(one) and "slack_file" in str(one["blocks"]))
    await house.slack.select(ANNA, one, "chart:metric", "latency_p95")
    await house.slack.until(lambda: "`latency_p95`" in text_of(one) and "slack_file" in str(one["blocks"]))
    assert len(house.slack.channel("general").messages) == count, "the same message is edited"

    russian = await _drawn(house, await house.type("metrics hello-webhook received 6h", user=BORIS))
    assert "`received`" in text_of(russian)
    assert "There is no metric" in text_of(await house.type("metrics hello-webhook speed"))
    assert "There is no integration nothing" in text_of(await house.type("metrics nothing"))
    assert "such as 1h, 24h or 7d" in text_of(await house.type("metrics 0m"))

    house.slack.unprocessed = 1
    await _drawn(house, await house.type("metrics hello-webhook"))
    assert [refused[1] for refused in house.slack.refused] == ["invalid_blocks"], "Slack was still taking it in"
    house.slack.refused.clear()
    house.slack.trouble["files.completeUploadExternal"] = ["missing_scope"]
    without = await house.type("metrics hello-webhook")
    await house.slack.until(lambda: "missing_scope" in text_of(without) or "lacks the scope" in text_of(without))
    assert "error_rate of" in text_of(without), "in words at least"
    house.slack.refused.clear()

    elsewhere = await house.type("metrics hello-webhook", channel="random")
    assert "/invite @ccb" in text_of(elsewhere)
    direct = house.slack.direct(ANNA)
    await house.slack.until(lambda: any("slack_file" in str(m.get("blocks")) for m in direct.messages))
    house.slack.refused.clear()
