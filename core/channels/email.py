"""The channel `email`: one message to named addresses."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage

from core import mail
from core.channels import CHANNELS, Channel, Message, Sent, Target, alert_mail
from core.config import Settings
from core.context import Context
from core.errors import Invalid
from core.texts import T, Text

MOST = 20
"""Recipients of one message."""


class Email(Channel):
    """Sends through `CCB_SMTP_URL`, from `CCB_MAIL_FROM`."""

    name = "email"
    summary = T("An e-mail.")
    form = "email://team@example.com"
    setting = "CCB_ALERT_EMAIL"
    pictures = True

    def places(self, where: str) -> tuple[str, ...]:
        """Take addresses without names, comma-separated."""
        addresses = tuple(dict.fromkeys(part.strip() for part in where.split(",")))
        for address in addresses:
            try:
                mail.address(address)
            except ValueError:
                raise Invalid(
                    T(
                        "{address} is no e-mail address. Write it without a name, several with commas: {form}.",
                        address=repr(address[:80]),
                        form=f"{self.form},ops@example.com",
                    )
                ) from None
        if len(addresses) > MOST:
            raise Invalid(T("A message goes to at most {limit} e-mail addresses.", limit=MOST))
        return addresses

    def default(self, settings: Settings) -> str | None:
        """Return `CCB_ALERT_EMAIL`."""
        return settings.alert_email

    async def send(self, ctx: Context, target: Target, message: Message) -> Text:
        """Send it, as HTML and as text; the picture stands in the HTML."""
        to = self.resolved(ctx.settings, target)
        await mail.send(ctx.settings, self._made(ctx, to, message))
        return T("Sent to {addresses}.", addresses=", ".join(to))

    async def deliver(self, ctx: Context, target: Target, message: Message) -> Sent:
        """Send what is loud; what follows a message is an answer to it, so that mail programs show one thread."""
        if not message.loud:
            return Sent(T("Nothing to say in this channel."), message.place, unsaid=True)
        detail = await self.send(ctx, target, message)
        first = {"message_id": mail.message_id(message.key, ctx.settings.mail_from), "subject": message.subject}
        return Sent(detail, message.place or first)

    def _made(self, ctx: Context, to: Sequence[str], message: Message) -> EmailMessage:
        picture, place = message.picture, message.place
        return mail.compose(
            ctx.settings,
            to=to,
            subject=message.subject if place is None else _answer(place.get("subject", message.subject)),
            text=alert_mail.text(message, ctx.settings.language, link=ctx.settings.public_url),
            html=alert_mail.html(message, ctx.settings.language, link=ctx.settings.public_url),
            message_id=mail.message_id(message.key, ctx.settings.mail_from),
            answers=place["message_id"] if place is not None else None,
            images={} if picture is None else {alert_mail.PICTURE: picture.png},
            now=ctx.clock.now(),
        )


def _answer(subject: str) -> str:
    """Return the subject of what follows: Gmail keeps in one thread what has the same one.

    https://developers.google.com/workspace/gmail/api/guides/threads
    """
    return f"Re: {subject}"


CHANNELS.add("email", Email())
