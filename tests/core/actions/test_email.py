from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.actions.email import EmailParams
from core.effects import ACTIONS, Call, Outcome, plan
from core.errors import Denied, Invalid, NotConfigured, Upstream
from core.grants import Grants
from core.mail import message_id
from tests.contexts import MovableClock, context, settings

GRANTS = Grants(actions=frozenset({"email"}), recipients=frozenset({"ops@example.com", "dev@example.com"}))
EMAIL: dict[str, Any] = {"type": "email", "to": ["Ops@example.com"], "subject": "Down", "text": "It is."}


class Inbox:
    """aiosmtpd's handler: keeps every message."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.messages.append(envelope.content)
        return "250 OK"


@asynccontextmanager
async def _inbox() -> AsyncIterator[Inbox]:
    loop, inbox = asyncio.get_running_loop(), Inbox()
    server = await loop.create_server(lambda: SMTP(inbox, loop=loop, hostname="mail.example"), "127.0.0.1", 0)
    inbox.port = server.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        server.close()
        await server.wait_closed()


async def _run(inbox: Inbox | None, *, repeated: bool = False, **more: Any) -> Outcome:
    (planned,) = plan([{**EMAIL, **more}], GRANTS)
    values = {"CCB_SMTP_URL": f"smtp://127.0.0.1:{inbox.port}"} if inbox else {}
    ctx = context(given=settings(CCB_MAIL_FROM="CCB <ccb@example.org>", **values), clock=MovableClock())
    params = EmailParams.model_validate(planned.params)
    call = Call(params, GRANTS, "int_1", "Demo", "evt_1", key="evt_1:1:1", repeated=repeated)
    return await ACTIONS.get("email").run(ctx, call)


async def test_sends() -> None:
    async with _inbox() as inbox:
        outcome = await _run(inbox, to=["Ops@example.com", "dev@example.com"], html="<p>It is.</p>")
    (message,) = [message_from_bytes(raw, policy=default) for raw in inbox.messages]
    assert message["To"] == "Ops@example.com, dev@example.com"
    assert message["Subject"] == "Down"
    assert outcome.detail == "Ops@example.com +1"
    assert outcome.answer == {"message_id": message["Message-ID"]}


async def test_a_repeat_has_the_same_message_id() -> None:
    async with _inbox() as inbox:
        await _run(inbox)
        await _run(inbox, repeated=True)
    first, again = [message_from_bytes(raw, policy=default)["Message-ID"] for raw in inbox.messages]
    assert first == again
    assert first.endswith("@example.org>")


async def test_not_configured_and_not_reachable(unused_tcp_port: int) -> None:
    with pytest.raises(NotConfigured):
        await _run(None)
    inbox = Inbox()
    inbox.port = unused_tcp_port
    with pytest.raises(Upstream):
        await _run(inbox)


def test_only_to_granted_recipients() -> None:
    with pytest.raises(Denied, match=r"'eve@example\.com' is not among this integration's recipients"):
        plan([{**EMAIL, "to": ["ops@example.com", "Eve@example.com"]}], GRANTS)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"subject": "Down\r\nBcc: eve@example.com"}, "subject"),
        ({"subject": "Down\x00"}, "subject"),
        ({"subject": ""}, "subject"),
        ({"to": []}, "to"),
        ({"to": ["ops@example.com"] * 21}, "to"),
        ({"to": ["Ops <ops@example.com>"]}, "to.0"),
        ({"to": ["ops@example.com, eve@example.com"]}, "to.0"),
        ({"to": ["ops@example.com\r\nBcc: eve@example.com"]}, "to.0"),
        ({"to": ["ops"]}, "to.0"),
        ({"to": "ops@example.com"}, "to"),
        ({"cc": ["eve@example.com"]}, "cc"),
        ({"text": None}, "text"),
    ],
)
def test_wrong_parameters_are_refused_by_place(wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid, match=rf"Action 1 \(email\): {where}: "):
        plan([{**EMAIL, **wrong}], GRANTS)


@given(st.text(max_size=80))
def test_no_address_ends_its_line_or_holds_a_second_one(text: str) -> None:
    try:
        params = EmailParams(to=[text], subject="s", text="t")
    except ValidationError:
        return
    assert text.count("@") == 1
    assert not set(params.to[0]) & set(' \t\r\n,;<>"\\')


@pytest.mark.parametrize(
    ("sender", "domain"),
    [("CCB <ccb@example.org>", "example.org"), ("ccb@example.org", "example.org"), ("CCB", "localhost")],
)
def test_message_ids_are_the_senders(sender: str, domain: str) -> None:
    made = message_id("evt_1:1:1", sender)
    assert made.endswith(f"@{domain}")
    assert made == message_id("evt_1:1:1", sender)
    assert made != message_id("evt_1:1:2", sender)
