"""E-mail: how a message is made, and sent through the SMTP server of `CCB_SMTP_URL`."""

from __future__ import annotations

import hashlib
import re
import ssl
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import parseaddr
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from core.config import Settings
from core.errors import NotConfigured, Upstream
from core.services import Service, register
from core.texts import T, Text

TIMEOUT = 20.0
"""Seconds for one answer of the server."""
_PORTS = {"smtp": 587, "smtps": 465}
"""Submission with STARTTLS, and over TLS from the start (RFC 6409, RFC 8314)."""
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
"""What browsers take for an address too (https://html.spec.whatwg.org/#valid-e-mail-address): no name, no comment."""


class _Subject(UnstructuredHeader, BaseHeader):
    """A subject whose spaces outlive its being cut into lines.

    The library cuts at a space and leaves it between two encoded words, where readers skip it (RFC 2047 §6.2).
    """

    def fold(self, *, policy: Policy) -> str:
        text = str(self)
        if text.isascii():
            return super().fold(policy=policy)
        encoded = Header(text, "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {encoded}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("subject", _Subject)
POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True)
class _Server:
    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None = field(repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def compose(
    settings: Settings,
    *,
    to: Sequence[str],
    subject: str,
    text: str,
    html: str | None = None,
    message_id: str,
    now: float,
    answers: str | None = None,
    images: Mapping[str, bytes] = MappingProxyType({}),
) -> EmailMessage:
    """Return a message from `CCB_MAIL_FROM`; `message_id` without its angle brackets, `now` in seconds.

    `answers`: the id of the message whose thread it belongs to. `images`: PNGs that the HTML shows as `cid:<name>`.

    Raises `Upstream` when `CCB_MAIL_FROM` is no address, ValueError when the subject or an address has a line break.
    """
    if "@" not in parseaddr(settings.mail_from)[1] or not settings.mail_from.isprintable():
        raise Upstream(T("CCB_MAIL_FROM must be an address such as {example}.", example="CCB <ccb@example.com>"))
    message = EmailMessage(POLICY)
    message["From"] = settings.mail_from
    message["To"] = ", ".join(to)
    message["Subject"] = one_line(subject)
    message["Date"] = datetime.fromtimestamp(now, UTC)
    message["Message-ID"] = f"<{message_id}>"
    if answers is not None:
        message["In-Reply-To"] = message["References"] = f"<{answers}>"
    # Keep holiday notices from coming back: RFC 3834 §5, and Exchange's own (MS-OXCMAIL §2.1.3.2.20).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
        shown = message.get_payload()[-1]  # type: ignore[index]  # the part that was just added
        for name, png in images.items():
            shown.add_related(png, "image", "png", cid=f"<{name}>", filename=f"{name}.png", disposition="inline")  # type: ignore[union-attr]  # an EmailMessage too
    return message


def one_line(value: str) -> str:
    """Return `value`; raise ValueError when it holds a control character or a line break of any kind.

    Only these are refused: a joined emoji is made of characters that cannot be printed alone, and is text all the same.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise ValueError("must be one line without control characters")
    return value


def address(value: str) -> str:
    """Return `value`; raise ValueError when it is no bare e-mail address."""
    if not _ADDRESS.fullmatch(value):
        raise ValueError("must be an e-mail address such as ops@example.com, without a name")
    return value


def message_id(key: str, sender: str) -> str:
    """Return the Message-ID of the effect `key`, without angle brackets: the same at every repeat (RFC 5322 §3.6.4)."""
    _, at, domain = parseaddr(sender)[1].rpartition("@")
    return f"{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain if at else 'localhost'}"


async def send(settings: Settings, message: EmailMessage) -> None:
    """Send `message` to everybody in its To, Cc and Bcc.

    Raises `Upstream` (permanent where the server refuses a recipient or the content for good) or `NotConfigured`.
    """
    server = _server(settings)
    try:
        async with _client(server) as client:
            refused, _ = await client.send_message(message)
    except (SMTPException, OSError) as error:
        raise _failure(error, server) from None
    if refused:
        # The others have it by now: a second try would reach them twice.
        raise Upstream(
            T(
                "Sent, but {server} refused {addresses}. Check these addresses.",
                server=str(server),
                addresses=", ".join(sorted(refused)),
            ),
            permanent=True,
        )


async def check(settings: Settings) -> Text:
    """Connect, log in and say NOOP; return where we are. Raises `Upstream` or `NotConfigured`."""
    server = _server(settings)
    try:
        async with _client(server) as client:
            await client.noop()
            secure = client.get_transport_info("sslcontext") is not None
    except (SMTPException, OSError) as error:
        raise _failure(error, server) from None
    return T("{server}, encrypted", server=str(server)) if secure else T("{server}, not encrypted", server=str(server))


def _client(server: _Server) -> aiosmtplib.SMTP:
    # start_tls=None: where the server offers it.
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.tls,
        start_tls=False if server.tls else None,
        timeout=TIMEOUT,
    )


def _server(settings: Settings) -> _Server:
    if settings.smtp_url is None:
        raise NotConfigured(
            T("E-mail is not connected: {setting} is not set. → ccb init email", setting="CCB_SMTP_URL"),
            service="email",
            settings=("CCB_SMTP_URL",),
        )
    try:
        parts = urlsplit(settings.smtp_url.get_secret_value())
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise _bad_url() from None
    if not parts.hostname:
        raise _bad_url()
    return _Server(
        host=parts.hostname,
        port=port,
        tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _bad_url() -> Upstream:
    return Upstream(
        T("CCB_SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465, %-encoded.")
    )


def _failure(error: SMTPException | OSError, server: _Server) -> Upstream:
    """Return the `Upstream` for `error`. The server's own words on a login are left out: they may repeat it."""
    if isinstance(error, SMTPAuthenticationError):
        return Upstream(
            T("{server} refuses the user name or password ({code}). Check CCB_SMTP_URL.", **_said(error, server)),
            code=error.code,
        )
    if isinstance(error, SMTPRecipientsRefused):
        return _refused(error.recipients, server)
    if isinstance(error, SMTPRecipientRefused):
        return _refused([error], server)
    if isinstance(error, SMTPResponseException):
        # 4xx is "not now", 5xx "not ever" (RFC 5321 §4.2.1); but the sender's address is a setting that can be mended.
        permanent = error.code >= 500 and isinstance(error, SMTPDataError)
        return Upstream(_reason(error, server), permanent=permanent, code=error.code)
    if isinstance(error, ssl.SSLError):
        return Upstream(
            T("{server} cannot be trusted: {reason}. Check its certificate.", server=str(server), reason=_tls(error))
        )
    return Upstream(T("{server} cannot be used for e-mail: {reason}.", server=str(server), reason=_plain(error)))


def _refused(refusals: Sequence[SMTPRecipientRefused], server: _Server) -> Upstream:
    first = refusals[0]
    return Upstream(
        T(
            "{server} refuses the recipients {addresses}: {code} {reason}.",
            **_said(first, server),
            addresses=", ".join(refusal.recipient for refusal in refusals),
        ),
        permanent=all(refusal.code >= 500 for refusal in refusals),
        code=first.code,
    )


def _reason(error: SMTPResponseException, server: _Server) -> Text:
    said = _said(error, server)
    if isinstance(error, SMTPSenderRefused):
        return T("{server} refuses the sender: {code} {reason}. Check CCB_MAIL_FROM.", **said)
    if isinstance(error, SMTPDataError):
        return T("{server} refuses the message: {code} {reason}.", **said)
    return T("{server} answers {code} {reason}.", **said)


def _said(error: SMTPResponseException, server: _Server) -> dict[str, Any]:
    return {"server": str(server), "code": error.code, "reason": error.message.replace("\n", " ").rstrip(".")}


def _tls(error: ssl.SSLError) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason or "TLS failed"


def _plain(error: SMTPException | OSError) -> str:
    return (error.message if isinstance(error, SMTPException) else str(error) or type(error).__name__).rstrip(".")


register(Service(name="email", title="E-mail", required=("CCB_SMTP_URL",), check=check, optional=("CCB_MAIL_FROM",)))
