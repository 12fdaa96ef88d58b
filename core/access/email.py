"""Whether the mail server takes what the integration needs to send."""

from __future__ import annotations

from dataclasses import replace

from core.access.model import Access, Need
from core.context import Context
from core.grants import Grants
from core.integrations import Installed
from core.services import SERVICES
from core.texts import T

ACTION = "email"


async def look(ctx: Context, installed: Installed, wanted: Grants) -> Access:
    """Log in to the mail server, if one is needed and configured; raise what its check raises."""
    blank = begin(ctx, installed, wanted)
    if blank.token is None or not blank.needed:
        return blank
    await SERVICES["email"].check(ctx.settings)
    return replace(blank, required=[Need("login", ACTION, True, T("Check CCB_SMTP_URL."))])


def begin(ctx: Context, installed: Installed, wanted: Grants) -> Access:
    """Return what is known before anybody is asked."""
    service = SERVICES["email"]
    return Access(
        needed=ACTION in wanted.actions,
        token="bot" if service.configured(ctx.settings) else None,
        kind="smtp",
        settings=service.required,
    )
