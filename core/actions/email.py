"""The action `email`: one message to named addresses."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from core import mail
from core.context import Context
from core.effects import ACTIONS, Action, ActionParams, Call, Outcome
from core.grants import Grants, require
from core.texts import T


class EmailParams(ActionParams):
    """To whom, and what."""

    to: list[Annotated[str, AfterValidator(mail.address)]] = Field(
        min_length=1, max_length=20, description="Addresses."
    )
    subject: Annotated[str, AfterValidator(mail.one_line)] = Field(min_length=1, max_length=500)
    text: str = Field(max_length=200_000, description="The message as plain text.")
    html: str | None = Field(None, max_length=500_000, description="The same as HTML, shown where it can be.")


class Email(Action[EmailParams]):
    """Sends through `CCB_SMTP_URL`."""

    name = "email"
    summary = T("Send an e-mail.")
    repeats = T(
        "May be sent a second time after a crash, with the same Message-ID, by which many mail servers tell it is one."
    )
    params = EmailParams

    def permit(self, params: EmailParams, grants: Grants) -> None:
        """Every recipient must be granted."""
        for address in params.to:
            require(address.lower(), grants.recipients, noun="recipients")

    def target(self, params: EmailParams) -> str:
        """Return the first address, and how many more there are."""
        more = len(params.to) - 1
        return f"{params.to[0]} +{more}" if more else params.to[0]

    async def run(self, ctx: Context, call: Call[EmailParams]) -> Outcome:
        """Send it once more or for the first time: SMTP has no way to ask whether it got through."""
        params = call.params
        message = mail.compose(
            ctx.settings,
            to=params.to,
            subject=params.subject,
            text=params.text,
            html=params.html,
            message_id=mail.message_id(call.key, ctx.settings.mail_from),
            now=ctx.clock.now(),
        )
        await mail.send(ctx.settings, message)
        return Outcome(detail=self.target(params), answer={"message_id": message["Message-ID"]})


ACTIONS.add("email", Email())
