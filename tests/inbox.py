"""A real mail server that keeps what it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Inbox:
    """A mail server: keeps what it takes, and refuses whom it is told to."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.refused: set[str] = set()
        self.url = ""
        self.held: asyncio.Event | None = None
        """While there, what has been taken is answered when it is set."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        if self.held is not None:
            await self.held.wait()
        return "250 OK"


@asynccontextmanager
async def serving() -> AsyncIterator[Inbox]:
    """Listen on a free port of this machine."""
    loop, made = asyncio.get_running_loop(), Inbox()
    server = await loop.create_server(lambda: SMTP(made, loop=loop, hostname="mail.example"), "127.0.0.1", 0)
    made.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
