from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from aiosmtplib.email import flatten_message
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st

from core import mail
from core.errors import NotConfigured, Upstream
from core.services import SERVICES
from tests.contexts import settings

PASSWORD = "pa:ss/wo@rd%1"
QUOTED = "pa%3Ass%2Fwo%40rd%251"


class Mailbox:
    """aiosmtpd's handler: keeps what arrives, refuses the addresses it is told to."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.refusals: dict[str, str] = {}
        self.data_answer = "250 OK"
        self.sender_answer: str | None = None
        self.port = 0

    def message(self) -> EmailMessage:
        """Return the only message that came."""
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        return message_from_bytes(envelope.content, policy=default)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.sender_answer or "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.data_answer.startswith("250"):
            self.envelopes.append(envelope)
            self.encrypted.append(session.ssl is not None)
        return self.data_answer


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data.login == b"ccb" and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def _serving(
    mailbox: Mailbox, *, tls: ssl.SSLContext | None = None, from_the_start: bool = False
) -> AsyncIterator[Mailbox]:
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            mailbox,
            loop=loop,
            authenticator=_authenticate,
            auth_require_tls=False,
            tls_context=None if from_the_start else tls,
            hostname="mail.example",
        )

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls if from_the_start else None)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with _serving(Mailbox()) as serving:
        yield serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _compose(subject: str = "Deploy failed", to: tuple[str, ...] = ("ops@example.com",), **more: Any) -> EmailMessage:
    return mail.compose(
        settings(CCB_MAIL_FROM="Bot <bot@example.org>"),
        to=to,
        subject=subject,
        text="It did: да.",
        message_id="abc@example.org",
        now=1_700_000_000.0,
        **more,
    )


async def _refusal(url: str, message: EmailMessage | None = None) -> Upstream:
    with pytest.raises(Upstream) as caught:
        await mail.send(settings(CCB_SMTP_URL=url), message or _compose())
    return caught.value


async def test_sends_text_and_html(mailbox: Mailbox) -> None:
    message = _compose(html="<p>It did.</p>", to=("ops@example.com", "dev@example.com"))
    await mail.send(settings(CCB_SMTP_URL=f"smtp://ccb:{QUOTED}@127.0.0.1:{mailbox.port}"), message)
    (envelope,) = mailbox.envelopes
    assert envelope.mail_from == "bot@example.org"
    assert envelope.rcpt_tos == ["ops@example.com", "dev@example.com"]
    got = mailbox.message()
    assert got["From"] == "Bot <bot@example.org>"
    assert got["Subject"] == "Deploy failed"
    assert got["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert got["Message-ID"] == "<abc@example.org>"
    assert got["Auto-Submitted"] == "auto-generated"
    parts = {part.get_content_type(): part.get_content().strip() for part in got.iter_parts()}
    assert parts == {"text/plain": "It did: да.", "text/html": "<p>It did.</p>"}


async def test_a_server_without_login_gets_none(mailbox: Mailbox) -> None:
    await mail.send(settings(CCB_SMTP_URL=f"smtp://127.0.0.1:{mailbox.port}"), _compose())
    assert len(mailbox.envelopes) == 1


async def test_uses_starttls_where_offered(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with _serving(Mailbox(), tls=tls) as mailbox:
        given_settings = settings(CCB_SMTP_URL=f"smtp://ccb:{QUOTED}@127.0.0.1:{mailbox.port}")
        await mail.send(given_settings, _compose())
        assert mailbox.encrypted == [True]
        assert str(await mail.check(given_settings)) == f"127.0.0.1:{mailbox.port}, encrypted"


async def test_smtps_is_encrypted_from_the_start(
    tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with _serving(Mailbox(), tls=tls, from_the_start=True) as mailbox:
        await mail.send(settings(CCB_SMTP_URL=f"smtps://127.0.0.1:{mailbox.port}"), _compose())
        assert len(mailbox.envelopes) == 1


@pytest.mark.parametrize(("scheme", "from_the_start"), [("smtp", False), ("smtps", True)])
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    tls: ssl.SSLContext, scheme: str, from_the_start: bool
) -> None:
    async with _serving(Mailbox(), tls=tls, from_the_start=from_the_start) as mailbox:
        error = await _refusal(f"{scheme}://ccb:{QUOTED}@127.0.0.1:{mailbox.port}")
    assert "self-signed certificate" in str(error)
    assert not mailbox.envelopes


async def test_a_wrong_password_is_said_without_it(mailbox: Mailbox) -> None:
    error = await _refusal(f"smtp://ccb:hunter2-wrong@127.0.0.1:{mailbox.port}")
    assert str(error) == f"127.0.0.1:{mailbox.port} refuses the user name or password (535). Check CCB_SMTP_URL."
    assert not error.permanent
    assert error.details["code"] == 535
    assert "hunter2" not in repr(error.details)


async def test_a_recipient_refused_for_good_is_not_tried_again(mailbox: Mailbox) -> None:
    mailbox.refusals = {"ops@example.com": "550 No such user"}
    error = await _refusal(f"smtp://127.0.0.1:{mailbox.port}")
    assert "refuses the recipients ops@example.com: 550 No such user." in str(error)
    assert error.permanent


async def test_a_recipient_refused_for_now_is_tried_again(mailbox: Mailbox) -> None:
    mailbox.refusals = {"ops@example.com": "450 Greylisted"}
    assert not (await _refusal(f"smtp://127.0.0.1:{mailbox.port}")).permanent


async def test_when_some_got_it_the_rest_is_named_and_nobody_gets_it_twice(mailbox: Mailbox) -> None:
    mailbox.refusals = {"gone@example.com": "450 Greylisted"}
    message = _compose(to=("ops@example.com", "gone@example.com"))
    error = await _refusal(f"smtp://127.0.0.1:{mailbox.port}", message)
    assert mailbox.envelopes[0].rcpt_tos == ["ops@example.com"]
    assert error.permanent
    assert "gone@example.com" in str(error)
    assert "ops@" not in str(error)


@pytest.mark.parametrize(("answer", "permanent"), [("554 Looks like spam", True), ("451 Try later", False)])
async def test_a_refused_message(mailbox: Mailbox, answer: str, permanent: bool) -> None:
    mailbox.data_answer = answer
    error = await _refusal(f"smtp://127.0.0.1:{mailbox.port}")
    assert f"refuses the message: {answer}." in str(error)
    assert error.permanent is permanent


async def test_a_refused_sender_names_its_setting(mailbox: Mailbox) -> None:
    mailbox.sender_answer = "553 Not your address"
    error = await _refusal(f"smtp://127.0.0.1:{mailbox.port}")
    assert "553 Not your address. Check CCB_MAIL_FROM." in str(error)
    assert not error.permanent


@pytest.mark.parametrize("sender", ["CCB", "<>", '"ccb', "CCB <ccb@example.org>\r\nBcc: eve@example.com"])
def test_a_sender_that_is_no_address_names_its_setting(sender: str) -> None:
    with pytest.raises(Upstream, match="CCB_MAIL_FROM must be an address"):
        mail.compose(settings(CCB_MAIL_FROM=sender), to=["a@b.c"], subject="s", text="t", message_id="x@y", now=0)


async def test_nobody_listens(unused_tcp_port: int) -> None:
    error = await _refusal(f"smtp://ccb:{QUOTED}@127.0.0.1:{unused_tcp_port}")
    assert f"127.0.0.1:{unused_tcp_port} cannot be used for e-mail" in str(error)
    assert PASSWORD not in str(error)
    assert not error.permanent


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://h:port", "smtp://[x"]
)
async def test_an_address_of_another_form_is_refused_without_showing_it(url: str) -> None:
    assert str(await _refusal(url)).startswith("CCB_SMTP_URL must look like smtp://")


async def test_not_configured() -> None:
    with pytest.raises(NotConfigured) as caught:
        await mail.send(settings(), _compose())
    assert (caught.value.service, caught.value.settings) == ("email", ("CCB_SMTP_URL",))


async def test_the_check_logs_in(mailbox: Mailbox) -> None:
    service = SERVICES["email"]
    good = settings(CCB_SMTP_URL=f"smtp://ccb:{QUOTED}@127.0.0.1:{mailbox.port}")
    assert service.configured(good)
    assert not service.configured(settings())
    assert str(await service.check(good)) == f"127.0.0.1:{mailbox.port}, not encrypted"
    with pytest.raises(Upstream, match="refuses the user name or password"):
        await service.check(settings(CCB_SMTP_URL=f"smtp://ccb:wrong@127.0.0.1:{mailbox.port}"))


@given(st.text(max_size=200))
def test_no_subject_brings_a_header_of_its_own(subject: str) -> None:
    try:
        message = _compose(subject=subject)
    except ValueError:
        return
    again = message_from_bytes(message.as_bytes(), policy=default)
    assert again.keys() == _compose().keys()
    assert again["To"] == "ops@example.com"


RUSSIAN = st.text(st.sampled_from("абвгд·: -aZ1ё—😀"), min_size=1, max_size=300)


@example("Тревога: 12 оповещений · предупреждение · 12 интеграций")
@given(RUSSIAN.map(lambda text: " ".join(text.split())).filter(bool))
def test_a_long_subject_in_any_script_arrives_whole(subject: str) -> None:
    wire = flatten_message(_compose(subject))
    head = wire.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert message_from_bytes(wire, policy=default)["Subject"] == subject
    assert all(len(line) <= 78 and line.isascii() for line in head)
