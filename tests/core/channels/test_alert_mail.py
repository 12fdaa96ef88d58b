"""Alerts as e-mail: HTML and text, the chart inside, one thread for one story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from core.alert_message import AlertMessage, AlertPart
from core.channels import CHANNELS, Message, Picture, parse
from core.channels.apprise import body_of
from core.texts import T
from tests.contexts import MovableClock, context, settings
from tests.inbox import Inbox, serving

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


def alert(status: Any = "firing") -> AlertMessage:
    part = AlertPart(
        id="alt_1", name="High <Error> Rate", severity="critical", status=status, integration="Forward",
        integration_id="int_1", condition="error_rate > 5%", measured=T("error_rate is 12.4 %"), since=1.0,
        cause=T("Most are one error: <script>alert(1)</script>"), example="evt_1",
    )  # fmt: skip
    return AlertMessage("msg_1", [part])


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with serving() as made:
        yield made


@pytest.fixture
async def sent(inbox: Inbox) -> AsyncIterator[Any]:
    given = settings(
        CCB_SMTP_URL=inbox.url, CCB_MAIL_FROM="CCB <ccb@example.org>", CCB_PUBLIC_URL="https://ccb.example"
    )
    ctx = context(given=given, clock=MovableClock())

    async def send(message: Message) -> Any:
        return await CHANNELS.get("email").deliver(ctx, parse("email://a@b.example"), message)

    yield send


async def test_an_alert_is_html_with_its_chart_and_text(inbox: Inbox, sent: Any) -> None:
    made = alert()
    picture = Picture(PNG, "error_rate from 0 % to 12.4 %")
    told = await sent(Message("k1", made.title.render("en"), "error_rate is 12.4 %", alert=made, picture=picture))
    (message,) = inbox.messages
    assert message["Subject"] == "Alert: High <Error> Rate · critical · Forward"
    text, html = message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()
    assert "error_rate is 12.4 %" in text and "from 0 % to 12.4 %" in text
    assert '<img src="cid:chart"' in html and 'alt="error_rate from 0 % to 12.4 %"' in html
    assert "&lt;script&gt;" in html and "<script>" not in html and "<style>@media (prefers-color-scheme:dark)" in html
    assert 'href="https://ccb.example/dashboard/alerts/alt_1"' in html and "dashboard/alerts/alt_1" in text
    images = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [(one["Content-ID"], one.get_content()) for one in images] == [("<chart>", PNG)]
    assert told.place == {"message_id": message["Message-ID"].strip("<>"), "subject": message["Subject"]}
    assert message["Auto-Submitted"] == "auto-generated" and "OOF" in message["X-Auto-Response-Suppress"]


async def test_a_story_is_one_thread(inbox: Inbox, sent: Any) -> None:
    first = await sent(Message("k1", "Alert: x", "It fires", alert=alert()))
    quiet = await sent(Message("k1:2", "x", "ack", alert=alert("acknowledged"), loud=False, place=first.place))
    assert len(inbox.messages) == 1 and quiet.place == first.place
    made = alert("resolved")
    made = AlertMessage("msg_1", [replace(made.parts[0], notes=[T("Resolved after 14 min")])])
    last = await sent(
        Message(
            "k1:3", made.title.render("en"), "It is over", alert=made, story="Resolved after 14 min", place=first.place
        )
    )
    begin, end = inbox.messages
    assert isinstance(end, EmailMessage)
    assert end["In-Reply-To"] == end["References"] == begin["Message-ID"] != end["Message-ID"]
    assert end["Subject"] == "Re: Alert: x", "Gmail threads by subject too"
    body = end.get_body(("html",)).get_content()  # type: ignore[union-attr]  # there is one
    assert "<h1" in body and "Resolved: High" in body.partition("<h1")[2].partition("</h1>")[0]
    assert body.count("Resolved after 14 min") == 1, "nothing is said twice"
    assert last.place == first.place
    assert begin["In-Reply-To"] is None and "Resolved after 14 min" in str(end.get_body(("html",)))


def test_a_service_is_told_where_to_look_too() -> None:
    said = Message("k1", "x", "at 2026-11-24T22:58:40.986Z", alert=alert())
    assert body_of(said, settings()) == "at 24 Nov 2026, 22:58 UTC"
    told = body_of(said, settings(CCB_PUBLIC_URL="https://ccb.example"))
    assert told.endswith("22:58 UTC\n\nhttps://ccb.example/dashboard/alerts/alt_1")


async def test_times_are_in_the_readers_form(inbox: Inbox) -> None:
    given = settings(CCB_SMTP_URL=inbox.url, CCB_MAIL_FROM="ccb@example.org", CCB_LANGUAGE="ru")
    ctx = context(given=given, clock=MovableClock())
    said = Message(
        "k1", "x", "Snoozed until 2026-11-25T09:00:00.000Z", story="at 2026-11-24T22:58:40.986Z", alert=alert()
    )
    await CHANNELS.get("email").deliver(ctx, parse("email://a@b.example"), said)
    (message,) = inbox.messages
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "25 нояб. 2026, 09:00 UTC" in text and "24 нояб. 2026, 22:58 UTC" in html
    assert "dashboard" not in text and "<a " not in html  # nobody said where this engine is reached
