"""The channel `email`: one message to named addresses."""

from __future__ import annotations

from core import mail
from core.channels import CHANNELS, Channel, Message, Target
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
        """Send it."""
        to = self.resolved(ctx.settings, target)
        made = mail.compose(
            ctx.settings,
            to=to,
            subject=message.subject,
            text=f"{message.text}\n",
            message_id=mail.message_id(message.key, ctx.settings.mail_from),
            now=ctx.clock.now(),
        )
        await mail.send(ctx.settings, made)
        return T("Sent to {addresses}.", addresses=", ".join(to))


CHANNELS.add("email", Email())
